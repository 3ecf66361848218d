// RoI max pooling on the GPU: the largest of a bin's whole pixels, and its gradient.
//
// Forward, a thread computes one number of the output. Backward, the forward pass is repeated to find the pixel that
// each bin's gradient goes to; then a thread adds up the gradient of one pixel from the RoIs whose bins went to it, in
// the order of the RoIs. There are no atomic additions, so that results are the same in every run.
#include "device.cuh"
#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

// What the backward pass keeps of each RoI and each bin.
struct Places {
  int32_t* images;       // (rois), negative for a RoI that pools nothing
  Range *rows, *columns;  // (rois, pooled_height) and (rois, pooled_width), what the bins read
  int32_t* pixels;       // (rois, channels, pooled_height, pooled_width), the largest pixel of a bin; -1 for none
};

__host__ __device__ int64_t bins_of(const LhrcnnRoiMaxPool& options) {
  return static_cast<int64_t>(options.pooled_height) * options.pooled_width;
}

__host__ __device__ int64_t output_size(const LhrcnnRoiMaxPool& options) {
  return options.rois * options.channels * bins_of(options);
}

Places allocate_places(const LhrcnnRoiMaxPool& options, Workspace* workspace) {
  return {workspace->allocate<int32_t>(options.rois), workspace->allocate<Range>(options.rois * options.pooled_height),
          workspace->allocate<Range>(options.rois * options.pooled_width),
          workspace->allocate<int32_t>(output_size(options))};
}

// Writes the largest pixel of each bin to `output`, or where `pixels` is not null, where it is to `pixels`.
template <typename T>
__global__ void pool_largest(LhrcnnRoiMaxPool options, const T* data, const float* rois, T* output, int32_t* pixels) {
  for (int64_t item = first_item(); item < output_size(options); item += item_stride()) {
    const int64_t bins = bins_of(options), r = item / bins / options.channels;
    const int bin = static_cast<int>(item % bins), width = static_cast<int>(options.width);
    const BinGrid<float> grid = roi_max_pool_grid(options, rois + r * 5);
    const Range y = max_bin_pixels(grid.y, grid.bin_height, bin / options.pooled_width, options.height);
    const Range x = max_bin_pixels(grid.x, grid.bin_width, bin % options.pooled_width, options.width);
    float largest = 0;
    int32_t place = -1;
    if (grid.image >= 0) {
      const int64_t plane = grid.image * options.channels + item / bins % options.channels;
      const T* values = data + plane * options.height * options.width;
      for (int i = y.begin; i < y.end; ++i) {
        for (int j = x.begin; j < x.end; ++j) {
          const float value = to_float(values[i * width + j]);
          if (place < 0 || exceeds_maximum(value, largest)) {
            largest = value;
            place = i * width + j;
          }
        }
      }
    }
    if (pixels) pixels[item] = place;
    else output[item] = from_float<T>(largest);
  }
}

// Finds the image of each RoI, and what its bins read.
__global__ void find_ranges(LhrcnnRoiMaxPool options, const float* rois, Places places) {
  const int64_t count = options.pooled_height + options.pooled_width;
  for (int64_t item = first_item(); item < options.rois * count; item += item_stride()) {
    const int64_t r = item / count;
    const int bin = static_cast<int>(item % count);
    const BinGrid<float> grid = roi_max_pool_grid(options, rois + r * 5);
    if (bin == 0) places.images[r] = static_cast<int32_t>(grid.image);
    if (bin < options.pooled_height) {
      places.rows[r * options.pooled_height + bin] = max_bin_pixels(grid.y, grid.bin_height, bin, options.height);
    } else {
      const int column = bin - options.pooled_height;
      places.columns[r * options.pooled_width + column] =
          max_bin_pixels(grid.x, grid.bin_width, column, options.width);
    }
  }
}

__device__ bool contains(const Range& range, int pixel) { return pixel >= range.begin && pixel < range.end; }

