// Pooling loops of PS-RoIAlign, mode avg: the weighted sum of a bin's pixels, and its gradient.
#ifndef LHRCNN_CPU_ALIGN_AVERAGE_H_
#define LHRCNN_CPU_ALIGN_AVERAGE_H_

#include <cstdint>
#include <type_traits>

#include "cpu/align_axes.h"
#include "cpu/bin_loop.h"
#include "cpu/packed.h"

// A function that returns several vectors must be inlined: otherwise they go through memory.
#define LHRCNN_INLINE inline __attribute__((always_inline))

namespace lhrcnn {

// Adds the taps of `height` rows and kColumns columns to `sum`. The number of columns is a constant, so that the
// compiler keeps their offsets and weights in registers.
template <typename T, int kVectors, int kColumns>
LHRCNN_INLINE Lanes<T, kVectors> average_columns(const T* packed, const Tap<T>* y, int height, const Tap<T>* x,
                                                 int64_t row_size, int64_t lanes, Lanes<T, kVectors> sum) {
  int64_t columns[kColumns];
  for (int j = 0; j < kColumns; ++j) columns[j] = x[j].index * lanes;
  for (int i = 0; i < height; ++i) {
    const T* row = packed + y[i].index * row_size;
    Lanes<T, kVectors> part = Lanes<T, kVectors>::load(row + columns[0]) * x[0].weight;
    for (int j = 1; j < kColumns; ++j) part = part + Lanes<T, kVectors>::load(row + columns[j]) * x[j].weight;
    sum = sum + part * y[i].weight;
  }
  return sum;
}

// The gradient of average_columns: adds `grad` to the same pixels, with the same weights.
template <typename T, int kVectors, int kColumns>
LHRCNN_INLINE void spread_columns(T* packed_grad, const Tap<T>* y, int height, const Tap<T>* x, int64_t row_size,
                                  int64_t lanes, const Lanes<T, kVectors>& grad) {
  int64_t columns[kColumns];
  Lanes<T, kVectors> parts[kColumns];
  for (int j = 0; j < kColumns; ++j) {
    columns[j] = x[j].index * lanes;
    parts[j] = grad * x[j].weight;
  }
  for (int i = 0; i < height; ++i) {
    T* row = packed_grad + y[i].index * row_size;
    for (int j = 0; j < kColumns; ++j) add_to(row + columns[j], parts[j] * y[i].weight);
  }
}

// Cuts the columns 0 .. width - 1 into groups of at most four and calls step(columns, first) for each group, where
// columns() is the size of the group as a constant.
template <typename Step>
inline void for_column_groups(int width, const Step& step) {
  int first = 0;
  for (; first + 4 <= width; first += 4) step(std::integral_constant<int, 4>(), first);
  switch (width - first) {
    case 1: step(std::integral_constant<int, 1>(), first); break;
    case 2: step(std::integral_constant<int, 2>(), first); break;
    case 3: step(std::integral_constant<int, 3>(), first); break;
  }
}

// Calls loop(width), where a width of at most four is a constant: the loop over a run is then compiled for that width.
template <typename Loop>
inline void with_constant_width(int width, const Loop& loop) {
  switch (width) {
    case 1: loop(std::integral_constant<int, 1>()); break;
    case 2: loop(std::integral_constant<int, 2>()); break;
    case 3: loop(std::integral_constant<int, 3>()); break;
    case 4: loop(std::integral_constant<int, 4>()); break;
    default: loop(width);
  }
}

// Writes the average of each RoI's samples.
template <typename T>
struct Average {
  template <int kVectors>
  static void run(const Bin<Tap<T>>& bin, T* values, const T* packed) {
    const int64_t lanes = bin.lanes, row_size = bin.width * lanes;
    for (const PlanRun<Tap<T>>& run : bin.runs) {
      with_constant_width(run.width, [&](auto width) {
        const Tap<T> *y = run.row(bin.row), *x = run.column(bin.column);
        for (int64_t k = 0; k < run.count; ++k, y += run.height, x += width, values += lanes) {
          auto sum = Lanes<T, kVectors>::zero();
          if (y->index >= 0 && x->index >= 0) {
            for_column_groups(width, [&](auto columns, int j) {
              sum = average_columns<T, kVectors, columns()>(packed, y, run.height, x + j, row_size, lanes, sum);
            });
          }
          sum.store(values);
        }
      });
    }
  }
};

// Adds each RoI's gradient to the pixels of its samples.
template <typename T>
struct AverageGradient {
  template <int kVectors>
  static void run(const Bin<Tap<T>>& bin, T* packed_grad, const T* values) {
    const int64_t lanes = bin.lanes, row_size = bin.width * lanes;
    for (const PlanRun<Tap<T>>& run : bin.runs) {
      with_constant_width(run.width, [&](auto width) {
        const Tap<T> *y = run.row(bin.row), *x = run.column(bin.column);
        for (int64_t k = 0; k < run.count; ++k, y += run.height, x += width, values += lanes) {
          if (y->index < 0 || x->index < 0) continue;
          const auto grad = Lanes<T, kVectors>::load(values);
          for_column_groups(width, [&](auto columns, int j) {
            spread_columns<T, kVectors, columns()>(packed_grad, y, run.height, x + j, row_size, lanes, grad);
          });
        }
      });
    }
  }
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ALIGN_AVERAGE_H_
