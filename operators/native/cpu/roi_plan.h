// Step 1 of pooling: the plan of each RoI.
//
// A plan lists what the RoI's bins read along each axis, as entries whose type depends on the operator. It is computed
// once and serves all bins and channels. Plans are grouped by image, and within an image into runs of equal lengths.
#ifndef LHRCNN_CPU_ROI_PLAN_H_
#define LHRCNN_CPU_ROI_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/threads.h"

namespace lhrcnn {

// The image of a RoI, or a negative number if the RoI pools nothing, and how many entries a bin has along y and x.
struct PlanLengths {
  int64_t image;
  int32_t height, width;
};

// Along an axis every bin of a RoI has the same number of entries. A run holds the plans of RoIs that have `height`
// entries a bin along y and `width` along x: a loop over them does the same for each RoI, without a branch that the
// processor could predict wrongly. What one bin reads lies side by side in memory, RoI after RoI.
template <typename Entry>
struct PlanRun {
  int32_t height, width;
  int64_t first, count;  // the run has the RoIs number first .. first + count - 1 of the image
  const Entry *y, *x;

  // The entries of all RoIs of the run in one row or column of bins: `height` or `width` for each RoI.
  const Entry* row(int bin) const { return y + bin * count * height; }
  const Entry* column(int bin) const { return x + bin * count * width; }
};

// The plans of all RoIs. A RoI that pools nothing has no plan.
template <typename Entry>
class RoiPlans {
 public:
  // `options` are those of either operator. For each RoI r this calls fill(r, &entries, &lengths), which appends the
  // entries along y, bin after bin, then those along x, unless the RoI pools nothing, and sets `lengths`.
  template <typename Options, typename Fill>
  RoiPlans(const Options& options, int threads, const Fill& fill)
      : pooled_size_(options.pooled_size), lengths_(options.rois), images_(options.images) {
    const int64_t rois = options.rois;
    threads = limit_threads(threads, rois);
    std::vector<std::vector<Entry>> filled(threads);  // in the order of the RoIs
    std::vector<const Entry*> begins(rois);
    run_in_threads(threads, [&](int thread) {
      const int64_t begin = rois * thread / threads, end = rois * (thread + 1) / threads;
      std::vector<Entry>& entries = filled[thread];
      constexpr int64_t kTypical = 4, kMax = 1 << 20;  // entries of a bin along an axis; entries to reserve in all
      entries.reserve(std::min((end - begin) * 2 * pooled_size_ * kTypical, kMax));
      for (int64_t r = begin; r < end; ++r) fill(r, &entries, &lengths_[r]);
      const Entry* next = entries.data();
      for (int64_t r = begin; r < end; ++r) {
        begins[r] = next;
        if (has_plan(r)) next += (lengths_[r].height + lengths_[r].width) * pooled_size_;
      }
    });
    sort_rois();
    make_runs();
    run_in_threads(threads, [&](int thread) { arrange(begins, thread, threads); });
  }

  // How many plans an image has, and the row in the array of RoIs of number k among them.
  int64_t count(int64_t image) const { return images_[image].count; }
  int64_t roi(int64_t image, int64_t k) const { return sorted_[images_[image].first + k]; }

  // The runs of an image; together they have all its plans.
  const std::vector<PlanRun<Entry>>& runs(int64_t image) const { return images_[image].runs; }

  // Whether the RoI has a plan.
  bool has_plan(int64_t roi) const { return lengths_[roi].image >= 0; }

 private:
  struct Image {
    int64_t first = 0, count = 0;  // where its RoIs are in sorted_
    std::vector<PlanRun<Entry>> runs;
  };

  // Sorts the RoIs that have plans by image, height and width, equal ones in the order of the RoIs.
  void sort_rois() {
    for (int64_t r = 0; r < static_cast<int64_t>(lengths_.size()); ++r) {
      if (has_plan(r)) sorted_.push_back(r);
    }
    sort_by([&](int64_t r) { return int64_t(lengths_[r].width); });
    sort_by([&](int64_t r) { return int64_t(lengths_[r].height); });
    if (images_.size() > 1) sort_by([&](int64_t r) { return lengths_[r].image; });
  }

  // A counting sort of sorted_ by a key of at least 0; the order of equal RoIs remains.
  template <typename Key>
  void sort_by(const Key& key) {
    int64_t largest = 0;
    for (int64_t r : sorted_) largest = std::max(largest, key(r));
    std::vector<int64_t> next(largest + 2, 0), before = sorted_;
    for (int64_t r : before) ++next[key(r) + 1];
    for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
    for (int64_t r : before) sorted_[next[key(r)]++] = r;
  }

  void make_runs() {
    int64_t size = 0;
    for (int64_t i = 0; i < static_cast<int64_t>(sorted_.size()); ++i) {
      const PlanLengths& lengths = lengths_[sorted_[i]];
      Image& image = images_[lengths.image];
      if (image.count == 0) image.first = i;
      std::vector<PlanRun<Entry>>& runs = image.runs;
      if (runs.empty() || runs.back().height != lengths.height || runs.back().width != lengths.width) {
        runs.push_back({lengths.height, lengths.width, image.count, 0, nullptr, nullptr});
      }
      ++image.count;
      ++runs.back().count;
      size += (lengths.height + lengths.width) * pooled_size_;
    }
    entries_.reset(new Entry[size]);
    const Entry* next = entries_.get();
    for (Image& image : images_) {
      for (PlanRun<Entry>& run : image.runs) {
        run.y = next;
        run.x = run.y + run.count * run.height * pooled_size_;
        next = run.x + run.count * run.width * pooled_size_;
      }
    }
  }

  // Copies the entries of one thread's share of each run to their places.
  void arrange(const std::vector<const Entry*>& begins, int thread, int threads) {
    for (const Image& image : images_) {
      for (const PlanRun<Entry>& run : image.runs) {
        const int64_t end = run.count * (thread + 1) / threads;
        for (int64_t k = run.count * thread / threads; k < end; ++k) {
          const Entry* from = begins[sorted_[image.first + run.first + k]];
          from = arrange_axis(from, run.height, run.count, const_cast<Entry*>(run.y) + k * run.height);
          arrange_axis(from, run.width, run.count, const_cast<Entry*>(run.x) + k * run.width);
        }
      }
    }
  }

  // Copies the entries of one RoI along one axis, `length` for each bin, and returns what follows them.
  const Entry* arrange_axis(const Entry* from, int64_t length, int64_t count, Entry* to) {
    for (int64_t bin = 0; bin < pooled_size_; ++bin, from += length, to += count * length) {
      for (int64_t i = 0; i < length; ++i) to[i] = from[i];
    }
    return from;
  }

  const int64_t pooled_size_;
  std::vector<PlanLengths> lengths_;   // of each RoI
  std::vector<int64_t> sorted_;    // the RoIs that have plans, in the order of their plans
  std::vector<Image> images_;
  std::unique_ptr<Entry[]> entries_;
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
