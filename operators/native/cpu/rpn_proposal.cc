// Proposals of a region proposal network on the CPU.
//
// Anchors are visited in order of their scores; a box is decoded only when its anchor is visited, and the search ends
// once post_nms boxes are kept.
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

  // Writes all rows of image number `image`. Pointers are to the arrays of that image; `scores` may be null.
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
  // Writes the boxes that non-maximum suppression keeps and returns how many there are.
  int64_t propose(int64_t image, const T* cls_prob, const T* bbox_pred, const T* im_info, T* rois, T* scores) const {
    const T threshold = T(options_.nms_threshold), min_side = T(options_.min_size) * im_info[2];
    BestFirstQueue<T> queue(sort_keys(cls_prob, im_info));
    KeptBoxes<T> kept(T(1));
    int64_t remaining = options_.pre_nms > 0 ? options_.pre_nms : LHRCNN_MAX_CANDIDATES;
    for (; remaining > 0 && kept.size() < options_.post_nms && !queue.empty(); queue.pop()) {
      const SortKey<T> key = queue.top();
      const Box<T> box = box_of_anchor(index_of<T>(key), bbox_pred, im_info);
      if (!has_min_side(box, min_side)) continue;
      --remaining;
      if (kept.suppresses(box, threshold)) continue;
      T* row = rois + kept.size() * 5;
      row[0] = static_cast<T>(image);
      row[1] = box.x1;
      row[2] = box.y1;
      row[3] = box.x2;
      row[4] = box.y2;
      if (scores) scores[kept.size()] = score_of<T>(key);
      kept.add(box);
    }
    return kept.size();
  }

  // Returns the keys of all anchors, or, where feature_size says so, of those whose cell lies inside the image. The
  // index of an anchor is (row * width + column) * num_anchors + anchor. Scores that are NaN are left out.
  std::vector<SortKey<T>> sort_keys(const T* cls_prob, const T* im_info) const {
    const bool inside_only = options_.feature_size == LHRCNN_FEATURE_IM_INFO;
    const int64_t rows = inside_only ? cells_inside_image(im_info[0], options_.height) : options_.height;
    const int64_t columns = inside_only ? cells_inside_image(im_info[1], options_.width) : options_.width;
    std::vector<SortKey<T>> keys(rows * columns * options_.num_anchors);
    SortKey<T>* next = keys.data();
    for (int64_t anchor = 0; anchor < options_.num_anchors; ++anchor) {
      const T* plane = cls_prob + (interleaved_ ? 2 * anchor + 1 : options_.num_anchors + anchor) * cells_;
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t column = 0; column < columns; ++column) {
          const int64_t cell = row * options_.width + column;
          if (plane[cell] == plane[cell]) *next++ = make_sort_key(plane[cell], cell * options_.num_anchors + anchor);
        }
      }
    }
    keys.resize(next - keys.data());
    return keys;
  }

  // Returns how many of the `cells` cells along an axis lie inside an image of `size` pixels: size / stride, rounded
  // down.
  int64_t cells_inside_image(T size, int64_t cells) const {
    const T whole = std::floor(size / static_cast<T>(options_.feature_stride));
    return whole >= static_cast<T>(cells) ? cells : whole > T(0) ? static_cast<int64_t>(whole) : 0;
  }

  Box<T> box_of_anchor(int64_t index, const T* bbox_pred, const T* im_info) const {
    const int64_t cell = index / options_.num_anchors, anchor = index % options_.num_anchors;
    const T x = static_cast<T>(cell % options_.width * options_.feature_stride);
    const T y = static_cast<T>(cell / options_.width * options_.feature_stride);
    const double* base = options_.anchors + anchor * 4;
    const T* deltas = bbox_pred + anchor * 4 * cells_ + cell;
    return decode_box<T>({T(base[0]) + x, T(base[1]) + y, T(base[2]) + x, T(base[3]) + y}, deltas[0], deltas[cells_],
                         deltas[2 * cells_], deltas[3 * cells_], im_info[0], im_info[1]);
  }

  const LhrcnnRpnProposal& options_;
  const int64_t cells_;
  const bool interleaved_;
};

template <typename T>
int rpn_proposal(const LhrcnnRpnProposal& options, const T* cls_prob, const T* bbox_pred, const T* im_info, T* rois,
                 T* scores, T* counts, int threads) {
  return run_with_status([&] {
    const int64_t anchors = options.height * options.width * options.num_anchors, rows = options.post_nms;
    if (anchors > LHRCNN_MAX_CANDIDATES) throw std::bad_alloc();
    const RpnProposal<T> kernel(options);
    const int used = limit_threads(threads, options.images);
    run_in_threads(used, [&](int thread) {
      for (int64_t n = thread; n < options.images; n += used) {
        kernel.run(n, cls_prob + n * 2 * anchors, bbox_pred + n * 4 * anchors, im_info + n * 3, rois + n * rows * 5,
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
