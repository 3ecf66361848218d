// Walks the bins of all images: packs what a bin reads, has it pooled for all RoIs, and puts the results into place.
//
// A bin reads channels of its own, so threads share nothing that they write, and whatever a thread sums up it sums in
// one order: results do not depend on how many there are.
#ifndef LHRCNN_CPU_BIN_LOOP_H_
#define LHRCNN_CPU_BIN_LOOP_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cpu/packed.h"
#include "cpu/roi_plan.h"
#include "cpu/threads.h"

namespace lhrcnn {

// One bin of the RoIs of an image, for a loop over them. Pixels are packed, and so are the bin's values of a RoI.
template <typename Entry>
struct Bin {
  const RoiPlan<Entry>* plans;
  int64_t count;        // of RoIs
  int32_t row, column;  // of the bin
  int64_t width;        // of the map
  int64_t lanes;
};

template <typename T, typename Entry>
class BinLoop {
 public:
  // `options` of either operator.
  template <typename Options>
  BinLoop(const Options& options, const Plans<Entry>& plans, int threads)
      : images_(options.images), rois_(options.rois), pixels_(options.height * options.width), width_(options.width),
        channels_(options.output_dim), pooled_size_(options.pooled_size), bins_(int64_t(pooled_size_) * pooled_size_),
        lanes_(lanes_for<T>(channels_)), plans_(plans), threads_(threads) {}

  // pool(bin, packed, values) writes what each RoI of the bin has.
  template <typename Pool>
  void forward(const T* data, T* output, const Pool& pool) const {
    for (int64_t r = 0; r < rois_; ++r) {
      if (!plans_.has(r)) std::memset(output + r * channels_ * bins_, 0, channels_ * bins_ * sizeof(T));
    }
    for_groups([&](int64_t image, int64_t first, int64_t bins, Scratch* scratch) {
      const int64_t count = plans_.count(image);
      if (count == 0) return;
      T* packed = room(&scratch->packed, pixels_ * lanes_);
      T* values = room(&scratch->values, bins * count * lanes_);
      for (int64_t b = 0; b < bins; ++b) {
        transpose(plane(data, image, first + b), bins_ * pixels_, channels_, pixels_, packed, lanes_);
        pool(bin(image, first + b), packed, values + b * count * lanes_);
      }
      for (int64_t k = 0; k < count; ++k) {
        transpose(values + k * lanes_, count * lanes_, bins, channels_, output + place(image, k, first), bins_);
      }
    });
  }

  // spread(bin, values, packed, packed_grad) adds the gradient of each RoI of the bin to that of its pixels. `packed`
  // is null where `data` is.
  template <typename Spread>
  void backward(const T* output_grad, const T* data, T* data_grad, const Spread& spread) const {
    for_groups([&](int64_t image, int64_t first, int64_t bins, Scratch* scratch) {
      const int64_t count = plans_.count(image);
      T* packed = data ? room(&scratch->packed, pixels_ * lanes_) : nullptr;
      T* packed_grad = room(&scratch->packed_grad, pixels_ * lanes_);
      T* values = room(&scratch->values, bins * count * lanes_);
      for (int64_t k = 0; k < count; ++k) {
        transpose(output_grad + place(image, k, first), bins_, channels_, bins, values + k * lanes_, count * lanes_);
      }
      for (int64_t b = 0; b < bins; ++b) {
        if (data) transpose(plane(data, image, first + b), bins_ * pixels_, channels_, pixels_, packed, lanes_);
        std::memset(packed_grad, 0, pixels_ * lanes_ * sizeof(T));
        spread(bin(image, first + b), values + b * count * lanes_, packed, packed_grad);
        transpose(packed_grad, lanes_, pixels_, channels_, plane(data_grad, image, first + b), bins_ * pixels_);
      }
    });
  }

 private:
  struct Scratch {
    std::vector<T> packed, packed_grad, values;
  };

  // Padding of pixels and values is 0 at first and remains so: it costs no time for being odd numbers.
  static T* room(std::vector<T>* scratch, int64_t size) {
    if (scratch->size() < static_cast<size_t>(size)) scratch->resize(size);
    return scratch->data();
  }

  // Calls work(image, first, bins, &scratch) for groups of neighbouring bins. In a RoI's output neighbours lie side by
  // side: moved together, they take fewer lines of the cache.
  template <typename Work>
  void for_groups(const Work& work) const {
    constexpr int64_t kBins = 4;
    const int threads = useful_threads(threads_, images_ * bins_);
    // As many for each thread, so that all have work to the end.
    const int64_t rounds = std::max<int64_t>(bins_ / kBins / threads, 1), groups = std::min(bins_, rounds * threads);
    std::atomic<int64_t> next{0};
    in_threads(threads, [&](int) {
      Scratch scratch;
      for (int64_t group = next++; group < images_ * groups; group = next++) {
        const int64_t number = group % groups, first = bins_ * number / groups, end = bins_ * (number + 1) / groups;
        work(group / groups, first, end - first, &scratch);
      }
    });
  }

  // The first plane of a bin; those of its other channels follow in steps of bins_ planes.
  template <typename Pointer>
  Pointer plane(Pointer data, int64_t image, int64_t bin) const {
    return data + (image * channels_ * bins_ + bin) * pixels_;
  }

  // Where the output of an image's RoI begins, from a bin on.
  int64_t place(int64_t image, int64_t k, int64_t bin) const {
    return plans_.begin(image)[k].roi * channels_ * bins_ + bin;
  }

  Bin<Entry> bin(int64_t image, int64_t bin) const {
    return {plans_.begin(image), plans_.count(image), static_cast<int32_t>(bin / pooled_size_),
            static_cast<int32_t>(bin % pooled_size_), width_, lanes_};
  }

  const int64_t images_, rois_, pixels_, width_, channels_, pooled_size_, bins_, lanes_;
  const Plans<Entry>& plans_;
  const int threads_;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_BIN_LOOP_H_
