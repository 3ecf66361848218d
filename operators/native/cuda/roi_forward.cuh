// Pooling of position-sensitive RoIs: what PS-RoIAlign and PS-RoI pooling have in common.
//
// A bin of a RoI reads one plane of the map an output channel. A block takes the planes that one bin has in kLanes output
// channels into shared memory, their pixels side by side, and its threads go through the RoIs of the image: the map is
// read once, in order, and where a RoI lies is worked out once for kLanes outputs. Planes that are too large for that are
// read where they are.
//
// `Bins` is a flavour: its options, grid(row) of a RoI, and pool(grid, i, j, planes, values) of one bin.
#ifndef LHRCNN_CUDA_ROI_FORWARD_CUH_
#define LHRCNN_CUDA_ROI_FORWARD_CUH_

#include "device.cuh"
#include "geometry.h"

namespace lhrcnn {

constexpr int kLanes = 4;
constexpr int kPoolThreads = 512;

// Lanes planes as they lie in the map, `distance` apart; only the first `lanes` are there.
template <typename T, int Lanes>
struct PlanesOfMap {
  static constexpr int kLanes = Lanes;
  const T* planes;
  int64_t distance;
  int lanes;

  __device__ void add(int pixel, float weight, float* sums) const {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (lane < lanes) sums[lane] += weight * to_float(planes[lane * distance + pixel]);
    }
  }
};

// The same pixel of kLanes planes, which one access reads.
template <typename T>
struct alignas(kLanes * sizeof(T)) Pixel {
  T values[kLanes];
};

template <typename T>
struct PlanesInShared {
  static constexpr int kLanes = lhrcnn::kLanes;
  const Pixel<T>* pixels;

  __device__ void add(int pixel, float weight, float* sums) const {
    const Pixel<T> values = pixels[pixel];
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += weight * to_float(values.values[lane]);
  }
};

// One bin in kLanes output channels of an image.
struct Planes {
  int64_t image;
  int channel, bin, lanes;  // output channels channel .. channel + lanes - 1
  int64_t pixels, distance, first;  // of a plane, from a plane to the next lane's, and where in the map the first begins
};

template <typename Options>
__device__ Planes planes_at(const Options& options, int64_t image, int64_t group, int64_t bin, int lanes) {
  const int64_t bins = static_cast<int64_t>(options.pooled_size) * options.pooled_size;
  const int64_t pixels = options.height * options.width, channel = group * lanes;
  return {image, static_cast<int>(channel), static_cast<int>(bin),
          static_cast<int>(smaller<int64_t>(lanes, options.output_dim - channel)), pixels, bins * pixels,
          ((image * options.output_dim + channel) * bins + bin) * pixels};
}

// The `planes` are those of the RoI's image.
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
    // RoIs of no image are the first image's to write.
    if ((grid.image < 0 ? 0 : grid.image) == image) pool_bin(bins, grid, r, planes, source, output);
  }
}

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

template <typename Bins, typename T>
cudaError_t pool(const Bins& bins, const T* data, const float* rois, T* output, cudaStream_t stream) {
  const auto& options = bins.options;
  const int64_t bins_a_roi = static_cast<int64_t>(options.pooled_size) * options.pooled_size;
  const int64_t groups = ceil_divide(options.output_dim, kLanes), pixels = options.height * options.width;
  if (pixels > INT32_MAX) return cudaErrorInvalidValue;
  int most_bytes = 0, processors = 0;
  LHRCNN_TRY(device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, &most_bytes));
  LHRCNN_TRY(device_attribute(cudaDevAttrMultiProcessorCount, &processors));
  const int64_t bytes = pixels * static_cast<int64_t>(sizeof(Pixel<T>));
  if (bytes > most_bytes || options.images == 0) {
    return launch_each(pool_from_map<Bins, T>, options.rois * groups * bins_a_roi, stream, bins, data, rois, output,
                       groups);
  }
  LHRCNN_TRY(allow_shared(pool_from_shared<Bins, T>, bytes));
  // Two blocks a processor, by splitting the RoIs where there are few planes.
  const int64_t blocks = options.images * groups * bins_a_roi;
  const int64_t splits = smaller(ceil_divide(2 * processors, blocks), ceil_divide(options.rois, kPoolThreads));
  return launch(pool_from_shared<Bins, T>, options.rois == 0 ? 0 : blocks * splits, kPoolThreads, bytes, stream, bins,
                data, rois, output, groups, splits);
}

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_ROI_FORWARD_CUH_
