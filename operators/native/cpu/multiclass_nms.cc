// Detections of an image on the CPU: suppression within each class, and the best of all classes.
//
// Suppression only ever lowers scores, so candidates of all classes are taken by the best score that they can still
// have: the first one that has met every box kept in its class is the next detection. Few are met at all before the
// image has its detections.
#include <algorithm>
#include <cmath>
#include <queue>
#include <vector>

#include "cpu/nms.h"
#include "cpu/order.h"
#include "cpu/threads.h"
#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

template <typename T>
class MulticlassNms {
 public:
  MulticlassNms(const LhrcnnMulticlassNms& options, const T* scores, const T* boxes)
      : options_(options), scores_(scores), boxes_(boxes),
        threshold_(T(options.soft == LHRCNN_SOFT_NONE || options.score_threshold > 0 ? options.score_threshold : 0)),
        kept_(options.classes, KeptBoxes<T>(options.inclusive ? T(1) : T(0))), entered_(options.classes, 0) {}

  // Writes the detections and returns how many; only the first `valid` boxes count.
  int64_t run(int64_t valid, T* output) {
    fresh_ = BestFirst<T>(ranks(valid));
    if (options_.soft != LHRCNN_SOFT_NONE) met_.resize(options_.classes * options_.boxes);
    int64_t found = 0;
    while (found < options_.max_per_image && !(fresh_.empty() && lowered_.empty())) {
      const bool fresh = lowered_.empty() || (!fresh_.empty() && fresh_.best() > lowered_.top());
      const Rank<T> rank = fresh ? fresh_.best() : lowered_.top();
      fresh ? fresh_.drop_best() : lowered_.pop();
      const int64_t place = place_of<T>(rank), c = place / options_.boxes, row = place % options_.boxes;
      const T* corners = boxes_ + (row * options_.box_classes + (options_.box_classes > 1 ? c : 0)) * 4;
      const Box<T> box = {corners[0], corners[1], corners[2], corners[3]};
      if (fresh && !enters(box, c)) continue;
      const T score = lowered(score_of<T>(rank), box, c, place);
      if (!(score > threshold_)) continue;
      if (score < score_of<T>(rank)) {
        lowered_.push(lhrcnn::rank(score, place));
        continue;
      }
      kept_[c].add(box);
      T* detection = output + found++ * 6;
      detection[0] = static_cast<T>(options_.background >= 0 && c > options_.background ? c - 1 : c);
      detection[1] = score;
      std::copy(corners, corners + 4, detection + 2);
    }
    return found;
  }

 private:
  // Of all scores that exceed the threshold. The place of a candidate is class * boxes + row.
  std::vector<Rank<T>> ranks(int64_t valid) const {
    std::vector<Rank<T>> all(valid * options_.classes);
    Rank<T>* next = all.data();
    for (int64_t row = 0; row < valid; ++row) {
      for (int64_t c = 0; c < options_.classes; ++c) {
        const T score = scores_[row * options_.classes + c];
        // Without a branch: which ones exceed the threshold is hard to foresee.
        *next = rank(score, c * options_.boxes + row);
        next += (score > threshold_) & (c != options_.background);
      }
    }
    all.resize(next - all.data());
    return all;
  }

  // Whether a box is one of the pre_nms of its class; they come in the order of their own scores.
  bool enters(const Box<T>& box, int64_t c) {
    if (std::isnan(box.x1) || std::isnan(box.y1) || std::isnan(box.x2) || std::isnan(box.y2)) return false;
    if (options_.pre_nms > 0 && entered_[c] == options_.pre_nms) return false;
    ++entered_[c];
    return true;
  }

  // The score of a candidate once it has met the boxes kept in its class since it was last taken.
  T lowered(T score, const Box<T>& box, int64_t c, int64_t place) {
    const T threshold = T(options_.nms_threshold);
    if (options_.soft == LHRCNN_SOFT_NONE) return kept_[c].suppress(box, threshold) ? T(-INFINITY) : score;
    for (int64_t i = met_[place]; i < kept_[c].size(); ++i) {
      const T overlap = kept_[c].overlap(i, box);
      if (options_.soft == LHRCNN_SOFT_GAUSSIAN) {
        if (overlap > T(0)) score *= std::exp(-(overlap * overlap) / T(options_.sigma));
      } else if (overlap > threshold) {
        score *= T(1) - overlap;
      }
    }
    met_[place] = static_cast<int32_t>(kept_[c].size());
    return score;
  }

  const LhrcnnMulticlassNms& options_;
  const T *scores_, *boxes_;
  const T threshold_;  // of the scores; not below 0 where suppression multiplies them
  BestFirst<T> fresh_;                    // candidates that have met no kept box yet
  std::priority_queue<Rank<T>> lowered_;  // those that have met some, by the scores that are left
  std::vector<KeptBoxes<T>> kept_;
  std::vector<int64_t> entered_;
  std::vector<int32_t> met_;  // how many of the boxes kept in its class a candidate has met
};

template <typename T>
int multiclass_nms(const LhrcnnMulticlassNms& options, const T* scores, const T* boxes, const T* valid, T* output,
                   T* counts, int threads) {
  return status_of([&] {
    const int64_t places = options.classes * options.boxes, rows = options.max_per_image;
    if (places > LHRCNN_MOST_CANDIDATES) throw std::bad_alloc();
    const int used = useful_threads(threads, options.images);
    in_threads(used, [&](int thread) {
      for (int64_t n = thread; n < options.images; n += used) {
        int64_t count = options.boxes;
        if (valid && !(valid[n] >= T(count))) count = valid[n] > T(0) ? static_cast<int64_t>(valid[n]) : 0;
        MulticlassNms<T> kernel(options, scores + n * places, boxes + n * options.boxes * options.box_classes * 4);
        T* const detections = output + n * rows * 6;
        const int64_t found = kernel.run(count, detections);
        std::fill(detections + found * 6, detections + rows * 6, T(-1));
        counts[n] = T(found);
      }
    });
  });
}

}  // namespace
}  // namespace lhrcnn

int lhrcnn_multiclass_nms_f32(const LhrcnnMulticlassNms* options, const float* scores, const float* boxes,
                              const float* valid, float* output, float* counts, int threads) {
  return lhrcnn::multiclass_nms(*options, scores, boxes, valid, output, counts, threads);
}

int lhrcnn_multiclass_nms_f64(const LhrcnnMulticlassNms* options, const double* scores, const double* boxes,
                              const double* valid, double* output, double* counts, int threads) {
  return lhrcnn::multiclass_nms(*options, scores, boxes, valid, output, counts, threads);
}
