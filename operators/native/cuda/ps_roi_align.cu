// PS-RoIAlign on the GPU: the average or the maximum of bilinear samples. See roi_forward.cuh and roi_backward.cuh.
#include "kernels.h"
#include "roi_backward.cuh"

namespace lhrcnn {
namespace {

// The samples of a bin along one axis.
struct Samples {
  float start, bin_size;
  int bin, count;
  Range range;  // of the samples that the bin's value depends on
  int64_t size;
  int border;

  __device__ Samples(const LhrcnnPsRoiAlign& options, float start, float bin_size, int bin, int64_t size)
      : start(start), bin_size(bin_size), bin(bin), count(sample_count(bin_size, options.sampling_ratio)),
        range(contributing_samples(options, start, bin_size, bin, count, size)), size(size), border(options.border) {}

  __device__ float position(int index) const { return sample_position(start, bin_size, bin, index, count); }
  __device__ SampleTaps<float> taps(int index) const { return bilinear_taps(position(index), size, border); }
};

// Returns whether a sample touches any pixel along an axis.
__device__ bool touches(const SampleTaps<float>& taps) { return taps.low_weight != 0 || taps.high_weight != 0; }

// Adds a sample: its four pixels with their weights.
template <typename Source>
__device__ void add_sample(const SampleTaps<float>& y, const SampleTaps<float>& x, int width, const Source& source,
                           float* sums) {
  const float weights[4] = {y.low_weight * x.low_weight, y.low_weight * x.high_weight, y.high_weight * x.low_weight,
                            y.high_weight * x.high_weight};
  const int low = y.low * width, high = y.high * width;
  const int pixels[4] = {low + x.low, low + x.high, high + x.low, high + x.high};
  for (int tap = 0; tap < 4; ++tap) {
    if (weights[tap] != 0) source.add(pixels[tap], weights[tap], sums);
  }
}

// What averages and maxima have in common.
struct AlignBins {
  LhrcnnPsRoiAlign options;

  __device__ BinGrid<float> grid(const float* row) const { return roi_align_grid(options, row); }

  __device__ Samples row_samples(const BinGrid<float>& grid, int i) const {
    return Samples(options, grid.y, grid.bin_height, i, options.height);
  }

  __device__ Samples column_samples(const BinGrid<float>& grid, int j) const {
    return Samples(options, grid.x, grid.bin_width, j, options.width);
  }

  // Returns the pixels from the first sample to the last; some of them may not be touched, which costs time only. The
  // positions of samples increase, or decrease in a RoI whose corners are swapped.
  __device__ Range touched(float start, float bin_size, int bin, int64_t size) const {
    const Samples samples(options, start, bin_size, bin, size);
    if (samples.range.begin >= samples.range.end) return {0, 0};
    const float a = samples.position(samples.range.begin), b = samples.position(samples.range.end - 1);
    const float low = a < b ? a : b, high = a < b ? b : a, last = static_cast<float>(size - 1);
    const int32_t end = static_cast<int32_t>(size);
    if (a != a || b != b) return {0, end};
    return {low > 0 ? static_cast<int32_t>(low < last ? low : last) : 0,
            high < last ? static_cast<int32_t>(high > 0 ? high : 0) + 2 : end};
  }
};

// Adds the two pixels of a row that a sample is interpolated from along x; `row` is where the row begins.
template <typename Source>
__device__ void add_columns(int row, const SampleTaps<float>& x, const Source& source, float* sums) {
  if (x.low_weight != 0) source.add(row + x.low, x.low_weight, sums);
  if (x.high_weight != 0) source.add(row + x.high, x.high_weight, sums);
}

struct AverageBins : AlignBins {
  static constexpr int kLanesBackward = 10;  // as many channels as the light head has

  template <typename Source>
  __device__ void pool(const BinGrid<float>& grid, int i, int j, const Source& source, float* values) const {
    const Samples rows = row_samples(grid, i), columns = column_samples(grid, j);
    // Row by row: a rounding error grows with the length of a sum.
    for (int m = rows.range.begin; m < rows.range.end; ++m) {
      const SampleTaps<float> y = rows.taps(m);
      float low[Source::kLanes] = {}, high[Source::kLanes] = {};
      for (int n = columns.range.begin; n < columns.range.end; ++n) {
        const SampleTaps<float> x = columns.taps(n);
        if (y.low_weight != 0) add_columns(y.low * static_cast<int>(options.width), x, source, low);
        if (y.high_weight != 0) add_columns(y.high * static_cast<int>(options.width), x, source, high);
      }
      for (int lane = 0; lane < Source::kLanes; ++lane) {
        values[lane] += y.low_weight * low[lane] + y.high_weight * high[lane];
      }
    }
    const float count = static_cast<float>(static_cast<int64_t>(rows.count) * columns.count);
    for (int lane = 0; lane < Source::kLanes; ++lane) values[lane] /= count;
  }

  template <typename T>
  __device__ void tile_weights(int axis, const BinGrid<float>& grid, int i, int j, const Tile& tile, const T*,
                               float* y_weights, float* x_weights) const {
    if (axis == 0) {
      axis_weights(row_samples(grid, i), tile.y, Tile::kHeight, y_weights);
    } else {
      axis_weights(column_samples(grid, j), tile.x, Tile::kWidth, x_weights);
    }
  }

  // Computes the weights of the pixels first .. first + count - 1 along an axis.
  __device__ static void axis_weights(const Samples& samples, int first, int count, float* weights) {
    for (int k = 0; k < count; ++k) weights[k] = 0;
    for (int m = samples.range.begin; m < samples.range.end; ++m) add_taps(samples.taps(m), first, count, weights);
    for (int k = 0; k < count; ++k) weights[k] /= static_cast<float>(samples.count);
  }

