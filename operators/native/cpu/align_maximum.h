// Pooling loops of PS-RoIAlign, mode max: the largest of a bin's samples, and its gradient.
#ifndef LHRCNN_CPU_ALIGN_MAXIMUM_H_
#define LHRCNN_CPU_ALIGN_MAXIMUM_H_

#include <cstdint>

#include "cpu/align_axes.h"
#include "cpu/bin_loop.h"
#include "cpu/packed.h"
#include "geometry.h"

namespace lhrcnn {

// The four pixels of a sample: their weights and where they are in the packed map.
template <typename T>
struct Corners {
  T weights[4];
  int64_t offsets[4];

  Corners(const SampleTaps<T>& y, const SampleTaps<T>& x, int64_t row_size, int64_t lanes)
      : weights{y.low_weight * x.low_weight, y.low_weight * x.high_weight, y.high_weight * x.low_weight,
                y.high_weight * x.high_weight},
        offsets{y.low * row_size + x.low * lanes, y.low * row_size + x.high * lanes,
                y.high * row_size + x.low * lanes, y.high * row_size + x.high * lanes} {}
};

// The largest sample of a bin in each channel, and which one it is: samples are numbered row by row. In a bin without
// samples the value is 0 and the number -1.
template <typename T, int kVectors>
struct Largest {
  Lanes<T, kVectors> value = Lanes<T, kVectors>::zero();
  Mask<T> number[kVectors];

  Largest(const T* packed, const SampleTaps<T>* y, int height, const SampleTaps<T>* x, int width, int64_t row_size,
          int64_t lanes) {
    for (Mask<T>& vector : number) vector = Mask<T>{} - 1;
    bool first = true;
    for (int i = 0; i < height; ++i) {
      if (y[i].high < 0) continue;
      for (int j = 0; j < width; ++j) {
        if (x[j].high < 0) continue;
        const Corners<T> corners(y[i], x[j], row_size, lanes);
        auto sample = Lanes<T, kVectors>::zero();
        for (int t = 0; t < 4; ++t) {
          if (corners.weights[t] == T(0)) continue;
          sample = sample + Lanes<T, kVectors>::load(packed + corners.offsets[t]) * corners.weights[t];
        }
        for (int v = 0; v < kVectors; ++v) {
          const Vector<T> here = sample.v[v], best = value.v[v];
          // The same rule as exceeds_maximum in geometry.h.
          const Mask<T> replaces = first ? Mask<T>{} - 1 : (here > best) | ((here != here) & (best == best));
          value.v[v] = replaces ? here : best;
          number[v] = replaces ? Mask<T>{} + (i * width + j) : number[v];
        }
        first = false;
      }
    }
  }
};

// Writes the largest of each RoI's samples.
template <typename T>
struct Maximum {
  template <int kVectors>
  static void run(const Bin<SampleTaps<T>>& bin, T* values, const T* packed) {
    for (const PlanRun<SampleTaps<T>>& run : bin.runs) {
      const SampleTaps<T> *y = run.row(bin.row), *x = run.column(bin.column);
      for (int64_t k = 0; k < run.count; ++k, y += run.height, x += run.width, values += bin.lanes) {
        const Largest<T, kVectors> largest(packed, y, run.height, x, run.width, bin.width * bin.lanes, bin.lanes);
        largest.value.store(values);
      }
    }
  }
};

// Adds each RoI's gradient to the pixels of its largest sample. The forward pass is repeated to find that sample.
template <typename T>
struct MaximumGradient {
  template <int kVectors>
  static void run(const Bin<SampleTaps<T>>& bin, T* packed_grad, const T* values, const T* packed) {
    const int64_t lanes = bin.lanes, row_size = bin.width * lanes;
    for (const PlanRun<SampleTaps<T>>& run : bin.runs) {
      const SampleTaps<T> *y = run.row(bin.row), *x = run.column(bin.column);
      for (int64_t k = 0; k < run.count; ++k, y += run.height, x += run.width, values += lanes) {
        const Largest<T, kVectors> largest(packed, y, run.height, x, run.width, row_size, lanes);
        add_to_largest(largest, y, run.height, x, run.width, row_size, lanes, values, packed_grad);
      }
    }
  }

 private:
  template <int kVectors>
  static void add_to_largest(const Largest<T, kVectors>& largest, const SampleTaps<T>* y, int height,
                             const SampleTaps<T>* x, int width, int64_t row_size, int64_t lanes, const T* values,
                             T* packed_grad) {
    const auto grad = Lanes<T, kVectors>::load(values);
    for (int i = 0; i < height; ++i) {
      for (int j = 0; j < width; ++j) {
        Lanes<T, kVectors> part;
        for (int v = 0; v < kVectors; ++v) {
          part.v[v] = largest.number[v] == i * width + j ? grad.v[v] : Vector<T>{};
        }
        const Corners<T> corners(y[i], x[j], row_size, lanes);
        for (int t = 0; t < 4; ++t) {
          if (corners.weights[t] != T(0)) add_to(packed_grad + corners.offsets[t], part * corners.weights[t]);
        }
      }
    }
  }
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ALIGN_MAXIMUM_H_
