// A bitonic sorting network over rows of ranks.
//
// Tiles are sorted in shared memory; then sorted runs are merged in pairs. The first step of a merge compares the first
// key of the one run with the last key of the other, and so on inwards, which leaves the larger keys in the first run,
// falling and then rising; the steps after it compare keys at a distance, which halves each time, and those within a
// tile are one launch. Keys beyond the end of a row count as 0 and need not be there, as a pair puts the larger key
// first. Runs as long as what is needed grow no further: the second run of a pair is dropped.
#include "order.cuh"

namespace lhrcnn {
namespace {

constexpr int kLongestTile = 4096;  // 32 KiB
constexpr int kTileThreads = 1024;

__device__ void larger_first(Rank* a, Rank* b) {
  const Rank first = *a, second = *b;
  if (first < second) {
    *a = second;
    *b = first;
  }
}

// Place of the first of the two keys that pair number `pair` compares at a distance, a power of two.
template <typename Int>
__device__ Int first_of_pair(Int pair, Int distance) {
  return 2 * pair - (pair & (distance - 1));
}

__device__ void compare_at_distance(Rank* keys, int tile, int distance) {
  for (int pair = threadIdx.x; pair < tile / 2; pair += blockDim.x) {
    const int a = first_of_pair(pair, distance);
    larger_first(keys + a, keys + a + distance);
  }
  __syncthreads();
}

__device__ void load_tile(const Rank* row, int64_t begin, int64_t length, int tile, Rank* keys) {
  for (int i = threadIdx.x; i < tile; i += blockDim.x) keys[i] = begin + i < length ? row[begin + i] : 0;
  __syncthreads();
}

__device__ void store_tile(const Rank* keys, int64_t begin, int64_t length, int tile, Rank* row) {
  for (int i = threadIdx.x; i < tile; i += blockDim.x) {
    if (begin + i < length) row[begin + i] = keys[i];
  }
}

// One block sorts one tile.
__global__ void __launch_bounds__(kTileThreads) sort_tiles(Rank* ranks, int64_t length, int tile, int64_t tiles) {
  Rank* keys = dynamic_shared<Rank>();
  Rank* row = ranks + blockIdx.x / tiles * length;
  const int64_t begin = blockIdx.x % tiles * tile;
  load_tile(row, begin, length, tile, keys);
  for (int size = 2; size <= tile; size *= 2) {
    for (int pair = threadIdx.x; pair < tile / 2; pair += blockDim.x) {
      const int inside = pair & (size / 2 - 1), base = 2 * (pair - inside);
      larger_first(keys + base + inside, keys + base + size - 1 - inside);
    }
    __syncthreads();
    for (int distance = size / 4; distance > 0; distance /= 2) compare_at_distance(keys, tile, distance);
  }
  store_tile(keys, begin, length, tile, row);
}

// Compares runs with their neighbours from the ends inwards; runs of `run` keys begin at the multiples of `spacing`.
__global__ void compare_runs(Rank* ranks, int64_t rows, int64_t length, int64_t run, int64_t spacing, int64_t pairs) {
  for (int64_t item = first_item(); item < rows * pairs * run; item += item_stride()) {
    const int64_t inside = item & (run - 1);
    const int64_t a = item / run % pairs * 2 * spacing + inside, b = a - inside + spacing + run - 1 - inside;
    Rank* row = ranks + item / run / pairs * length;
    if (b < length) larger_first(row + a, row + b);
  }
}

// Compares keys at a distance of at least a tile inside all runs.
__global__ void compare_far(Rank* ranks, int64_t rows, int64_t length, int64_t run, int64_t spacing, int64_t runs,
                            int64_t distance) {
  const int64_t half = run / 2;
  for (int64_t item = first_item(); item < rows * runs * half; item += item_stride()) {
    const int64_t a = item / half % runs * spacing + first_of_pair(item & (half - 1), distance);
    Rank* row = ranks + item / half / runs * length;
    if (a + distance < length) larger_first(row + a, row + a + distance);
  }
}

// Ends the merge of all runs: all distances within a tile. One block takes one tile.
__global__ void __launch_bounds__(kTileThreads) merge_tiles(Rank* ranks, int64_t length, int64_t run, int64_t spacing, int64_t runs, int tile) {
  Rank* keys = dynamic_shared<Rank>();
  const int64_t tiles = run / tile, block = blockIdx.x;
  const int64_t begin = block / tiles % runs * spacing + block % tiles * tile;
  if (begin >= length) return;
  Rank* row = ranks + block / tiles / runs * length;
  load_tile(row, begin, length, tile, keys);
  for (int distance = tile / 2; distance > 0; distance /= 2) compare_at_distance(keys, tile, distance);
  store_tile(keys, begin, length, tile, row);
}

}  // namespace

cudaError_t sort_rows(Rank* ranks, int64_t rows, int64_t length, int64_t need, cudaStream_t stream) {
  int tile = 2;
  while (tile < kLongestTile && tile < length) tile *= 2;
  const int threads = smaller(tile / 2, kTileThreads);
  const size_t shared = tile * sizeof(Rank);
  const int64_t tiles = ceil_divide(length, tile);
  LHRCNN_TRY(launch(sort_tiles, rows * tiles, threads, shared, stream, ranks, length, tile, tiles));
  int64_t run = tile;
  for (int64_t spacing = tile; spacing < length; spacing *= 2) {
    const int64_t merged = run < need ? 2 * run : run, runs = ceil_divide(length, 2 * spacing);
    LHRCNN_TRY(launch_each(compare_runs, rows * runs * run, stream, ranks, rows, length, run, spacing, runs));
    for (int64_t distance = run / 2; distance >= tile; distance /= 2) {
      LHRCNN_TRY(launch_each(compare_far, rows * runs * merged / 2, stream, ranks, rows, length, merged, 2 * spacing,
                             runs, distance));
    }
    LHRCNN_TRY(launch(merge_tiles, rows * runs * (merged / tile), threads, shared, stream, ranks, length, merged,
                      2 * spacing, runs, tile));
    run = merged;
  }
  return cudaSuccess;
}

}  // namespace lhrcnn
