// PS-RoIAlign on the CPU: the average or the maximum of bilinear samples, and their gradients.
#include "cpu/align_average.h"
#include "cpu/align_average_avx512.h"
#include "cpu/align_axes.h"
#include "cpu/align_maximum.h"
#include "cpu/bin_loop.h"
#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

// Makes the plans of all RoIs; where output_grad is not null, only of those whose gradient is not 0.
template <typename Collector, typename T>
RoiPlans<typename Collector::Entry> make_plans(const LhrcnnPsRoiAlign& options, const T* rois, const T* output_grad,
                                               int threads) {
  using Entry = typename Collector::Entry;
  return RoiPlans<Entry>(options, threads, [&](int64_t r, std::vector<Entry>* entries, PlanLengths* lengths) {
    const BinGrid<T> grid = roi_align_grid(options, rois + r * 5);
    lengths->image = has_nonzero_gradient(options, output_grad, r) ? grid.image : -1;
    if (lengths->image < 0) return;
    const Axis<T> y = {grid.y, grid.bin_height, options.height}, x = {grid.x, grid.bin_width, options.width};
    lengths->height = append_axis_entries<Collector>(options, y, entries);
    lengths->width = append_axis_entries<Collector>(options, x, entries);
  });
}

template <typename T>
int forward(const LhrcnnPsRoiAlign& options, const T* data, const T* rois, T* output, int threads) {
  const T* const no_grad = nullptr;
  return run_with_status([&] {
    if (options.mode == LHRCNN_MODE_AVG) {
      const auto plans = make_plans<AverageTaps<T>>(options, rois, no_grad, threads);
      const WideAverage<T> wide(options.output_dim);
      BinLoop<T, Tap<T>>(options, plans, wide.lanes(), threads)
          .forward(data, output, [&](const Bin<Tap<T>>& bin, const T* packed, T* values) {
            if (!wide.run(bin, packed, values)) for_each_vector_group<Average<T>>(bin, values, packed);
          });
    } else {
      const auto plans = make_plans<MaximumSamples<T>>(options, rois, no_grad, threads);
      BinLoop<T, SampleTaps<T>>(options, plans, padded_lanes<T>(options.output_dim), threads)
          .forward(data, output, [](const Bin<SampleTaps<T>>& bin, const T* packed, T* values) {
            for_each_vector_group<Maximum<T>>(bin, values, packed);
          });
    }
  });
}

template <typename T>
int backward(const LhrcnnPsRoiAlign& options, const T* output_grad, const T* data, const T* rois, T* data_grad,
             int threads) {
  const int64_t lanes = padded_lanes<T>(options.output_dim);
  return run_with_status([&] {
    if (options.mode == LHRCNN_MODE_AVG) {
      const auto plans = make_plans<AverageTaps<T>>(options, rois, output_grad, threads);
      BinLoop<T, Tap<T>>(options, plans, lanes, threads)
          .backward(output_grad, nullptr, data_grad,
                    [](const Bin<Tap<T>>& bin, const T* values, const T*, T* packed_grad) {
                      for_each_vector_group<AverageGradient<T>>(bin, packed_grad, values);
                    });
    } else {
      const auto plans = make_plans<MaximumSamples<T>>(options, rois, output_grad, threads);
      BinLoop<T, SampleTaps<T>>(options, plans, lanes, threads)
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