// Adds up the gradient of each pixel of the map.
template <typename T>
__global__ void gather_largest(LhrcnnRoiMaxPool options, const T* output_grad, Places places, T* data_grad) {
  const int64_t plane = options.height * options.width, size = options.images * options.channels * plane;
  const int height = options.pooled_height, width = options.pooled_width;
  for (int64_t item = first_item(); item < size; item += item_stride()) {
    const int pixel = static_cast<int>(item % plane), y = pixel / static_cast<int>(options.width);
    const int x = pixel % static_cast<int>(options.width);
    const int64_t channel = item / plane % options.channels, image = item / plane / options.channels;
    float sum = 0;
    for (int64_t r = 0; r < options.rois; ++r) {
      if (places.images[r] != image) continue;
      const Range *rows = places.rows + r * height, *columns = places.columns + r * width;
      if (y < rows[0].begin || y >= rows[height - 1].end || x < columns[0].begin || x >= columns[width - 1].end) {
        continue;
      }
      const int64_t first = (r * options.channels + channel) * bins_of(options);
      for (int i = 0; i < height; ++i) {
        if (!contains(rows[i], y)) continue;
        for (int j = 0; j < width; ++j) {
          const int64_t bin = first + i * width + j;
          if (contains(columns[j], x) && places.pixels[bin] == pixel) sum += to_float(output_grad[bin]);
        }
      }
    }
    data_grad[item] = from_float<T>(sum);
  }
}

// The number of a pixel fits in 31 bits.
bool is_too_large(const LhrcnnRoiMaxPool& options) { return options.height * options.width > INT32_MAX; }

template <typename T>
cudaError_t forward(const LhrcnnRoiMaxPool& options, const void* data, const float* rois, void* output, void* stream) {
  if (is_too_large(options)) return cudaErrorInvalidValue;
  return launch_for_items(pool_largest<T>, output_size(options), static_cast<cudaStream_t>(stream), options,
                          static_cast<const T*>(data), rois, static_cast<T*>(output), nullptr);
}

template <typename T>
cudaError_t backward(const LhrcnnRoiMaxPool& options, const void* output_grad, const void* data, const float* rois,
                     void* data_grad, void* workspace, void* stream_of_caller) {
  if (is_too_large(options)) return cudaErrorInvalidValue;
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_of_caller);
  Workspace memory(workspace);
  const Places places = allocate_places(options, &memory);
  const int64_t ranges = options.rois * (options.pooled_height + options.pooled_width);
  LHRCNN_TRY(launch_for_items(find_ranges, ranges, stream, options, rois, places));
  LHRCNN_TRY(launch_for_items(pool_largest<T>, output_size(options), stream, options, static_cast<const T*>(data), rois,
                              nullptr, places.pixels));
  return launch_for_items(gather_largest<T>, options.images * options.channels * options.height * options.width, stream,
                          options, static_cast<const T*>(output_grad), places, static_cast<T*>(data_grad));
}

}  // namespace
}  // namespace lhrcnn

size_t lhrcnn_cuda_roi_max_pool_workspace(const LhrcnnRoiMaxPool* options) {
  lhrcnn::Workspace memory(nullptr);
  lhrcnn::allocate_places(*options, &memory);
  return memory.bytes();
}

int lhrcnn_cuda_roi_max_pool_forward_f32(const LhrcnnRoiMaxPool* options, const void* data, const float* rois,
                                         void* output, void*, void* stream) {
  return lhrcnn::forward<float>(*options, data, rois, output, stream);
}

int lhrcnn_cuda_roi_max_pool_forward_f16(const LhrcnnRoiMaxPool* options, const void* data, const float* rois,
                                         void* output, void*, void* stream) {
  return lhrcnn::forward<lhrcnn::Half>(*options, data, rois, output, stream);
}

int lhrcnn_cuda_roi_max_pool_backward_f32(const LhrcnnRoiMaxPool* options, const void* output_grad, const void* data,
                                          const float* rois, void* data_grad, void* workspace, void* stream) {
  return lhrcnn::backward<float>(*options, output_grad, data, rois, data_grad, workspace, stream);
}

int lhrcnn_cuda_roi_max_pool_backward_f16(const LhrcnnRoiMaxPool* options, const void* output_grad, const void* data,
                                          const float* rois, void* data_grad, void* workspace, void* stream) {
  return lhrcnn::backward<lhrcnn::Half>(*options, output_grad, data, rois, data_grad, workspace, stream);
}
