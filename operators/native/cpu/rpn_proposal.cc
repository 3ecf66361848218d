// Proposals of a region proposal network on the CPU.
#include <cmath>
#include <vector>

#include "cpu/nms.h"
#include "cpu/order.h"
#include "cpu/threads.h"
#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

template <typename T>
class RpnProposal {
 public:
  explicit RpnProposal(const LhrcnnRpnProposal& options)
      : options_(options), cells_(options.height * options.width),
        interleaved_(options.channels == LHRCNN_CHANNELS_INTERLEAVED) {}

  // All pointers are to the rows of one image.
  void run(int64_t image, const T* cls_prob, const T* bbox_pred, const T* im_info, T* rois, T* scores,
           T* count) const {
    int64_t kept = 0;
    if (std::isfinite(im_info[0]) && std::isfinite(im_info[1]) && std::isfinite(im_info[2])) {
      kept = propose(image, cls_prob, bbox_pred, im_info, rois, scores);
    }
    *count = static_cast<T>(kept);
    for (int64_t row = kept; row < options_.post_nms; ++row) {
      const bool repeat = options_.pad == LHRCNN_PAD_REPEAT && kept > 0;
      for (int i = 0; i < 5; ++i) rois[row * 5 + i] = repeat ? rois[row % kept * 5 + i] : i == 0 ? T(-1) : T(0);
      if (scores) scores[row] = repeat ? scores[row % kept] : T(0);
    }
  }

 private:
  // Writes the rows that suppression keeps and returns how many.
  int64_t propose(int64_t image, const T* cls_prob, const T* bbox_pred, const T* im_info, T* rois, T* scores) const {
    const T threshold = T(options_.nms_threshold), least_side = T(options_.min_size) * im_info[2];
    BestFirst<T> candidates(ranks(cls_prob, im_info));
    KeptBoxes<T> kept(T(1));
    int64_t left = options_.pre_nms > 0 ? options_.pre_nms : LHRCNN_MOST_CANDIDATES;
    for (; left > 0 && kept.size() < options_.post_nms && !candidates.empty(); candidates.drop_best()) {
      const Rank<T> rank = candidates.best();
      const Box<T> box = box_at(place_of<T>(rank), bbox_pred, im_info);
      if (!at_least(box, least_side)) continue;
      --left;
      if (kept.suppress(box, threshold)) continue;
      T* row = rois + kept.size() * 5;
      row[0] = static_cast<T>(image);
      row[1] = box.x1;
      row[2] = box.y1;
      row[3] = box.x2;
      row[4] = box.y2;
      if (scores) scores[kept.size()] = score_of<T>(rank);
      kept.add(box);
    }
    return kept.size();
  }

  // Of all anchors that count. The place of an anchor is (row * width + column) * num_anchors + anchor.
  std::vector<Rank<T>> ranks(const T* cls_prob, const T* im_info) const {
    const bool cut = options_.feature_size == LHRCNN_FEATURE_IM_INFO;
    const int64_t rows = cut ? cells_within(im_info[0], options_.height) : options_.height;
    const int64_t columns = cut ? cells_within(im_info[1], options_.width) : options_.width;
    std::vector<Rank<T>> all(rows * columns * options_.num_anchors);
    Rank<T>* next = all.data();
    for (int64_t anchor = 0; anchor < options_.num_anchors; ++anchor) {
      const T* plane = cls_prob + (interleaved_ ? 2 * anchor + 1 : options_.num_anchors + anchor) * cells_;
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t column = 0; column < columns; ++column) {
          const int64_t cell = row * options_.width + column;
          if (plane[cell] == plane[cell]) *next++ = rank(plane[cell], cell * options_.num_anchors + anchor);
        }
      }
    }
    all.resize(next - all.data());
    return all;
  }

  // How many of `cells` cells begin an image of `size` pixels.
  int64_t cells_within(T size, int64_t cells) const {
    const T whole = std::floor(size / static_cast<T>(options_.feature_stride));
    return whole >= static_cast<T>(cells) ? cells : whole > T(0) ? static_cast<int64_t>(whole) : 0;
  }

  Box<T> box_at(int64_t place, const T* bbox_pred, const T* im_info) const {
    const int64_t cell = place / options_.num_anchors, anchor = place % options_.num_anchors;
    const T x = static_cast<T>(cell % options_.width * options_.feature_stride);
    const T y = static_cast<T>(cell / options_.width * options_.feature_stride);
    const double* base = options_.anchors + anchor * 4;
    const T* deltas = bbox_pred + anchor * 4 * cells_ + cell;
    return decoded<T>({T(base[0]) + x, T(base[1]) + y, T(base[2]) + x, T(base[3]) + y}, deltas[0], deltas[cells_],
                      deltas[2 * cells_], deltas[3 * cells_], im_info[0], im_info[1]);
  }

  const LhrcnnRpnProposal& options_;
  const int64_t cells_;
  const bool interleaved_;
};

template <typename T>
int rpn_proposal(const LhrcnnRpnProposal& options, const T* cls_prob, const T* bbox_pred, const T* im_info, T* rois,
                 T* scores, T* counts, int threads) {
  return status_of([&] {
    const int64_t places = options.height * options.width * options.num_anchors, rows = options.post_nms;
    if (places > LHRCNN_MOST_CANDIDATES) throw std::bad_alloc();
    const RpnProposal<T> kernel(options);
    const int used = useful_threads(threads, options.images);
    in_threads(used, [&](int thread) {
      for (int64_t n = thread; n < options.images; n += used) {
        kernel.run(n, cls_prob + n * 2 * places, bbox_pred + n * 4 * places, im_info + n * 3, rois + n * rows * 5,
                   scores ? scores + n * rows : nullptr, counts + n);
      }
    });
  });
}

}  // namespace
}  // namespace lhrcnn

int lhrcnn_rpn_proposal_f32(const LhrcnnRpnProposal* options, const float* cls_prob, const float* bbox_pred,
                            const float* im_info, float* rois, float* scores, float* counts, int threads) {
  return lhrcnn::rpn_proposal(*options, cls_prob, bbox_pred, im_info, rois, scores, counts, threads);
}

int lhrcnn_rpn_proposal_f64(const LhrcnnRpnProposal* options, const double* cls_prob, const double* bbox_pred,
                            const double* im_info, double* rois, double* scores, double* counts, int threads) {
  return lhrcnn::rpn_proposal(*options, cls_prob, bbox_pred, im_info, rois, scores, counts, threads);
}
