// PS-RoIAlign on the CPU: the average or the maximum of bilinear samples, and their gradients.
#include <type_traits>

#include "cpu/align_axes.h"
#include "cpu/bin_loop.h"
#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

// ---- Averages -------------------------------------------------------------------------------------------------------

// Adds the taps of `height` rows and kColumns columns to `sum`. The number of columns is a constant, so that the
// compiler keeps their offsets and weights in registers.
template <typename T, int kVectors, int kColumns>
inline Lanes<T, kVectors> average_columns(const T* packed, const Tap<T>* y, int height, const Tap<T>* x,
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
inline void spread_columns(T* packed_grad, const Tap<T>* y, int height, const Tap<T>* x, int64_t row_size,
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

// Writes the average of each RoI's samples.
template <typename T>
struct Average {
  template <int kVectors>
  static void run(const Bin<Tap<T>>& bin, T* values, const T* packed) {
    const int64_t lanes = bin.lanes, row_size = bin.width * lanes;
    for (int64_t k = 0; k < bin.count; ++k, values += lanes) {
      const int height = bin.plans[k].height, width = bin.plans[k].width;
      const Tap<T>* y = bin.plans[k].y + bin.row * height;
      const Tap<T>* x = bin.plans[k].x + bin.column * width;
      auto sum = Lanes<T, kVectors>::zero();
      if (y->index >= 0 && x->index >= 0) {
        for_column_groups(width, [&](auto columns, int j) {
          sum = average_columns<T, kVectors, columns()>(packed, y, height, x + j, row_size, lanes, sum);
        });
      }
      sum.store(values);
    }
  }
};

// Adds each RoI's gradient to the pixels of its samples.
template <typename T>
struct AverageGradient {
  template <int kVectors>
  static void run(const Bin<Tap<T>>& bin, T* packed_grad, const T* values) {
    const int64_t lanes = bin.lanes, row_size = bin.width * lanes;
    for (int64_t k = 0; k < bin.count; ++k, values += lanes) {
      const int height = bin.plans[k].height, width = bin.plans[k].width;
      const Tap<T>* y = bin.plans[k].y + bin.row * height;
      const Tap<T>* x = bin.plans[k].x + bin.column * width;
      if (y->index < 0 || x->index < 0) continue;
      const auto grad = Lanes<T, kVectors>::load(values);
      for_column_groups(width, [&](auto columns, int j) {
        spread_columns<T, kVectors, columns()>(packed_grad, y, height, x + j, row_size, lanes, grad);
      });
    }
  }
};

// ---- Maxima ---------------------------------------------------------------------------------------------------------

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
    for (int64_t k = 0; k < bin.count; ++k, values += bin.lanes) {
      const int height = bin.plans[k].height, width = bin.plans[k].width;
      const Largest<T, kVectors> largest(packed, bin.plans[k].y + bin.row * height, height,
                                         bin.plans[k].x + bin.column * width, width, bin.width * bin.lanes, bin.lanes);
      largest.value.store(values);
    }
  }
};

