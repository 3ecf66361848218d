// The plan entries of PS-RoIAlign: what each bin of a RoI reads along one axis.
//
// A sample's position along one axis does not depend on its position along the other. The average of a bin's samples is
// therefore a weighted sum over a few rows and columns of pixels, with one weight for each row and one for each column;
// samples that lie next to each other share pixels. A maximum needs the samples one by one.
#ifndef LHRCNN_CPU_ALIGN_AXES_H_
#define LHRCNN_CPU_ALIGN_AXES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {

// One axis of a RoI: where its first bin begins, how long a bin is, and how many pixels the map has.
template <typename T>
struct Axis {
  T start, bin_size;
  int64_t size;
};

// A row or column of pixels and its weight in a bin's average. The index is negative in a bin that reads no pixel.
template <typename T>
struct Tap {
  int32_t index;
  T weight;
};

// Collects the entries of one bin along one axis for an average: each row or column of pixels once, with its weight.
template <typename T>
class AverageTaps {
 public:
  using Entry = Tap<T>;
  static constexpr int kEntriesPerSample = 2;

  AverageTaps(const LhrcnnPsRoiAlign&, int samples, Tap<T>* taps) : share_(T(1) / samples), taps_(taps) {}

  void add(const SampleTaps<T>& sample) {
    add(sample.low, sample.low_weight);
    add(sample.high, sample.high_weight);
  }

  // Fills the bin up with padding to `length` taps and returns how many taps it has without padding. Padding repeats
  // the first tap's pixel with weight 0, because no pixel may be read that the bin does not depend on: it may hold NaN.
  int finish(int length) {
    for (int i = 0; i < count_; ++i) taps_[i].weight *= share_;
    const Tap<T> padding = {count_ ? taps_[0].index : -1, T(0)};
    for (int i = count_; i < length; ++i) taps_[i] = padding;
    return count_;
  }

 private:
  // Positions of samples increase, or decrease in a RoI whose corners are swapped. So a pixel that this sample shares
  // with an earlier one is one of the last two.
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

// Collects the entries of one bin along one axis for a maximum: its samples. In padding `high` is negative.
template <typename T>
class MaximumSamples {
 public:
  using Entry = SampleTaps<T>;
  static constexpr int kEntriesPerSample = 1;

  MaximumSamples(const LhrcnnPsRoiAlign& options, int, SampleTaps<T>* samples)
      : keep_all_(options.border == LHRCNN_BORDER_ZERO), samples_(samples) {}

  void add(const SampleTaps<T>& sample) {
    if (keep_all_ || sample.low_weight != T(0) || sample.high_weight != T(0)) samples_[count_++] = sample;
  }

  int finish(int length) {
    for (int i = count_; i < length; ++i) samples_[i] = {-1, -1, T(0), T(0)};
    return count_;
  }

 private:
  const bool keep_all_;  // also samples that touch no pixel: they are 0 and take part in the maximum
  SampleTaps<T>* const samples_;
  int count_ = 0;
};

// Appends the entries of all bins along an axis and returns how many each bin has; all have the same number, because
// the shorter ones are padded.
template <typename Collector, typename T>
int append_axis_entries(const LhrcnnPsRoiAlign& options, const Axis<T>& axis,
                        std::vector<typename Collector::Entry>* entries) {
  const int bins = options.pooled_size, samples = sample_count(axis.bin_size, options.sampling_ratio);
  const auto samples_of = [&](int bin) {
    return contributing_samples(options, axis.start, axis.bin_size, bin, samples, axis.size);
  };
  size_t capacity = 1;  // of a bin, before it is known how many entries the bins share
  for (int bin = 0; bin < bins; ++bin) {
    const Range range = samples_of(bin);
    capacity = std::max(capacity, size_t(Collector::kEntriesPerSample) * (range.end - range.begin));
  }
  const size_t first = entries->size();
  entries->resize(first + capacity * bins);
  typename Collector::Entry* const begin = entries->data() + first;
  int length = 1;
  for (int bin = 0; bin < bins; ++bin) {
    const Range range = samples_of(bin);
    Collector collector(options, samples, begin + capacity * bin);
    for (int i = range.begin; i < range.end; ++i) {
      const T position = sample_position(axis.start, axis.bin_size, bin, i, samples);
      collector.add(bilinear_taps(position, axis.size, options.border));
    }
    length = std::max(length, collector.finish(static_cast<int>(capacity)));
  }
  for (int bin = 1; bin < bins; ++bin) {
    for (int i = 0; i < length; ++i) begin[size_t(length) * bin + i] = begin[capacity * bin + i];
  }
  entries->resize(first + size_t(length) * bins);
  return length;
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ALIGN_AXES_H_
