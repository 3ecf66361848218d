// The forward pass of PS-RoIAlign and PS-RoI pooling on the GPU.
//
// For each output channel a bin reads one plane of the map. A block copies the planes that one bin reads for kLanes
// output channels into shared memory, with the numbers of a pixel side by side, and its threads then go through the
// RoIs of the image. So the map is read once and in order, and the position of a RoI is computed once for kLanes
// outputs. Planes that do not fit into shared memory are read from the map itself.
//
// `Bins` stands for one of the operators. It has: the `options`; grid(row), the BinGrid of a RoI; and pool(grid, i, j,
// source, values), which adds up bin (i, j) of a RoI from the planes in `source`, PlanesInShared or PlanesOfMap.
#ifndef LHRCNN_CUDA_ROI_FORWARD_CUH_
#define LHRCNN_CUDA_ROI_FORWARD_CUH_

#include "device.cuh"
#include "geometry.h"

namespace lhrcnn {

constexpr int kLanes = 4;
constexpr int kPoolThreads = 512;

// Planes that are read from the map itself, `distance` numbers apart. Of the `Lanes` planes only the first `lanes`
// exist.
template <typename T, int Lanes>
struct PlanesOfMap {
  static constexpr int kLanes = Lanes;
  const T* planes;
  int64_t distance;
  int lanes;

  // Adds the weighted pixel of each plane to its sum.
  __device__ void add(int pixel, float weight, float* sums) const {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (lane < lanes) sums[lane] += weight * to_float(planes[lane * distance + pixel]);
    }
  }
};

// The same pixel of kLanes planes. One memory access reads all of it.
template <typename T>
struct alignas(kLanes * sizeof(T)) Pixel {
  T values[kLanes];
};

// Planes that have been copied into shared memory.
template <typename T>
struct PlanesInShared {
  static constexpr int kLanes = lhrcnn::kLanes;
  const Pixel<T>* pixels;

  __device__ void add(int pixel, float weight, float* sums) const {
    const Pixel<T> values = pixels[pixel];
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += weight * to_float(values.values[lane]);
  }
};

// Which planes of the map one bin of an image reads for the output channels channel .. channel + lanes - 1.
struct Planes {
  int64_t image;
  int channel, bin, lanes;
  int64_t pixels;    // of a plane
  int64_t distance;  // from one plane to the next
  int64_t first;     // where in the map the first plane begins
};

// Returns the planes of bin number `bin` and group number `group` of `lanes` output channels.
template <typename Options>
__device__ Planes planes_at(const Options& options, int64_t image, int64_t group, int64_t bin, int lanes) {
  const int64_t bins = static_cast<int64_t>(options.pooled_size) * options.pooled_size;
  const int64_t pixels = options.height * options.width, channel = group * lanes;
  return {image, static_cast<int>(channel), static_cast<int>(bin),
          static_cast<int>(min_of<int64_t>(lanes, options.output_dim - channel)), pixels, bins * pixels,
          ((image * options.output_dim + channel) * bins + bin) * pixels};
}

// Pools one bin of one RoI and writes it. `planes` must be those of the RoI's image.
template <typename Bins, typename T, typename Source>
__device__ void pool_bin(const Bins& bins, const BinGrid<float>& grid, int64_t roi, const Planes& planes,
                         const Source& source, T* output) {
  const int pooled = bins.options.pooled_size;
  float values[kLanes] = {};
  if (grid.image >= 0) bins.pool(grid, planes.bin / pooled, planes.bin % pooled, source, values);
  T* out = output + (roi * bins.options.output_dim + planes.channel) * pooled * pooled + planes.bin;
  for (int lane = 0; lane < kLanes; ++lane) {
    if (lane < planes.lanes) out[static_cast<int64_t>(lane) * pooled * pooled] = from_float<T>(values[lane]);
  }
}

