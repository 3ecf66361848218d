// Steps 2 to 4 of pooling, for every image and every bin: pack the channels that the bin reads, pool them for all RoIs
// of the image, and place the results in the output.
//
// Each bin reads channels that no other bin reads. So threads, which take bins in turn, never write to the same memory,
// and every sum is taken in a fixed order: results do not depend on the number of threads.
#ifndef LHRCNN_CPU_BIN_LOOP_H_
#define LHRCNN_CPU_BIN_LOOP_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/packed.h"
#include "cpu/roi_plan.h"
#include "cpu/threads.h"

namespace lhrcnn {

// What a pooling loop needs to know of one bin of one image. The map is packed, and so are the bin's values of each
// RoI: RoI number k has its values at k * lanes.
template <typename Entry>
struct Bin {
  const std::vector<PlanRun<Entry>>& runs;  // of the RoIs of the image
  int32_t row, column;                      // of the bin in the grid of bins
  int64_t width;                            // of the map in pixels
  int64_t lanes;                            // numbers of a packed pixel
};

template <typename T, typename Entry>
class BinLoop {
 public:
  // `options` are those of either operator, and `lanes` is how many numbers a packed pixel has.
  template <typename Options>
  BinLoop(const Options& options, const RoiPlans<Entry>& plans, int64_t lanes, int threads)
      : images_(options.images), rois_(options.rois), pixels_(options.height * options.width), width_(options.width),
        channels_(options.output_dim), pooled_size_(options.pooled_size), bins_(int64_t(pooled_size_) * pooled_size_),
        lanes_(lanes), plans_(plans), threads_(threads) {}

  // Makes the output. pool(bin, packed, values) must write the bin's values of all its RoIs, read from the packed map.
  template <typename Pool>
  void forward(const T* data, T* output, const Pool& pool) const {
    for (int64_t r = 0; r < rois_; ++r) {
      if (!plans_.has_plan(r)) std::memset(output + r * channels_ * bins_, 0, channels_ * bins_ * sizeof(T));
    }
    for_bin_groups([&](int64_t image, int64_t first, int64_t bins, Scratch* scratch) {
      const int64_t count = plans_.count(image);
      if (count == 0) return;
      T* packed = scratch->packed.zeros(pixels_ * lanes_);
      T* values = scratch->values.memory(bins * count * lanes_);
      for (int64_t b = 0; b < bins; ++b) {
        transpose(first_plane(data, image, first + b), bins_ * pixels_, channels_, pixels_, packed, lanes_);
        pool(make_bin(image, first + b), packed, values + b * count * lanes_);
      }
      for (int64_t k = 0; k < count; ++k) {
        if (k + 1 < count) prefetch(output + output_offset(image, k + 1, first), bins);
        transpose(values + k * lanes_, count * lanes_, bins, channels_, output + output_offset(image, k, first), bins_);
      }
    });
  }

  // Makes the gradient of data. spread(bin, values, packed, packed_grad) must add the gradients of the bin's values of
  // all its RoIs to those of the pixels that they were pooled from. `data` may be null, and then `packed` is null too.
  template <typename Spread>
  void backward(const T* output_grad, const T* data, T* data_grad, const Spread& spread) const {
    for_bin_groups([&](int64_t image, int64_t first, int64_t bins, Scratch* scratch) {
      const int64_t count = plans_.count(image);
      T* packed = data ? scratch->packed.zeros(pixels_ * lanes_) : nullptr;
      T* packed_grad = scratch->packed_grad.memory(pixels_ * lanes_);
      T* values = scratch->values.zeros(bins * count * lanes_);
      for (int64_t k = 0; k < count; ++k) {
        transpose(output_grad + output_offset(image, k, first), bins_, channels_, bins, values + k * lanes_,
                  count * lanes_);
      }
      for (int64_t b = 0; b < bins; ++b) {
        if (data) transpose(first_plane(data, image, first + b), bins_ * pixels_, channels_, pixels_, packed, lanes_);
        std::memset(packed_grad, 0, pixels_ * lanes_ * sizeof(T));
        spread(make_bin(image, first + b), values + b * count * lanes_, packed, packed_grad);
        transpose(packed_grad, lanes_, pixels_, channels_, first_plane(data_grad, image, first + b), bins_ * pixels_);
      }
    });
  }

 private:
  struct Scratch {
    Buffer<T> packed, packed_grad, values;
  };

  // Asks the processor to fetch where the next RoI's values will be placed: `bins` numbers of each channel. RoIs are
  // placed in the order of their plans, so the processor cannot guess this.
  void prefetch(const T* output, int64_t bins) const {
    constexpr int64_t kLine = 64 / sizeof(T);
    for (int64_t c = 0; c < channels_; ++c, output += bins_) {
      for (int64_t b = 0; b < bins; b += kLine) __builtin_prefetch(output + b, 1);
      __builtin_prefetch(output + bins - 1, 1);
    }
  }

  // Calls work(image, first, bins, &scratch) for groups of neighbouring bins. Neighbouring bins lie next to each other
  // in the output. So the larger a group, the fewer cache lines are fetched to place its values, as long as the values
  // themselves fit into the cache of a core.
  template <typename Work>
  void for_bin_groups(const Work& work) const {
    constexpr int64_t kFewest = 4, kBytes = 1 << 19;  // bins of a group; bytes that its values may take
    int64_t rois = 1;  // of the image that has most of them
    for (int64_t image = 0; image < images_; ++image) rois = std::max(rois, plans_.count(image));
    const int64_t most = std::max<int64_t>(kBytes / (rois * lanes_ * sizeof(T)), kFewest);
    const int threads = limit_threads(threads_, images_ * bins_);
    // The number of groups is a multiple of the number of threads, so that all threads have work to the end.
    const int64_t rounds = (bins_ + most * threads - 1) / (most * threads);
    const int64_t groups = std::min(bins_, rounds * threads);
    std::atomic<int64_t> next{0};
    run_in_threads(threads, [&](int) {
      Scratch scratch;
      for (int64_t group = next++; group < images_ * groups; group = next++) {
        const int64_t number = group % groups, first = bins_ * number / groups, end = bins_ * (number + 1) / groups;
        work(group / groups, first, end - first, &scratch);
      }
    });
  }

  // Returns the plane that a bin reads for output channel 0. The planes of the other channels follow in steps of bins_.
  template <typename Pointer>
  Pointer first_plane(Pointer data, int64_t image, int64_t bin) const {
    return data + (image * channels_ * bins_ + bin) * pixels_;
  }

  // Returns where in the output a bin of an image's RoI number k is, in channel 0.
  int64_t output_offset(int64_t image, int64_t k, int64_t bin) const {
    return plans_.roi(image, k) * channels_ * bins_ + bin;
  }

  Bin<Entry> make_bin(int64_t image, int64_t bin) const {
    return {plans_.runs(image), static_cast<int32_t>(bin / pooled_size_), static_cast<int32_t>(bin % pooled_size_),
            width_, lanes_};
  }

  const int64_t images_, rois_, pixels_, width_, channels_, pooled_size_, bins_, lanes_;
  const RoiPlans<Entry>& plans_;
  const int threads_;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_BIN_LOOP_H_
