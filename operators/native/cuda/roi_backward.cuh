// The backward pass of PS-RoIAlign and PS-RoI pooling on the GPU: the gradient with respect to the map. It uses no
// atomic additions, so that results are the same in every run.
//
// The gradient of a pixel is a sum over the RoIs whose bin reads it. A block owns a tile of the planes that one bin
// reads for some output channels; each of its threads owns one pixel of the tile, and every gradient is written once.
//
// 1. find_touched_pixels computes once, for all bins of all RoIs, which rows and columns of the map they touch.
// 2. In gather_gradients a block looks at the RoIs in order. compact() puts those whose bin touches the tile into a
//    ring of pending RoIs, without gaps.
// 3. The block takes pending RoIs out of the ring in batches. The weight of a pixel in a bin is the product of a weight
//    of its row and a weight of its column. So for each RoI of the batch two threads compute the weights of the tile's
//    rows and columns; then every thread adds the part of its own pixel.
//
// `Bins` stands for one of the operators. It has: the `options`; kLanesBackward, how many output channels share the
// weights; grid(row), the BinGrid of a RoI; touched(start, bin_size, bin, size), the pixels along an axis that a bin
// may touch; and tile_weights(axis, grid, i, j, tile, plane, y_weights, x_weights), which two threads call, one with
// axis 0 and one with axis 1, and which together compute the weights of bin (i, j).
#ifndef LHRCNN_CUDA_ROI_BACKWARD_CUH_
#define LHRCNN_CUDA_ROI_BACKWARD_CUH_

#include "roi_forward.cuh"

