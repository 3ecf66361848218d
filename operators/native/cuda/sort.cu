// Sorts rows of keys with a bitonic sorting network.
//
// 1. sort_tiles sorts pieces of a row ("tiles") in shared memory. A sorted piece is a run; at first each tile is one.
// 2. Pairs of runs are merged until one run holds the whole row. A merge of two runs of n keys
//    a. compares the first key of the one run with the last key of the other, and so on inwards (compare_runs). The
//       larger keys are then in the first run, where they first fall and then rise;
//    b. compares keys at the distance n / 2, then n / 4 and so on, within each run. compare_far does one distance of at
//       least a tile, one launch each; merge_tiles does all smaller distances in shared memory, in a single launch.
//
// A comparison puts the larger key first. So keys beyond the end of a row, which count as 0, need not exist. Once a run
// has as many keys as the caller needs it grows no further: a merge then drops the second run.
#include "order.cuh"

namespace lhrcnn {
namespace {

constexpr int kMaxTile = 4096;  // keys; 32 KiB
constexpr int kMaxTileThreads = 1024;

// Swaps two keys if the second is larger.
__device__ void put_larger_first(SortKey* a, SortKey* b) {
  const SortKey first = *a, second = *b;
  if (first < second) {
    *a = second;
    *b = first;
  }
}

// Returns the position of the first of the two keys that pair number `pair` compares at a distance, a power of two.
template <typename Int>
__device__ Int first_of_pair(Int pair, Int distance) {
  return 2 * pair - (pair & (distance - 1));
}

__device__ void compare_at_distance(SortKey* keys, int tile, int distance) {
  for (int pair = threadIdx.x; pair < tile / 2; pair += blockDim.x) {
    const int a = first_of_pair(pair, distance);
    put_larger_first(keys + a, keys + a + distance);
  }
  __syncthreads();
}

__device__ void load_tile(const SortKey* row, int64_t begin, int64_t length, int tile, SortKey* keys) {
  for (int i = threadIdx.x; i < tile; i += blockDim.x) keys[i] = begin + i < length ? row[begin + i] : 0;
  __syncthreads();
}

__device__ void store_tile(const SortKey* keys, int64_t begin, int64_t length, int tile, SortKey* row) {
  for (int i = threadIdx.x; i < tile; i += blockDim.x) {
    if (begin + i < length) row[begin + i] = keys[i];
  }
}

// Step 1. A block sorts a tile.
__global__ void __launch_bounds__(kMaxTileThreads)
    sort_tiles(SortKey* all_keys, int64_t length, int tile, int64_t tiles) {
  SortKey* keys = dynamic_shared<SortKey>();
  SortKey* row = all_keys + blockIdx.x / tiles * length;
  const int64_t begin = blockIdx.x % tiles * tile;
  load_tile(row, begin, length, tile, keys);
  for (int size = 2; size <= tile; size *= 2) {
    for (int pair = threadIdx.x; pair < tile / 2; pair += blockDim.x) {
      const int inside = pair & (size / 2 - 1), base = 2 * (pair - inside);
      put_larger_first(keys + base + inside, keys + base + size - 1 - inside);
    }
    __syncthreads();
    for (int distance = size / 4; distance > 0; distance /= 2) compare_at_distance(keys, tile, distance);
  }
  store_tile(keys, begin, length, tile, row);
}

// Step 2a, for all pairs of runs. Runs of `run` keys begin at the multiples of `spacing`.
__global__ void compare_runs(SortKey* keys, int64_t rows, int64_t length, int64_t run, int64_t spacing,
                             int64_t pairs) {
  for (int64_t item = first_item(); item < rows * pairs * run; item += item_stride()) {
    const int64_t inside = item & (run - 1);
    const int64_t a = item / run % pairs * 2 * spacing + inside, b = a - inside + spacing + run - 1 - inside;
    SortKey* row = keys + item / run / pairs * length;
    if (b < length) put_larger_first(row + a, row + b);
  }
}

// Step 2b at one distance of at least a tile, within all runs.
__global__ void compare_far(SortKey* keys, int64_t rows, int64_t length, int64_t run, int64_t spacing, int64_t runs,
                            int64_t distance) {
  const int64_t half = run / 2;
  for (int64_t item = first_item(); item < rows * runs * half; item += item_stride()) {
    const int64_t a = item / half % runs * spacing + first_of_pair(item & (half - 1), distance);
    SortKey* row = keys + item / half / runs * length;
    if (a + distance < length) put_larger_first(row + a, row + a + distance);
  }
}

// Step 2b at all distances within a tile, for all runs. A block takes a tile.
__global__ void __launch_bounds__(kMaxTileThreads)
    merge_tiles(SortKey* all_keys, int64_t length, int64_t run, int64_t spacing, int64_t runs, int tile) {
  SortKey* keys = dynamic_shared<SortKey>();
  const int64_t tiles = run / tile, block = blockIdx.x;
  const int64_t begin = block / tiles % runs * spacing + block % tiles * tile;
  if (begin >= length) return;
  SortKey* row = all_keys + block / tiles / runs * length;
  load_tile(row, begin, length, tile, keys);
  for (int distance = tile / 2; distance > 0; distance /= 2) compare_at_distance(keys, tile, distance);
  store_tile(keys, begin, length, tile, row);
}

}  // namespace

cudaError_t sort_rows(SortKey* keys, int64_t rows, int64_t length, int64_t need, cudaStream_t stream) {
  int tile = 2;
  while (tile < kMaxTile && tile < length) tile *= 2;
  const int threads = min_of(tile / 2, kMaxTileThreads);
  const size_t shared = tile * sizeof(SortKey);
  const int64_t tiles = ceil_divide(length, tile);
  LHRCNN_TRY(launch(sort_tiles, rows * tiles, threads, shared, stream, keys, length, tile, tiles));
  int64_t run = tile;
  for (int64_t spacing = tile; spacing < length; spacing *= 2) {
    const int64_t merged = run < need ? 2 * run : run, runs = ceil_divide(length, 2 * spacing);
    LHRCNN_TRY(launch_for_items(compare_runs, rows * runs * run, stream, keys, rows, length, run, spacing, runs));
    for (int64_t distance = run / 2; distance >= tile; distance /= 2) {
      LHRCNN_TRY(launch_for_items(compare_far, rows * runs * merged / 2, stream, keys, rows, length, merged,
                                  2 * spacing, runs, distance));
    }
    LHRCNN_TRY(launch(merge_tiles, rows * runs * (merged / tile), threads, shared, stream, keys, length, merged,
                      2 * spacing, runs, tile));
    run = merged;
  }
  return cudaSuccess;
}

}  // namespace lhrcnn
