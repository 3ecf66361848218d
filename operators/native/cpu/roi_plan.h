// Step 1 of pooling: the plan of each RoI.
//
// A plan lists what the RoI's bins read along each axis, as entries whose type depends on the operator. It is computed
// once and serves all bins and channels. Plans are grouped by image.
#ifndef LHRCNN_CPU_ROI_PLAN_H_
#define LHRCNN_CPU_ROI_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/threads.h"

namespace lhrcnn {

// Along an axis every bin of a RoI has the same number of entries: bin (i, j) has the `height` entries that begin at
// y[i * height] and the `width` entries that begin at x[j * width].
template <typename Entry>
struct RoiPlan {
  int64_t roi;  // the row in the array of RoIs
  const Entry *y, *x;
  int32_t height, width;
};

// The plans of all RoIs. A RoI that pools nothing has no plan.
template <typename Entry>
class RoiPlans {
 public:
  // `options` are those of either operator. For each RoI r this calls fill(r, &entries, &plan), which appends the
  // entries along y and then those along x, sets the plan's height and width, and returns the RoI's image, or a
  // negative number if the RoI pools nothing.
  template <typename Options, typename Fill>
  RoiPlans(const Options& options, int threads, const Fill& fill)
      : image_of_(options.rois), first_(options.images + 1, 0) {
    const int64_t rois = options.rois, pooled_size = options.pooled_size;
    threads = limit_threads(threads, rois);
    entries_.resize(threads);
    std::vector<RoiPlan<Entry>> plans(rois);
    run_in_threads(threads, [&](int thread) {
      const int64_t begin = rois * thread / threads, end = rois * (thread + 1) / threads;
      std::vector<Entry>& entries = entries_[thread];
      constexpr int64_t kTypical = 4, kMax = 1 << 20;  // entries of a bin along an axis; entries to reserve in all
      entries.reserve(std::min((end - begin) * 2 * pooled_size * kTypical, kMax));
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
    group_by_image(plans);
  }

  // The plans of an image. Those with fewer entries come first, and otherwise they are in the order of the RoIs: loops
  // over entries then have the same length for many RoIs in a row, which the processor's branch prediction learns.
  const RoiPlan<Entry>* begin(int64_t image) const { return sorted_.data() + first_[image]; }
  int64_t count(int64_t image) const { return first_[image + 1] - first_[image]; }

  // Whether the RoI has a plan.
  bool has_plan(int64_t roi) const { return image_of_[roi] >= 0; }

 private:
  // A counting sort by image, height and width.
  void group_by_image(const std::vector<RoiPlan<Entry>>& plans) {
    constexpr int64_t kLengths = 8;  // lengths of 7 and more count as equal
    const auto key = [&](int64_t r) {
      const int64_t height = plans[r].height < kLengths ? plans[r].height : kLengths - 1;
      const int64_t width = plans[r].width < kLengths ? plans[r].width : kLengths - 1;
      return (image_of_[r] * kLengths + height) * kLengths + width;
    };
    const int64_t images = first_.size() - 1, rois = plans.size();
    std::vector<int64_t> next(images * kLengths * kLengths + 1, 0);
    for (int64_t r = 0; r < rois; ++r) {
      if (has_plan(r)) ++next[key(r) + 1];
    }
    for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
    for (int64_t image = 0; image <= images; ++image) first_[image] = next[image * kLengths * kLengths];
    sorted_.resize(next.back());
    for (int64_t r = 0; r < rois; ++r) {
      if (has_plan(r)) sorted_[next[key(r)]++] = plans[r];
    }
  }

  std::vector<std::vector<Entry>> entries_;  // one vector for each thread that filled it
  std::vector<int64_t> image_of_;            // the image of each RoI, negative where it has no plan
  std::vector<int64_t> first_;               // where the plans of each image begin in sorted_
  std::vector<RoiPlan<Entry>> sorted_;
};

// Returns whether a RoI's row of output_grad has a number other than 0, or output_grad is null. With online hard
// example mining most rows are 0, and their RoIs need no plan.
template <typename Options, typename T>
bool has_nonzero_gradient(const Options& options, const T* output_grad, int64_t roi) {
  if (!output_grad) return true;
  const int64_t size = int64_t(options.output_dim) * options.pooled_size * options.pooled_size;
  return std::any_of(output_grad + roi * size, output_grad + (roi + 1) * size, [](T grad) { return grad != T(0); });
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ROI_PLAN_H_
