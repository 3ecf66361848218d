// PS-RoI pooling on the CPU. A bin is the average of whole pixels; a plan entry is the range of them along one axis.
#include "cpu/bin_loop.h"
#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

// How many pixels the two ranges enclose.
template <typename T>
T area_of(const Range& y, const Range& x) {
  return T(int64_t(y.end - y.begin) * (x.end - x.begin));
}

// Writes the average of each RoI's pixels, or 0 if it has none.
template <typename T>
struct Pool {
  template <int kVectors>
  static void run(const Bin<Range>& bin, T* values, const T* packed) {
    for (const PlanRun<Range>& run : bin.runs) {
      const Range *rows = run.row(bin.row), *columns = run.column(bin.column);
      for (int64_t k = 0; k < run.count; ++k, values += bin.lanes) {
        const Range y = rows[k], x = columns[k];
        auto sum = Lanes<T, kVectors>::zero();
        for (int64_t i = y.begin; i < y.end; ++i) {
          const T* pixel = packed + (i * bin.width + x.begin) * bin.lanes;
          for (int j = x.begin; j < x.end; ++j, pixel += bin.lanes) sum = sum + Lanes<T, kVectors>::load(pixel);
        }
        if (y.begin < y.end && x.begin < x.end) sum = sum / area_of<T>(y, x);
        sum.store(values);
      }
    }
  }
};

// Adds to every pixel of each RoI an equal share of the RoI's gradient.
template <typename T>
struct PoolGradient {
  template <int kVectors>
  static void run(const Bin<Range>& bin, T* packed_grad, const T* values) {
    for (const PlanRun<Range>& run : bin.runs) {
      const Range *rows = run.row(bin.row), *columns = run.column(bin.column);
      for (int64_t k = 0; k < run.count; ++k, values += bin.lanes) {
        const Range y = rows[k], x = columns[k];
        if (y.begin >= y.end || x.begin >= x.end) continue;
        const auto part = Lanes<T, kVectors>::load(values) / area_of<T>(y, x);
        for (int64_t i = y.begin; i < y.end; ++i) {
          T* pixel = packed_grad + (i * bin.width + x.begin) * bin.lanes;
          for (int j = x.begin; j < x.end; ++j, pixel += bin.lanes) add_to(pixel, part);
        }
      }
    }
  }
};

// Makes the plans of all RoIs; where output_grad is not null, only of those whose gradient is not 0.
template <typename T>
RoiPlans<Range> make_plans(const LhrcnnPsRoiPool& options, const T* rois, const T* output_grad, int threads) {
  return RoiPlans<Range>(options, threads, [&](int64_t r, std::vector<Range>* entries, PlanLengths* lengths) {
    const BinGrid<T> grid = roi_pool_grid(options, rois + r * 5);
    *lengths = {grid.image, 1, 1};
    if (!has_nonzero_gradient(options, output_grad, r)) lengths->image = -1;
    if (lengths->image < 0) return;
    for (int bin = 0; bin < options.pooled_size; ++bin) {
      entries->push_back(bin_pixels(grid.y, grid.bin_height, bin, options.height));
    }
    for (int bin = 0; bin < options.pooled_size; ++bin) {
      entries->push_back(bin_pixels(grid.x, grid.bin_width, bin, options.width));
    }
  });
}

template <typename T>
int forward(const LhrcnnPsRoiPool& options, const T* data, const T* rois, T* output, int threads) {
  return run_with_status([&] {
    const RoiPlans<Range> plans = make_plans(options, rois, static_cast<const T*>(nullptr), threads);
    BinLoop<T, Range>(options, plans, padded_lanes<T>(options.output_dim), threads)
        .forward(data, output, [](const Bin<Range>& bin, const T* packed, T* values) {
          for_each_vector_group<Pool<T>>(bin, values, packed);
        });
  });
}

template <typename T>
int backward(const LhrcnnPsRoiPool& options, const T* output_grad, const T* rois, T* data_grad, int threads) {
  return run_with_status([&] {
    const RoiPlans<Range> plans = make_plans(options, rois, output_grad, threads);
    BinLoop<T, Range>(options, plans, padded_lanes<T>(options.output_dim), threads)
        .backward(output_grad, nullptr, data_grad,
                  [](const Bin<Range>& bin, const T* values, const T*, T* packed_grad) {
                    for_each_vector_group<PoolGradient<T>>(bin, packed_grad, values);
                  });
  });
}

}  // namespace
}  // namespace lhrcnn

int lhrcnn_ps_roi_pool_forward_f32(const LhrcnnPsRoiPool* options, const float* data, const float* rois, float* output,
                                   int threads) {
  return lhrcnn::forward(*options, data, rois, output, threads);
}

int lhrcnn_ps_roi_pool_forward_f64(const LhrcnnPsRoiPool* options, const double* data, const double* rois,
                                   double* output, int threads) {
  return lhrcnn::forward(*options, data, rois, output, threads);
}

int lhrcnn_ps_roi_pool_backward_f32(const LhrcnnPsRoiPool* options, const float* output_grad, const float* rois,
                                    float* data_grad, int threads) {
  return lhrcnn::backward(*options, output_grad, rois, data_grad, threads);
}

int lhrcnn_ps_roi_pool_backward_f64(const LhrcnnPsRoiPool* options, const double* output_grad, const double* rois,
                                    double* data_grad, int threads) {
  return lhrcnn::backward(*options, output_grad, rois, data_grad, threads);
}