  // Adds the weights of a sample to those of the pixels first .. first + count - 1.
  __device__ static void add_taps(const SampleTaps<float>& taps, int first, int count, float* weights) {
    const int low = taps.low - first, high = taps.high - first;
    if (taps.low_weight != 0 && low >= 0 && low < count) weights[low] += taps.low_weight;
    if (taps.high_weight != 0 && high >= 0 && high < count) weights[high] += taps.high_weight;
  }
};

struct MaximumBins : AlignBins {
  static constexpr int kLanesBackward = 1;  // every channel has a largest sample of its own

  // The largest sample of a bin in each of kCount channels and its taps; `any` is false if the bin has no samples.
  template <int kCount>
  struct Largest {
    bool any;
    float values[kCount];
    SampleTaps<float> y[kCount], x[kCount];
  };

  template <typename Source>
  __device__ Largest<Source::kLanes> largest(const BinGrid<float>& grid, int i, int j, const Source& source) const {
    const Samples rows = row_samples(grid, i), columns = column_samples(grid, j);
    Largest<Source::kLanes> best = {};
    for (int m = rows.range.begin; m < rows.range.end; ++m) {
      const SampleTaps<float> y = rows.taps(m);
      for (int n = columns.range.begin; n < columns.range.end; ++n) {
        const SampleTaps<float> x = columns.taps(n);
        if (options.border == LHRCNN_BORDER_CLAMP && !(touches(y) && touches(x))) continue;
        float values[Source::kLanes] = {};
        add_sample(y, x, static_cast<int>(options.width), source, values);
        for (int lane = 0; lane < Source::kLanes; ++lane) {
          if (best.any && !exceeds_maximum(values[lane], best.values[lane])) continue;
          best.values[lane] = values[lane];
          best.y[lane] = y;
          best.x[lane] = x;
        }
        best.any = true;
      }
    }
    return best;
  }

  template <typename Source>
  __device__ void pool(const BinGrid<float>& grid, int i, int j, const Source& source, float* values) const {
    const Largest<Source::kLanes> best = largest(grid, i, j, source);
    for (int lane = 0; lane < Source::kLanes; ++lane) values[lane] = best.values[lane];
  }

  template <typename T>
  __device__ void tile_weights(int axis, const BinGrid<float>& grid, int i, int j, const Tile& tile, const T* plane,
                               float* y_weights, float* x_weights) const {
    if (axis != 0) return;  // the search for the largest sample gives the weights of both axes at once
    const Largest<1> best = largest(grid, i, j, PlanesOfMap<T, 1>{plane, 0, 1});
    for (int k = 0; k < Tile::kHeight; ++k) y_weights[k] = 0;
    for (int k = 0; k < Tile::kWidth; ++k) x_weights[k] = 0;
    AverageBins::add_taps(best.y[0], tile.y, Tile::kHeight, y_weights);
    AverageBins::add_taps(best.x[0], tile.x, Tile::kWidth, x_weights);
  }
};

// AverageBins and MaximumBins have a base class, so that C++14 cannot initialize them with braces.
template <typename Bins>
Bins bins_of(const LhrcnnPsRoiAlign& options) {
  Bins bins;
  bins.options = options;
  return bins;
}

template <typename T>
cudaError_t forward(const LhrcnnPsRoiAlign& options, const void* data, const float* rois, void* output, void* stream) {
  const T* map = static_cast<const T*>(data);
  T* out = static_cast<T*>(output);
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  return options.mode == LHRCNN_MODE_AVG ? pool(bins_of<AverageBins>(options), map, rois, out, on)
                                         : pool(bins_of<MaximumBins>(options), map, rois, out, on);
}

template <typename T>
cudaError_t backward(const LhrcnnPsRoiAlign& options, const void* output_grad, const void* data, const float* rois,
                     void* data_grad, void* workspace, void* stream) {
  const T *grad = static_cast<const T*>(output_grad), *map = static_cast<const T*>(data);
  T* out = static_cast<T*>(data_grad);
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  return options.mode == LHRCNN_MODE_AVG
             ? pool_gradient(bins_of<AverageBins>(options), grad, map, rois, out, workspace, on)
             : pool_gradient(bins_of<MaximumBins>(options), grad, map, rois, out, workspace, on);
}

}  // namespace
}  // namespace lhrcnn

size_t lhrcnn_cuda_ps_roi_align_workspace(const LhrcnnPsRoiAlign* options) {
  lhrcnn::Workspace memory(nullptr);
  lhrcnn::allocate_touched(*options, &memory);
  return memory.bytes();
}

int lhrcnn_cuda_ps_roi_align_forward_f32(const LhrcnnPsRoiAlign* options, const void* data, const float* rois,
                                         void* output, void*, void* stream) {
  return lhrcnn::forward<float>(*options, data, rois, output, stream);
}

int lhrcnn_cuda_ps_roi_align_forward_f16(const LhrcnnPsRoiAlign* options, const void* data, const float* rois,
                                         void* output, void*, void* stream) {
  return lhrcnn::forward<lhrcnn::Half>(*options, data, rois, output, stream);
}

int lhrcnn_cuda_ps_roi_align_backward_f32(const LhrcnnPsRoiAlign* options, const void* output_grad, const void* data,
                                          const float* rois, void* data_grad, void* workspace, void* stream) {
  return lhrcnn::backward<float>(*options, output_grad, data, rois, data_grad, workspace, stream);
}

int lhrcnn_cuda_ps_roi_align_backward_f16(const LhrcnnPsRoiAlign* options, const void* output_grad, const void* data,
                                          const float* rois, void* data_grad, void* workspace, void* stream) {
  return lhrcnn::backward<lhrcnn::Half>(*options, output_grad, data, rois, data_grad, workspace, stream);
}
