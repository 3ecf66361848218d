// What each RoI reads along each axis, worked out once for all bins and channels, and the RoIs of each image in a row.
#ifndef LHRCNN_CPU_ROI_PLAN_H_
#define LHRCNN_CPU_ROI_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/threads.h"

namespace lhrcnn {

// Along an axis every bin has the same number of entries: bin (i, j) has `height` from y[i * height] on and `width`
// from x[j * width] on.
template <typename Entry>
struct RoiPlan {
  int64_t roi;  // row of rois
  const Entry *y, *x;
  int32_t height, width;
};

// A RoI of no image has no plan.
template <typename Entry>
class Plans {
 public:
  // `options` of either operator. For each RoI fill(r, &entries, &plan) appends its entries, those of y before those of
  // x, sets height and width of the plan and returns the image, negative for none.
  template <typename Options, typename Fill>
  Plans(const Options& options, int threads, const Fill& fill)
      : image_of_(options.rois), first_(options.images + 1, 0) {
    const int64_t rois = options.rois, pooled_size = options.pooled_size;
    threads = useful_threads(threads, rois);
    entries_.resize(threads);
    std::vector<RoiPlan<Entry>> plans(rois);
    in_threads(threads, [&](int thread) {
      const int64_t begin = rois * thread / threads, end = rois * (thread + 1) / threads;
      std::vector<Entry>& entries = entries_[thread];
      constexpr int64_t kUsual = 4, kMost = 1 << 20;  // entries of a bin along an axis, and of all
      entries.reserve(std::min((end - begin) * 2 * pooled_size * kUsual, kMost));
      for (int64_t r = begin; r < end; ++r) image_of_[r] = fill(r, &entries, &plans[r]);
      const Entry* next = entries.data();
      for (int64_t r = begin; r < end; ++r) {
        if (image_of_[r] < 0) continue;
        plans[r].roi = r;
        plans[r].y = next;
        plans[r].x = plans[r].y + plans[r].height * pooled_size;
        next = plans[r].x + plans[r].width * pooled_size;
      }
    });
    sort(plans);
  }

  // The plans of an image: of RoIs with few entries first, then in the order of the RoIs. Loops over entries are then
  // of one length for many RoIs, which a processor foresees.
  const RoiPlan<Entry>* begin(int64_t image) const { return sorted_.data() + first_[image]; }
  int64_t count(int64_t image) const { return first_[image + 1] - first_[image]; }

  bool has(int64_t roi) const { return image_of_[roi] >= 0; }

 private:
  void sort(const std::vector<RoiPlan<Entry>>& plans) {
    constexpr int64_t kLengths = 8;  // longer ones count as equal
    const auto key = [&](int64_t r) {
      const int64_t height = plans[r].height < kLengths ? plans[r].height : kLengths - 1;
      const int64_t width = plans[r].width < kLengths ? plans[r].width : kLengths - 1;
      return (image_of_[r] * kLengths + height) * kLengths + width;
    };
    const int64_t images = first_.size() - 1, rois = plans.size();
    std::vector<int64_t> next(images * kLengths * kLengths + 1, 0);
    for (int64_t r = 0; r < rois; ++r) {
      if (has(r)) ++next[key(r) + 1];
    }
    for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
    for (int64_t image = 0; image <= images; ++image) first_[image] = next[image * kLengths * kLengths];
    sorted_.resize(next.back());
    for (int64_t r = 0; r < rois; ++r) {
      if (has(r)) sorted_[next[key(r)]++] = plans[r];
    }
  }

  std::vector<std::vector<Entry>> entries_;  // one vector a thread that filled it
  std::vector<int64_t> image_of_, first_;
  std::vector<RoiPlan<Entry>> sorted_;
};

// True where a RoI's row of output_grad is not zero throughout, or output_grad is null. In training on hard examples
// most rows are zero.
template <typename Options, typename T>
bool has_gradient(const Options& options, const T* output_grad, int64_t roi) {
  if (!output_grad) return true;
  const int64_t size = int64_t(options.output_dim) * options.pooled_size * options.pooled_size;
  return std::any_of(output_grad + roi * size, output_grad + (roi + 1) * size, [](T grad) { return grad != T(0); });
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ROI_PLAN_H_
