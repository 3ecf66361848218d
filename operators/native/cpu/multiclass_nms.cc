// Detections of an image on the CPU: non-maximum suppression within each class, then the best boxes of all classes.
//
// A candidate is a box with the score of one class. Suppression can only lower a candidate's score, so the candidates
// of all classes are taken from a queue in order of the best score that they can still have. A candidate that has been
// compared with every box kept in its class, and comes first in the queue even so, is the next detection. The search
// ends with max_per_image detections, and most candidates are then never compared with anything.
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

// Finds the detections of one image. Pointers are to the arrays of that image.
template <typename T>
class MulticlassNms {
 public:
  MulticlassNms(const LhrcnnMulticlassNms& options, const T* scores, const T* boxes)
      : options_(options), scores_(scores), boxes_(boxes),
        score_threshold_(
            T(options.soft == LHRCNN_SOFT_NONE || options.score_threshold > 0 ? options.score_threshold : 0)),
        kept_(options.classes, KeptBoxes<T>(options.inclusive ? T(1) : T(0))), admitted_(options.classes, 0) {}

  // Writes the detections among the first `valid` boxes and returns how many there are.
  int64_t run(int64_t valid, T* output) {
    unvisited_ = BestFirstQueue<T>(sort_keys(valid));
    if (options_.soft != LHRCNN_SOFT_NONE) compared_.resize(options_.classes * options_.boxes);
    int64_t found = 0;
    while (found < options_.max_per_image && !(unvisited_.empty() && rescored_.empty())) {
      const bool first_visit = rescored_.empty() || (!unvisited_.empty() && unvisited_.top() > rescored_.top());
      const SortKey<T> key = first_visit ? unvisited_.top() : rescored_.top();
      first_visit ? unvisited_.pop() : rescored_.pop();
      const int64_t candidate = index_of<T>(key), c = candidate / options_.boxes, row = candidate % options_.boxes;
      const T* corners = boxes_ + (row * options_.box_classes + (options_.box_classes > 1 ? c : 0)) * 4;
      const Box<T> box = {corners[0], corners[1], corners[2], corners[3]};
      if (first_visit && !admit(box, c)) continue;
      const T score = score_after_suppression(score_of<T>(key), box, c, candidate);
      if (!(score > score_threshold_)) continue;
      if (score < score_of<T>(key)) {
        rescored_.push(make_sort_key(score, candidate));
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
  // Returns the keys of all candidates whose score is above the threshold. The index of a candidate is
  // class * boxes + row.
  std::vector<SortKey<T>> sort_keys(int64_t valid) const {
    std::vector<SortKey<T>> keys(valid * options_.classes);
    SortKey<T>* next = keys.data();
    for (int64_t row = 0; row < valid; ++row) {
      for (int64_t c = 0; c < options_.classes; ++c) {
        const T score = scores_[row * options_.classes + c];
        // Without a branch: the processor cannot predict which scores are above the threshold.
        *next = make_sort_key(score, c * options_.boxes + row);
        next += (score > score_threshold_) & (c != options_.background);
      }
    }
    keys.resize(next - keys.data());
    return keys;
  }

  // Returns whether a box takes part in suppression: it must not hold NaN and must be one of the first pre_nms boxes of
  // its class. Candidates come here in the order of the scores that they came with.
  bool admit(const Box<T>& box, int64_t c) {
    if (std::isnan(box.x1) || std::isnan(box.y1) || std::isnan(box.x2) || std::isnan(box.y2)) return false;
    if (options_.pre_nms > 0 && admitted_[c] == options_.pre_nms) return false;
    ++admitted_[c];
    return true;
  }

  // Returns the score of a candidate after comparing it with the boxes of its class that were kept since the last time.
  // A candidate that is suppressed outright gets minus infinity.
  T score_after_suppression(T score, const Box<T>& box, int64_t c, int64_t candidate) {
    const T iou_threshold = T(options_.nms_threshold);
    if (options_.soft == LHRCNN_SOFT_NONE) return kept_[c].suppresses(box, iou_threshold) ? T(-INFINITY) : score;
    for (int64_t i = compared_[candidate]; i < kept_[c].size(); ++i) {
      const T iou = kept_[c].iou(i, box);
      if (options_.soft == LHRCNN_SOFT_GAUSSIAN) {
        if (iou > T(0)) score *= std::exp(-(iou * iou) / T(options_.sigma));
      } else if (iou > iou_threshold) {
        score *= T(1) - iou;
      }
    }
    compared_[candidate] = static_cast<int32_t>(kept_[c].size());
    return score;
  }

  const LhrcnnMulticlassNms& options_;
  const T *scores_, *boxes_;
  const T score_threshold_;                   // at least 0 where suppression multiplies scores
  BestFirstQueue<T> unvisited_;               // candidates that have not been compared with any box
  std::priority_queue<SortKey<T>> rescored_;  // candidates that have been, with the scores that they have left
  std::vector<KeptBoxes<T>> kept_;            // the detections of each class so far
  std::vector<int64_t> admitted_;             // how many boxes of each class have taken part
  std::vector<int32_t> compared_;             // with how many kept boxes of its class each candidate has been compared
};

template <typename T>
int multiclass_nms(const LhrcnnMulticlassNms& options, const T* scores, const T* boxes, const T* valid, T* output,
                   T* counts, int threads) {
  return run_with_status([&] {
    const int64_t candidates = options.classes * options.boxes, rows = options.max_per_image;
    if (candidates > LHRCNN_MAX_CANDIDATES) throw std::bad_alloc();
    const int used = limit_threads(threads, options.images);
    run_in_threads(used, [&](int thread) {
      for (int64_t n = thread; n < options.images; n += used) {
        int64_t count = options.boxes;
        if (valid && !(valid[n] >= T(count))) count = valid[n] > T(0) ? static_cast<int64_t>(valid[n]) : 0;
        MulticlassNms<T> kernel(options, scores + n * candidates, boxes + n * options.boxes * options.box_classes * 4);
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
