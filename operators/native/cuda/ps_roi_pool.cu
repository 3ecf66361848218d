// PS-RoI pooling on the GPU: averages of whole pixels. See roi_forward.cuh and roi_backward.cuh.
#include "kernels.h"
#include "roi_backward.cuh"

namespace lhrcnn {
namespace {

struct PoolBins {
  LhrcnnPsRoiPool options;
  static constexpr int kLanesBackward = 10;  // as many channels as the light head has

  __device__ BinGrid<float> grid(const float* row) const { return roi_pool_grid(options, row); }

  __device__ Range touched(float start, float bin_size, int bin, int64_t size) const {
    return bin_pixels(start, bin_size, bin, size);
  }

  template <typename Source>
  __device__ void pool(const BinGrid<float>& grid, int i, int j, const Source& source, float* values) const {
    const Range y = bin_pixels(grid.y, grid.bin_height, i, options.height);
    const Range x = bin_pixels(grid.x, grid.bin_width, j, options.width);
    if (y.begin >= y.end || x.begin >= x.end) return;
    for (int row = y.begin; row < y.end; ++row) {
      for (int column = x.begin; column < x.end; ++column) {
        source.add(row * static_cast<int>(options.width) + column, 1, values);
      }
    }
    const float area = static_cast<float>(static_cast<int64_t>(y.end - y.begin) * (x.end - x.begin));
    for (int lane = 0; lane < Source::kLanes; ++lane) values[lane] /= area;
  }

  template <typename T>
  __device__ void tile_weights(int axis, const BinGrid<float>& grid, int i, int j, const Tile& tile, const T*,
                               float* y_weights, float* x_weights) const {
    if (axis == 0) {
      axis_weights(bin_pixels(grid.y, grid.bin_height, i, options.height), tile.y, Tile::kHeight, y_weights);
    } else {
      axis_weights(bin_pixels(grid.x, grid.bin_width, j, options.width), tile.x, Tile::kWidth, x_weights);
    }
  }

  // Computes the weights of the pixels first .. first + count - 1 along an axis.
  __device__ static void axis_weights(const Range& pixels, int first, int count, float* weights) {
    for (int k = 0; k < count; ++k) {
      const bool inside = first + k >= pixels.begin && first + k < pixels.end;
      weights[k] = inside ? 1.0f / static_cast<float>(pixels.end - pixels.begin) : 0;
    }
  }
};

template <typename T>
cudaError_t forward(const LhrcnnPsRoiPool& options, const void* data, const float* rois, void* output, void* stream) {
  return pool(PoolBins{options}, static_cast<const T*>(data), rois, static_cast<T*>(output),
              static_cast<cudaStream_t>(stream));
}

template <typename T>
cudaError_t backward(const LhrcnnPsRoiPool& options, const void* output_grad, const float* rois, void* data_grad,
                     void* workspace, void* stream) {
  return pool_gradient(PoolBins{options}, static_cast<const T*>(output_grad), static_cast<const T*>(nullptr), rois,
                       static_cast<T*>(data_grad), workspace, static_cast<cudaStream_t>(stream));
}

}  // namespace
}  // namespace lhrcnn

size_t lhrcnn_cuda_ps_roi_pool_workspace(const LhrcnnPsRoiPool* options) {
  lhrcnn::Workspace memory(nullptr);
  lhrcnn::allocate_touched(*options, &memory);
  return memory.bytes();
}

int lhrcnn_cuda_ps_roi_pool_forward_f32(const LhrcnnPsRoiPool* options, const void* data, const float* rois,
                                        void* output, void*, void* stream) {
  return lhrcnn::forward<float>(*options, data, rois, output, stream);
}

int lhrcnn_cuda_ps_roi_pool_forward_f16(const LhrcnnPsRoiPool* options, const void* data, const float* rois,
                                        void* output, void*, void* stream) {
  return lhrcnn::forward<lhrcnn::Half>(*options, data, rois, output, stream);
}

int lhrcnn_cuda_ps_roi_pool_backward_f32(const LhrcnnPsRoiPool* options, const void* output_grad, const float* rois,
                                         void* data_grad, void* workspace, void* stream) {
  return lhrcnn::backward<float>(*options, output_grad, rois, data_grad, workspace, stream);
}

int lhrcnn_cuda_ps_roi_pool_backward_f16(const LhrcnnPsRoiPool* options, const void* output_grad, const float* rois,
                                         void* data_grad, void* workspace, void* stream) {
  return lhrcnn::backward<lhrcnn::Half>(*options, output_grad, rois, data_grad, workspace, stream);
}
