// What the bins of PS-RoIAlign read along one axis.
//
// The position of a sample along one axis does not depend on the other. So the average of a bin's samples is made of
// some rows and some columns of pixels, each with a weight, and few of them: neighbouring samples share pixels.
#ifndef LHRCNN_CPU_ALIGN_AXES_H_
#define LHRCNN_CPU_ALIGN_AXES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {

// One axis of a RoI.
template <typename T>
struct Axis {
  T start, bin_size;
  int64_t size;
};

// A row or column of pixels and its part of a bin's average. In a bin that reads none the index is negative.
template <typename T>
struct Tap {
  int32_t index;
  T weight;
};

// Collects the taps of a bin, each pixel once.
template <typename T>
class TapsOfBin {
 public:
  using Entry = Tap<T>;
  static constexpr int kMostOfSample = 2;

  TapsOfBin(const LhrcnnPsRoiAlign&, int samples, Tap<T>* taps) : share_(T(1) / samples), taps_(taps) {}

  void add(const Taps<T>& sample) {
    add(sample.low, sample.low_weight);
    add(sample.high, sample.high_weight);
  }

  // Fills up to `length` taps and returns how many counted. A pixel that counts is taken again, with weight 0: no other
  // may be read.
  int finish(int length) {
    for (int i = 0; i < count_; ++i) taps_[i].weight *= share_;
    const Tap<T> padding = {count_ ? taps_[0].index : -1, T(0)};
    for (int i = count_; i < length; ++i) taps_[i] = padding;
    return count_;
  }

 private:
  // Samples increase (but those of a RoI turned round), so a pixel that two of them share is one of the last two.
  void add(int32_t index, T weight) {
    if (weight == T(0)) return;
    for (int i = count_ - 1; i >= 0 && i >= count_ - 2; --i) {
      if (taps_[i].index == index) {
        taps_[i].weight += weight;
        return;
      }
    }
    taps_[count_++] = {index, weight};
  }

  const T share_;
  Tap<T>* const taps_;
  int count_ = 0;
};

// Collects the samples of a bin for a maximum. Where `high` is negative, there is none.
template <typename T>
class SamplesOfBin {
 public:
  using Entry = Taps<T>;
  static constexpr int kMostOfSample = 1;

  SamplesOfBin(const LhrcnnPsRoiAlign& options, int, Taps<T>* samples)
      : all_(options.border == LHRCNN_BORDER_ZERO), samples_(samples) {}

  void add(const Taps<T>& sample) {
    if (all_ || sample.low_weight != T(0) || sample.high_weight != T(0)) samples_[count_++] = sample;
  }

  int finish(int length) {
    for (int i = count_; i < length; ++i) samples_[i] = {-1, -1, T(0), T(0)};
    return count_;
  }

 private:
  const bool all_;
  Taps<T>* const samples_;
  int count_ = 0;
};

// Appends what all bins read along an axis, equally much of each, and returns how much.
template <typename OfBin, typename T>
int append_axis(const LhrcnnPsRoiAlign& options, const Axis<T>& axis, std::vector<typename OfBin::Entry>* entries) {
  const int bins = options.pooled_size, samples = sample_count(axis.bin_size, options.sampling_ratio);
  const auto range_of = [&](int bin) {
    return samples_that_count(options, axis.start, axis.bin_size, bin, samples, axis.size);
  };
  size_t most = 1;
  for (int bin = 0; bin < bins; ++bin) {
    const Range range = range_of(bin);
    most = std::max(most, size_t(OfBin::kMostOfSample) * (range.end - range.begin));
  }
  const size_t first = entries->size();
  entries->resize(first + most * bins);
  typename OfBin::Entry* const begin = entries->data() + first;
  int length = 1;
  for (int bin = 0; bin < bins; ++bin) {
    const Range range = range_of(bin);
    OfBin of_bin(options, samples, begin + most * bin);
    for (int i = range.begin; i < range.end; ++i) {
      of_bin.add(taps_at(sample_position(axis.start, axis.bin_size, bin, i, samples), axis.size, options.border));
    }
    length = std::max(length, of_bin.finish(static_cast<int>(most)));
  }
  for (int bin = 1; bin < bins; ++bin) {
    for (int i = 0; i < length; ++i) begin[size_t(length) * bin + i] = begin[most * bin + i];
  }
  entries->resize(first + size_t(length) * bins);
  return length;
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ALIGN_AXES_H_
