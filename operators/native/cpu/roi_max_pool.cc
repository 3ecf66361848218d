// RoI max pooling on the CPU: the largest of a bin's whole pixels, and its gradient.
//
// All bins of a RoI read the same channels. A thread takes a group of channels of one image, packs their planes (see
// packed.h), and pools all RoIs of the image from them, in order. No two threads touch the same channel, so results do
// not depend on the number of threads.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/packed.h"
#include "cpu/threads.h"
#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

constexpr int kVectors = 4;  // of a group of channels

// How many numbers a packed pixel of a group has.
template <typename T>
constexpr int64_t group_lanes() {
  return kVectors * vector_width<T>();
}

// What the bins of each RoI read: the rows of a row of bins, and the columns of a column of bins.
struct BinRanges {
  std::vector<int64_t> images;  // negative for a RoI that pools nothing
  std::vector<Range> rows, columns;

  template <typename T>
  BinRanges(const LhrcnnRoiMaxPool& options, const T* rois) {
    for (int64_t r = 0; r < options.rois; ++r) {
      const BinGrid<T> grid = roi_max_pool_grid(options, rois + r * 5);
      images.push_back(grid.image);
      for (int bin = 0; bin < options.pooled_height; ++bin) {
        rows.push_back(max_bin_pixels(grid.y, grid.bin_height, bin, options.height));
      }
      for (int bin = 0; bin < options.pooled_width; ++bin) {
        columns.push_back(max_bin_pixels(grid.x, grid.bin_width, bin, options.width));
      }
    }
  }
};

// The rule of exceeds_maximum in geometry.h, for each lane. Without NaN among the numbers one comparison is enough.
template <typename T, bool kHasNan>
Mask<T> exceeds(const Vector<T>& here, const Vector<T>& best) {
  return kHasNan ? (here > best) | ((here != here) & (best == best)) : here > best;
}

// Returns the largest pixel of a bin in each lane. The bin must have pixels.
template <typename T, bool kHasNan>
Lanes<T, kVectors> largest_pixel(const T* packed, const Range& y, const Range& x, int64_t width) {
  constexpr int64_t lanes = group_lanes<T>();
  auto best = Lanes<T, kVectors>::load(packed + (y.begin * width + x.begin) * lanes);
  for (int64_t i = y.begin; i < y.end; ++i) {
    const T* pixel = packed + (i * width + x.begin) * lanes;
    for (int j = x.begin; j < x.end; ++j, pixel += lanes) {
      const auto here = Lanes<T, kVectors>::load(pixel);
      for (int v = 0; v < kVectors; ++v) {
        best.v[v] = exceeds<T, kHasNan>(here.v[v], best.v[v]) ? here.v[v] : best.v[v];
      }
    }
  }
  return best;
}

// Finds the first of the largest pixels of a bin in each lane, and writes its number in the map. The bin must have
// pixels.
template <typename T, bool kHasNan>
void find_largest_pixel(const T* packed, const Range& y, const Range& x, int64_t width, Mask<T>* places) {
  constexpr int64_t lanes = group_lanes<T>();
  const int64_t first = y.begin * width + x.begin;
  auto best = Lanes<T, kVectors>::load(packed + first * lanes);
  Mask<T> found[kVectors];
  for (Mask<T>& place : found) place = Mask<T>{} + static_cast<int32_t>(first);
  for (int64_t i = y.begin; i < y.end; ++i) {
    const T* pixel = packed + (i * width + x.begin) * lanes;
    for (int j = x.begin; j < x.end; ++j, pixel += lanes) {
      const auto here = Lanes<T, kVectors>::load(pixel);
      const Mask<T> place = Mask<T>{} + static_cast<int32_t>(i * width + j);
      for (int v = 0; v < kVectors; ++v) {
        const Mask<T> replaces = exceeds<T, kHasNan>(here.v[v], best.v[v]);
        best.v[v] = replaces ? here.v[v] : best.v[v];
        found[v] = replaces ? place : found[v];
      }
    }
  }
  std::copy_n(found, kVectors, places);
}

// A group of channels of one image, and the memory in which a thread pools them.
template <typename T>
struct Group {
  int64_t image, first, channels;
  Buffer<T>*packed, *packed_grad, *values;
};

template <typename T>
class MaxPool {
 public:
  MaxPool(const LhrcnnRoiMaxPool& options, const T* rois, int threads)
      : options_(options), ranges_(options, rois), pixels_(options.height * options.width),
        bins_(int64_t(options.pooled_height) * options.pooled_width), threads_(threads) {}

  void forward(const T* data, T* output) const {
    for (int64_t r = 0; r < options_.rois; ++r) {
      if (ranges_.images[r] < 0) std::memset(row(output, r, 0), 0, options_.channels * bins_ * sizeof(T));
    }
    for_groups([&](const Group<T>& group) {
      const T* packed = pack(group, data);
      T* values = group.values->memory(bins_ * kLanes);
      const auto pool = has_nan(packed) ? largest_pixel<T, true> : largest_pixel<T, false>;
      for (int64_t r = 0; r < options_.rois; ++r) {
        if (ranges_.images[r] != group.image) continue;
        for_bins(r, [&](int64_t bin, const Range& y, const Range& x) {
          const bool empty = y.begin >= y.end || x.begin >= x.end;
          (empty ? Lanes<T, kVectors>::zero() : pool(packed, y, x, options_.width)).store(values + bin * kLanes);
        });
        transpose(values, kLanes, bins_, group.channels, row(output, r, group.first), bins_);
      }
    });
  }