// Adds each RoI's gradient to the pixels of its largest sample. The forward pass is repeated to find that sample.
template <typename T>
struct MaximumGradient {
  template <int kVectors>
  static void run(const Bin<SampleTaps<T>>& bin, T* packed_grad, const T* values, const T* packed) {
    const int64_t lanes = bin.lanes, row_size = bin.width * lanes;
    for (int64_t k = 0; k < bin.count; ++k, values += lanes) {
      const int height = bin.plans[k].height, width = bin.plans[k].width;
      const SampleTaps<T>* y = bin.plans[k].y + bin.row * height;
      const SampleTaps<T>* x = bin.plans[k].x + bin.column * width;
      const Largest<T, kVectors> largest(packed, y, height, x, width, row_size, lanes);
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
  }
};

// ---- The operator ---------------------------------------------------------------------------------------------------

// Makes the plans of all RoIs; where output_grad is not null, only of those whose gradient is not 0.
template <typename Collector, typename T>
RoiPlans<typename Collector::Entry> make_plans(const LhrcnnPsRoiAlign& options, const T* rois, const T* output_grad,
                                      int threads) {
  using Entry = typename Collector::Entry;
  return RoiPlans<Entry>(options, threads, [&](int64_t r, std::vector<Entry>* entries, RoiPlan<Entry>* plan) {
    const BinGrid<T> grid = roi_align_grid(options, rois + r * 5);
    if (grid.image < 0 || !has_nonzero_gradient(options, output_grad, r)) return int64_t(-1);
    plan->height = append_axis_entries<Collector>(options, Axis<T>{grid.y, grid.bin_height, options.height}, entries);
    plan->width = append_axis_entries<Collector>(options, Axis<T>{grid.x, grid.bin_width, options.width}, entries);
    return grid.image;
  });
}

template <typename T>
int forward(const LhrcnnPsRoiAlign& options, const T* data, const T* rois, T* output, int threads) {
  const T* const no_grad = nullptr;
  return run_with_status([&] {
    if (options.mode == LHRCNN_MODE_AVG) {
      const auto plans = make_plans<AverageTaps<T>>(options, rois, no_grad, threads);
      BinLoop<T, Tap<T>>(options, plans, threads)
          .forward(data, output, [](const Bin<Tap<T>>& bin, const T* packed, T* values) {
            for_each_vector_group<Average<T>>(bin, values, packed);
          });
    } else {
      const auto plans = make_plans<MaximumSamples<T>>(options, rois, no_grad, threads);
      BinLoop<T, SampleTaps<T>>(options, plans, threads)
          .forward(data, output, [](const Bin<SampleTaps<T>>& bin, const T* packed, T* values) {
            for_each_vector_group<Maximum<T>>(bin, values, packed);
          });
    }
  });
}

template <typename T>
int backward(const LhrcnnPsRoiAlign& options, const T* output_grad, const T* data, const T* rois, T* data_grad,
             int threads) {
  return run_with_status([&] {
    if (options.mode == LHRCNN_MODE_AVG) {
      const auto plans = make_plans<AverageTaps<T>>(options, rois, output_grad, threads);
      BinLoop<T, Tap<T>>(options, plans, threads)
          .backward(output_grad, nullptr, data_grad,
                    [](const Bin<Tap<T>>& bin, const T* values, const T*, T* packed_grad) {
                      for_each_vector_group<AverageGradient<T>>(bin, packed_grad, values);
                    });
    } else {
      const auto plans = make_plans<MaximumSamples<T>>(options, rois, output_grad, threads);
      BinLoop<T, SampleTaps<T>>(options, plans, threads)
          .backward(output_grad, data, data_grad,
                    [](const Bin<SampleTaps<T>>& bin, const T* values, const T* packed, T* packed_grad) {
                      for_each_vector_group<MaximumGradient<T>>(bin, packed_grad, values, packed);
                    });
    }
  });
}

}  // namespace
}  // namespace lhrcnn

int lhrcnn_ps_roi_align_forward_f32(const LhrcnnPsRoiAlign* options, const float* data, const float* rois,
                                    float* output, int threads) {
  return lhrcnn::forward(*options, data, rois, output, threads);
}

int lhrcnn_ps_roi_align_forward_f64(const LhrcnnPsRoiAlign* options, const double* data, const double* rois,
                                    double* output, int threads) {
  return lhrcnn::forward(*options, data, rois, output, threads);
}

int lhrcnn_ps_roi_align_backward_f32(const LhrcnnPsRoiAlign* options, const float* output_grad, const float* data,
                                     const float* rois, float* data_grad, int threads) {
  return lhrcnn::backward(*options, output_grad, data, rois, data_grad, threads);
}

int lhrcnn_ps_roi_align_backward_f64(const LhrcnnPsRoiAlign* options, const double* output_grad, const double* data,
                                     const double* rois, double* data_grad, int threads) {
  return lhrcnn::backward(*options, output_grad, data, rois, data_grad, threads);
}