namespace lhrcnn {

// A tile of a plane; (y, x) is its first pixel.
struct Tile {
  static constexpr int kHeight = 8, kWidth = 16;
  int y, x;
};

constexpr int kTileThreads = Tile::kHeight * Tile::kWidth;
constexpr int kBatch = 32;  // RoIs

// What the bins of each RoI touch.
struct TouchedPixels {
  int32_t* images;  // (rois), the image of each RoI, negative for one that pools nothing
  Range *y, *x;     // (pooled_size, rois), the rows and the columns of the map that each bin touches
};

template <typename Options>
TouchedPixels allocate_touched(const Options& options, Workspace* workspace) {
  const int64_t ranges = options.rois * options.pooled_size;
  return {workspace->allocate<int32_t>(options.rois), workspace->allocate<Range>(ranges),
          workspace->allocate<Range>(ranges)};
}

template <typename Bins>
__global__ void find_touched_pixels(Bins bins, const float* rois, TouchedPixels touched) {
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

// The RoIs that touch the tile and wait for their batch, and what the threads of a block share to find them.
struct PendingRois {
  static constexpr int kCapacity = 2 * kTileThreads;
  int32_t rois[kCapacity];            // a ring
  uint32_t flags[kTileThreads / 32];  // a bit for each thread: whether its RoI touches the tile
};

// The weights and the output gradients of a batch of RoIs. Rows and columns that a RoI does not touch have weight 0.
template <int kChannels>
struct Batch {
  float y[kBatch][Tile::kHeight], x[kBatch][Tile::kWidth], grads[kBatch][kChannels];
};

// Appends to the ring those of the RoIs begin .. begin + kTileThreads - 1 that touch the tile, in order and without
// gaps. `end` counts all RoIs that were ever appended; the new count is returned. All threads of the block must call
// this.
__device__ inline int64_t compact(const TouchedPixels& touched, int64_t rois, int64_t begin, int64_t image, int i,
                                  int j, const Tile& tile, int64_t end, PendingRois* pending) {
  const int mine = threadIdx.x;
  if (mine < kTileThreads / 32) pending->flags[mine] = 0;
  __syncthreads();
  const int64_t r = begin + mine;
  bool touches = false;
  if (r < rois && touched.images[r] == image) {
    const Range y = touched.y[i * rois + r], x = touched.x[j * rois + r];
    touches = y.begin < tile.y + Tile::kHeight && y.end > tile.y && x.begin < tile.x + Tile::kWidth && x.end > tile.x;
  }
  if (touches) atomicOr(&pending->flags[mine / 32], 1u << mine % 32);
  __syncthreads();
  int before = 0, all = 0;  // of the flags: those before this thread's, and all
  for (int word = 0; word < kTileThreads / 32; ++word) {
    if (word == mine / 32) before = all + __popc(pending->flags[word] & ((1u << mine % 32) - 1));
    all += __popc(pending->flags[word]);
  }
  if (touches) pending->rois[(end + before) % PendingRois::kCapacity] = static_cast<int32_t>(r);
  __syncthreads();
  return end + all;
}

template <typename Bins, typename T>
__global__ void __launch_bounds__(kTileThreads)
    gather_gradients(Bins bins, TouchedPixels touched, const T* output_grad, const T* data, const float* rois,
                     T* data_grad, int64_t groups) {
  constexpr int kChannels = Bins::kLanesBackward;
  Batch<kChannels>* batch = dynamic_shared<Batch<kChannels>>();
  PendingRois* pending = reinterpret_cast<PendingRois*>(batch + 1);
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
  // The threads of a warp have 4 rows of 8 pixels: a small bin then touches the pixels of few warps, and the others
  // skip it.
  const int mine = threadIdx.x, y = (mine >> 3 & 3) + (mine >> 6) * 4, x = (mine & 7) + (mine >> 5 & 1) * 8;
  float sums[kChannels] = {};
  int64_t begin = 0, end = 0;  // how many RoIs were ever taken out of the ring and put into it
  for (int64_t next = 0; next < options.rois || begin < end;) {
    if (next < options.rois && end - begin < kBatch) {
      end = compact(touched, options.rois, next, image, i, j, tile, end, pending);
      next += kTileThreads;
      continue;
    }
    __syncthreads();
    const int count = static_cast<int>(min_of<int64_t>(end - begin, kBatch));
    for (int task = mine; task < 2 * count; task += kTileThreads) {
      const int b = task >> 1;
      const int64_t r = pending->rois[(begin + b) % PendingRois::kCapacity];
      const BinGrid<float> grid = bins.grid(rois + r * 5);
      bins.tile_weights(task & 1, grid, i, j, tile, data + planes.first, batch->y[b], batch->x[b]);
    }
    for (int task = mine; task < kChannels * count; task += kTileThreads) {
      const int b = task / kChannels, lane = task % kChannels;
      const int64_t r = pending->rois[(begin + b) % PendingRois::kCapacity];
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

// Writes the gradient of data. `data` itself is read only where weights depend on it, in PS-RoIAlign's maximum.
template <typename Bins, typename T>
cudaError_t pool_gradient(const Bins& bins, const T* output_grad, const T* data, const float* rois, T* data_grad,
                          void* workspace, cudaStream_t stream) {
  const auto& options = bins.options;
  if (options.height * options.width > INT32_MAX || options.rois > INT32_MAX) return cudaErrorInvalidValue;
  Workspace memory(workspace);
  const TouchedPixels touched = allocate_touched(options, &memory);
  const int64_t bins_along_an_axis = options.rois * options.pooled_size;
  LHRCNN_TRY(launch_for_items(find_touched_pixels<Bins>, bins_along_an_axis, stream, bins, rois, touched));
  const int64_t groups = ceil_divide(options.output_dim, Bins::kLanesBackward);
  const int64_t tiles = ceil_divide(options.width, Tile::kWidth) * ceil_divide(options.height, Tile::kHeight);
  const int64_t blocks = options.images * groups * options.pooled_size * options.pooled_size * tiles;
  const size_t shared = sizeof(Batch<Bins::kLanesBackward>) + sizeof(PendingRois);
  return launch(gather_gradients<Bins, T>, blocks, kTileThreads, shared, stream, bins, touched, output_grad, data, rois,
                data_grad, groups);
}

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_ROI_BACKWARD_CUH_
