// The gradient of pooling position-sensitive RoIs with respect to the map, without atomic additions: the same from run to
// run.
//
// A pixel's gradient is a sum over the bins that read it. A block owns a tile of the planes that one bin has in some
// output channels, a thread one pixel of it. The block goes through the RoIs in order, in batches of those whose bin
// touches the tile: for each it works out the weights of the tile's rows and of its columns, as a bin's weights are
// products of the two, and then every thread adds what its pixel gets of each. All gradients are written, once.
//
// `Bins` is a flavour: its options, kLanesBackward (output channels that share the weights), grid(row) of a RoI,
// touched(start, bin_size, bin, size), the pixels along an axis that a bin may touch, and weigh(axis, grid, i, j, tile,
// plane, y_weights, x_weights), called with axis 0 and 1 by two threads, which together make the weights.
#ifndef LHRCNN_CUDA_ROI_BACKWARD_CUH_
#define LHRCNN_CUDA_ROI_BACKWARD_CUH_

#include "roi_forward.cuh"

namespace lhrcnn {

// Where a tile begins in the plane.
struct Tile {
  static constexpr int kHeight = 8, kWidth = 16;
  int y, x;
};

constexpr int kTileThreads = Tile::kHeight * Tile::kWidth;
constexpr int kBatch = 32;

// What each RoI touches; `images` is negative for a RoI that touches nothing.
struct Touched {
  int32_t* images;   // (rois)
  Range *y, *x;      // (pooled_size, rois)
};

template <typename Options>
Touched place_touched(const Options& options, Workspace* workspace) {
  const int64_t ranges = options.rois * options.pooled_size;
  return {workspace->take<int32_t>(options.rois), workspace->take<Range>(ranges), workspace->take<Range>(ranges)};
}

template <typename Bins>
__global__ void find_touched(Bins bins, const float* rois, Touched touched) {
  const int64_t count = bins.options.rois;
  for (int64_t item = first_item(); item < count * bins.options.pooled_size; item += item_stride()) {
    const int64_t r = item % count;
    const int bin = static_cast<int>(item / count);
    const BinGrid<float> grid = bins.grid(rois + r * 5);
    touched.y[item] = bins.touched(grid.y, grid.bin_height, bin, bins.options.height);
    touched.x[item] = bins.touched(grid.x, grid.bin_width, bin, bins.options.width);
    if (bin == 0) touched.images[r] = static_cast<int32_t>(grid.image);
  }
}

// The RoIs that wait for their batch, a ring, and what the threads of a block share to fill it.
struct Waiting {
  static constexpr int kRoom = 2 * kTileThreads;
  int32_t rois[kRoom];
  uint32_t flags[kTileThreads / 32];
};

// One batch. Weights of pixels that a RoI does not touch are 0.
template <int kChannels>
struct Batch {
  float y[kBatch][Tile::kHeight], x[kBatch][Tile::kWidth], grads[kBatch][kChannels];
};

// Of 128 RoIs from `begin` on, puts those that touch the tile behind the first `end` that were ever in the ring; returns
// the new end.
__device__ inline int64_t enlist(const Touched& touched, int64_t rois, int64_t begin, int64_t image, int i, int j,
                                 const Tile& tile, int64_t end, Waiting* waiting) {
  const int mine = threadIdx.x;
  if (mine < kTileThreads / 32) waiting->flags[mine] = 0;
  __syncthreads();
  const int64_t r = begin + mine;
  bool touches = false;
  if (r < rois && touched.images[r] == image) {
    const Range y = touched.y[i * rois + r], x = touched.x[j * rois + r];
    touches = y.begin < tile.y + Tile::kHeight && y.end > tile.y && x.begin < tile.x + Tile::kWidth && x.end > tile.x;
  }
  if (touches) atomicOr(&waiting->flags[mine / 32], 1u << mine % 32);
  __syncthreads();
  int before = 0, all = 0;
  for (int word = 0; word < kTileThreads / 32; ++word) {
    if (word == mine / 32) before = all + __popc(waiting->flags[word] & ((1u << mine % 32) - 1));
    all += __popc(waiting->flags[word]);
  }
  if (touches) waiting->rois[(end + before) % Waiting::kRoom] = static_cast<int32_t>(r);
  __syncthreads();
  return end + all;
}

template <typename Bins, typename T>
__global__ void __launch_bounds__(kTileThreads)
    gather(Bins bins, Touched touched, const T* output_grad, const T* data, const float* rois, T* data_grad,
           int64_t groups) {
  constexpr int kChannels = Bins::kLanesBackward;
  Batch<kChannels>* batch = dynamic_shared<Batch<kChannels>>();
  Waiting* waiting = reinterpret_cast<Waiting*>(batch + 1);
  const auto& options = bins.options;
  const int64_t bins_a_roi = static_cast<int64_t>(options.pooled_size) * options.pooled_size;
  const int64_t across = ceil_divide(options.width, Tile::kWidth), down = ceil_divide(options.height, Tile::kHeight);
  int64_t block = blockIdx.x;
  Tile tile;
  tile.x = static_cast<int>(block % across) * Tile::kWidth;
  tile.y = static_cast<int>((block /= across) % down) * Tile::kHeight;
  const int64_t bin = (block /= down) % bins_a_roi, group = (block /= bins_a_roi) % groups, image = block / groups;
  const Planes planes = planes_at(options, image, group, bin, kChannels);
  const int i = planes.bin / options.pooled_size, j = planes.bin % options.pooled_size;
  // A warp is 4 rows of 8 pixels: most bins touch few warps.
  const int mine = threadIdx.x, y = (mine >> 3 & 3) + (mine >> 6) * 4, x = (mine & 7) + (mine >> 5 & 1) * 8;
  float sums[kChannels] = {};
  int64_t begin = 0, end = 0;  // of the ring
  for (int64_t next = 0; next < options.rois || begin < end;) {
    if (next < options.rois && end - begin < kBatch) {
      end = enlist(touched, options.rois, next, image, i, j, tile, end, waiting);
      next += kTileThreads;
      continue;
    }
    __syncthreads();
    const int count = static_cast<int>(smaller<int64_t>(end - begin, kBatch));
    for (int task = mine; task < 2 * count; task += kTileThreads) {
      const int b = task >> 1;
      const BinGrid<float> grid = bins.grid(rois + static_cast<int64_t>(waiting->rois[(begin + b) % Waiting::kRoom]) * 5);
      bins.weigh(task & 1, grid, i, j, tile, data + planes.first, batch->y[b], batch->x[b]);
    }
    for (int task = mine; task < kChannels * count; task += kTileThreads) {
      const int b = task / kChannels, lane = task % kChannels;
      const int64_t r = waiting->rois[(begin + b) % Waiting::kRoom];
      const T* grad = output_grad + (r * options.output_dim + planes.channel) * bins_a_roi + bin;
      batch->grads[b][lane] = lane < planes.lanes ? to_float(grad[lane * bins_a_roi]) : 0;
    }
    __syncthreads();
    for (int b = 0; b < count; ++b) {
      const float weight = batch->y[b][y] * batch->x[b][x];
      if (weight == 0) continue;
      for (int lane = 0; lane < kChannels; ++lane) sums[lane] += weight * batch->grads[b][lane];
    }
    begin += count;
  }
  if (tile.y + y >= options.height || tile.x + x >= options.width) return;
  T* grads = data_grad + planes.first + (tile.y + y) * options.width + tile.x + x;
  for (int lane = 0; lane < kChannels; ++lane) {
    if (lane < planes.lanes) grads[lane * planes.distance] = from_float<T>(sums[lane]);
  }
}

// `data` is read by flavours whose weights depend on it.
template <typename Bins, typename T>
cudaError_t pool_gradient(const Bins& bins, const T* output_grad, const T* data, const float* rois, T* data_grad,
                          void* workspace, cudaStream_t stream) {
  const auto& options = bins.options;
  if (options.height * options.width > INT32_MAX || options.rois > INT32_MAX) return cudaErrorInvalidValue;
  Workspace memory(workspace);
  const Touched touched = place_touched(options, &memory);
  LHRCNN_TRY(launch_each(find_touched<Bins>, options.rois * options.pooled_size, stream, bins, rois, touched));
  const int64_t groups = ceil_divide(options.output_dim, Bins::kLanesBackward);
  const int64_t tiles = ceil_divide(options.width, Tile::kWidth) * ceil_divide(options.height, Tile::kHeight);
  const int64_t blocks = options.images * groups * options.pooled_size * options.pooled_size * tiles;
  return launch(gather<Bins, T>, blocks, kTileThreads, sizeof(Batch<Bins::kLanesBackward>) + sizeof(Waiting), stream,
                bins, touched, output_grad, data, rois, data_grad, groups);
}

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_ROI_BACKWARD_CUH_