  void backward(const T* output_grad, const T* data, T* data_grad) const {
    for_groups([&](const Group<T>& group) {
      const T* packed = pack(group, data);
      T* packed_grad = group.packed_grad->memory(pixels_ * kLanes);
      T* values = group.values->memory(bins_ * kLanes);
      std::memset(packed_grad, 0, pixels_ * kLanes * sizeof(T));
      const auto find = has_nan(packed) ? find_largest_pixel<T, true> : find_largest_pixel<T, false>;
      for (int64_t r = 0; r < options_.rois; ++r) {
        const T* grad = row(output_grad, r, group.first);
        if (ranges_.images[r] != group.image || all_zero(grad, group.channels * bins_)) continue;
        transpose(grad, bins_, group.channels, bins_, values, kLanes);
        for_bins(r, [&](int64_t bin, const Range& y, const Range& x) {
          if (y.begin >= y.end || x.begin >= x.end) return;
          Mask<T> places[kVectors];
          find(packed, y, x, options_.width, places);
          add_at(places, values + bin * kLanes, group.channels, packed_grad);
        });
      }
      transpose(packed_grad, kLanes, pixels_, group.channels, plane(data_grad, group), pixels_);
    });
  }

 private:
  static constexpr int64_t kLanes = group_lanes<T>();

  // Calls work(group) for all groups of channels of all images.
  template <typename Work>
  void for_groups(const Work& work) const {
    const int64_t groups = (options_.channels + kLanes - 1) / kLanes, items = options_.images * groups;
    std::atomic<int64_t> next{0};
    run_in_threads(limit_threads(threads_, items), [&](int) {
      Buffer<T> packed, packed_grad, values;
      for (int64_t item = next++; item < items; item = next++) {
        const int64_t first = item % groups * kLanes;
        const int64_t channels = std::min(group_lanes<T>(), options_.channels - first);
        work(Group<T>{item / groups, first, channels, &packed, &packed_grad, &values});
      }
    });
  }

  // Calls work(bin, rows, columns) for all bins of a RoI.
  template <typename Work>
  void for_bins(int64_t roi, const Work& work) const {
    const Range* rows = ranges_.rows.data() + roi * options_.pooled_height;
    const Range* columns = ranges_.columns.data() + roi * options_.pooled_width;
    int64_t bin = 0;
    for (int i = 0; i < options_.pooled_height; ++i) {
      for (int j = 0; j < options_.pooled_width; ++j) work(bin++, rows[i], columns[j]);
    }
  }

  const T* pack(const Group<T>& group, const T* data) const {
    T* packed = group.packed->zeros(pixels_ * kLanes);
    transpose(plane(data, group), pixels_, group.channels, pixels_, packed, kLanes);
    return packed;
  }

  bool has_nan(const T* packed) const {
    bool found = false;
    for (int64_t i = 0; i < pixels_ * kLanes; ++i) found |= packed[i] != packed[i];
    return found;
  }

  static bool all_zero(const T* values, int64_t count) {
    return std::all_of(values, values + count, [](T value) { return value == T(0); });
  }

  // Adds the first `channels` numbers of `values` to their pixels of the packed gradient.
  static void add_at(const Mask<T>* places, const T* values, int64_t channels, T* packed_grad) {
    for (int64_t lane = 0; lane < channels; ++lane) {
      const int64_t place = places[lane / vector_width<T>()][lane % vector_width<T>()];
      packed_grad[place * kLanes + lane] += values[lane];
    }
  }

  // Returns the first plane of a group.
  template <typename Pointer>
  Pointer plane(Pointer data, const Group<T>& group) const {
    return data + (group.image * options_.channels + group.first) * pixels_;
  }

  // Returns the bins of a RoI from a channel on.
  template <typename Pointer>
  Pointer row(Pointer output, int64_t roi, int64_t channel) const {
    return output + (roi * options_.channels + channel) * bins_;
  }

  const LhrcnnRoiMaxPool& options_;
  const BinRanges ranges_;
  const int64_t pixels_, bins_;
  const int threads_;
};

// The number of a pixel fits in 31 bits.
bool is_too_large(const LhrcnnRoiMaxPool& options) { return options.height * options.width > LHRCNN_MAX_CANDIDATES; }

template <typename T>
int forward(const LhrcnnRoiMaxPool& options, const T* data, const T* rois, T* output, int threads) {
  if (is_too_large(options)) return 1;
  return run_with_status([&] { MaxPool<T>(options, rois, threads).forward(data, output); });
}

template <typename T>
int backward(const LhrcnnRoiMaxPool& options, const T* output_grad, const T* data, const T* rois, T* data_grad,
             int threads) {
  if (is_too_large(options)) return 1;
  return run_with_status([&] { MaxPool<T>(options, rois, threads).backward(output_grad, data, data_grad); });
}

}  // namespace
}  // namespace lhrcnn

int lhrcnn_roi_max_pool_forward_f32(const LhrcnnRoiMaxPool* options, const float* data, const float* rois,
                                    float* output, int threads) {
  return lhrcnn::forward(*options, data, rois, output, threads);
}

int lhrcnn_roi_max_pool_forward_f64(const LhrcnnRoiMaxPool* options, const double* data, const double* rois,
                                    double* output, int threads) {
  return lhrcnn::forward(*options, data, rois, output, threads);
}

int lhrcnn_roi_max_pool_backward_f32(const LhrcnnRoiMaxPool* options, const float* output_grad, const float* data,
                                     const float* rois, float* data_grad, int threads) {
  return lhrcnn::backward(*options, output_grad, data, rois, data_grad, threads);
}

int lhrcnn_roi_max_pool_backward_f64(const LhrcnnRoiMaxPool* options, const double* output_grad, const double* data,
                                     const double* rois, double* data_grad, int threads) {
  return lhrcnn::backward(*options, output_grad, data, rois, data_grad, threads);
}
