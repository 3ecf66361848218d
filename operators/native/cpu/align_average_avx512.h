// The forward pass of PS-RoIAlign, mode avg, in float, for processors with AVX-512: one vector holds 16 channels.
//
// A pixel of up to 16 channels then fills one cache line, and one multiplication and one addition serve all of them.
// Sums are taken in the same order as by Average in align_average.h, so results are equal to the bit.
#ifndef LHRCNN_CPU_ALIGN_AVERAGE_AVX512_H_
#define LHRCNN_CPU_ALIGN_AVERAGE_AVX512_H_

#include <cstdint>

#include "cpu/align_axes.h"
#include "cpu/bin_loop.h"
#include "cpu/packed.h"

namespace lhrcnn {

// Whether and how the averages of `channels` channels are computed in wide vectors: not at all for this type.
template <typename T>
class WideAverage {
 public:
  explicit WideAverage(int64_t channels) : lanes_(padded_lanes<T>(channels)) {}

  // How many numbers a packed pixel must have.
  int64_t lanes() const { return lanes_; }

  // Writes the averages of all RoIs of a bin and returns true, or returns false if wide vectors are not used.
  bool run(const Bin<Tap<T>>&, const T*, T*) const { return false; }

 private:
  const int64_t lanes_;
};

#if defined(__x86_64__)
template <>
class WideAverage<float> {
 public:
  explicit WideAverage(int64_t channels) {
    const int64_t narrow = padded_lanes<float>(channels), wide = (channels + kWidth - 1) / kWidth * kWidth;
    // Wide vectors need fewer instructions, but their padding costs memory traffic: they pay unless they have much of
    // it.
    used_ = __builtin_cpu_supports("avx512f") && 2 * wide <= 3 * narrow;
    lanes_ = used_ ? wide : narrow;
  }

  int64_t lanes() const { return lanes_; }

  bool run(const Bin<Tap<float>>& bin, const float* packed, float* values) const {
    for (int64_t lane = 0; used_ && lane < lanes_; lane += kWidth) run_group(bin, packed + lane, values + lane);
    return used_;
  }

 private:
  static constexpr int64_t kWidth = 16;
  typedef float Vector __attribute__((vector_size(kWidth * sizeof(float)), may_alias));

  // Writes the averages of the kWidth channels that `packed` and `values` begin with.
  static void run_group(const Bin<Tap<float>>& bin, const float* packed, float* values) {
    for (const PlanRun<Tap<float>>& run : bin.runs) {
      for (int first = 0; first < run.width; first += 4) {
        switch (run.width - first) {
          case 1: add_columns<1>(bin, run, first, packed, values); break;
          case 2: add_columns<2>(bin, run, first, packed, values); break;
          case 3: add_columns<3>(bin, run, first, packed, values); break;
          default: add_columns<4>(bin, run, first, packed, values);
        }
      }
      values += run.count * bin.lanes;
    }
  }

  // Adds kColumns columns of each RoI of a run, from column `first` on, to the RoI's values; those of the columns
  // before are there already. Pixels and values are aligned to vectors, see Buffer.
  template <int kColumns>
  __attribute__((target("avx512f"))) static void add_columns(const Bin<Tap<float>>& bin, const PlanRun<Tap<float>>& run,
                                                             int first, const float* packed, float* values) {
    const int64_t lanes = bin.lanes, row_size = bin.width * lanes;
    const Tap<float> *y = run.row(bin.row), *x = run.column(bin.column) + first;
    for (int64_t k = 0; k < run.count; ++k, y += run.height, x += run.width, values += lanes) {
      Vector* const value = reinterpret_cast<Vector*>(values);
      Vector sum = first ? *value : Vector{};
      if (y->index >= 0 && x->index >= 0) {
        const float* columns[kColumns];
        for (int j = 0; j < kColumns; ++j) columns[j] = packed + x[j].index * lanes;
        for (int i = 0; i < run.height; ++i) {
          const int64_t row = y[i].index * row_size;
          Vector part = *reinterpret_cast<const Vector*>(columns[0] + row) * x[0].weight;
          for (int j = 1; j < kColumns; ++j) part += *reinterpret_cast<const Vector*>(columns[j] + row) * x[j].weight;
          sum += part * y[i].weight;
        }
      }
      *value = sum;
    }
  }

  bool used_;
  int64_t lanes_;
};
#endif

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ALIGN_AVERAGE_AVX512_H_