// A block pools one bin in one group of channels, for all RoIs of an image or, with several splits, for a part of them.
template <typename Bins, typename T>
__global__ void __launch_bounds__(kPoolThreads)
    pool_from_shared(Bins bins, const T* data, const float* rois, T* output, int64_t groups, int64_t splits) {
  Pixel<T>* pixels = dynamic_shared<Pixel<T>>();
  const int64_t bins_a_roi = static_cast<int64_t>(bins.options.pooled_size) * bins.options.pooled_size;
  const int64_t split = blockIdx.x % splits, bin = blockIdx.x / splits % bins_a_roi;
  const int64_t group = blockIdx.x / splits / bins_a_roi % groups, image = blockIdx.x / splits / bins_a_roi / groups;
  const Planes planes = planes_at(bins.options, image, group, bin, kLanes);
  for (int64_t i = threadIdx.x; i < planes.pixels; i += kPoolThreads) {
    Pixel<T> pixel;
    for (int lane = 0; lane < kLanes; ++lane) {
      pixel.values[lane] = lane < planes.lanes ? data[planes.first + lane * planes.distance + i] : from_float<T>(0);
    }
    pixels[i] = pixel;
  }
  __syncthreads();
  const PlanesInShared<T> source = {pixels};
  for (int64_t r = split * kPoolThreads + threadIdx.x; r < bins.options.rois; r += splits * kPoolThreads) {
    const BinGrid<float> grid = bins.grid(rois + r * 5);
    // RoIs that pool nothing get their zeros from the blocks of image 0.
    if ((grid.image < 0 ? 0 : grid.image) == image) pool_bin(bins, grid, r, planes, source, output);
  }
}

// The same without shared memory: a thread pools one bin of one RoI in one group of channels.
template <typename Bins, typename T>
__global__ void pool_from_map(Bins bins, const T* data, const float* rois, T* output, int64_t groups) {
  const int64_t bins_a_roi = static_cast<int64_t>(bins.options.pooled_size) * bins.options.pooled_size;
  for (int64_t item = first_item(); item < bins.options.rois * groups * bins_a_roi; item += item_stride()) {
    const int64_t bin = item % bins_a_roi, group = item / bins_a_roi % groups, r = item / bins_a_roi / groups;
    const BinGrid<float> grid = bins.grid(rois + r * 5);
    const Planes planes = planes_at(bins.options, grid.image < 0 ? 0 : grid.image, group, bin, kLanes);
    const PlanesOfMap<T, kLanes> source = {data + planes.first, planes.distance, planes.lanes};
    pool_bin(bins, grid, r, planes, source, output);
  }
}

// Writes the output for all RoIs.
template <typename Bins, typename T>
cudaError_t pool(const Bins& bins, const T* data, const float* rois, T* output, cudaStream_t stream) {
  const auto& options = bins.options;
  const int64_t bins_a_roi = static_cast<int64_t>(options.pooled_size) * options.pooled_size;
  const int64_t groups = ceil_divide(options.output_dim, kLanes), pixels = options.height * options.width;
  if (pixels > INT32_MAX) return cudaErrorInvalidValue;
  int max_shared_bytes = 0, processors = 0;
  LHRCNN_TRY(device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, &max_shared_bytes));
  LHRCNN_TRY(device_attribute(cudaDevAttrMultiProcessorCount, &processors));
  const int64_t bytes = pixels * static_cast<int64_t>(sizeof(Pixel<T>));
  if (bytes > max_shared_bytes || options.images == 0) {
    return launch_for_items(pool_from_map<Bins, T>, options.rois * groups * bins_a_roi, stream, bins, data, rois,
                            output, groups);
  }
  LHRCNN_TRY(allow_shared_memory(pool_from_shared<Bins, T>, bytes));
  // Where there are fewer than two blocks for each multiprocessor, several blocks share the RoIs of a bin.
  const int64_t blocks = options.images * groups * bins_a_roi;
  const int64_t splits = min_of(ceil_divide(2 * processors, blocks), ceil_divide(options.rois, kPoolThreads));
  return launch(pool_from_shared<Bins, T>, options.rois == 0 ? 0 : blocks * splits, kPoolThreads, bytes, stream, bins,
                data, rois, output, groups, splits);
}

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_ROI_FORWARD_CUH_
