// Lists are worked off in chunks. First each box of a chunk meets, in parallel, the boxes kept before the chunk, which
// may kill it, and the boxes before it in the chunk, which leaves a bit a pair. Then one block walks the bits, 64 boxes
// a step. The bits of one chunk are all there are: memory does not grow with the square of the boxes, and what a full
// list leaves over is never compared.
#include "nms.cuh"

namespace lhrcnn {
namespace {

constexpr int kWord = 64;
constexpr int kLongestChunk = 1024;

// A block lets 64 boxes of a chunk, one a thread, meet 64 others: kept ones (the first `kept_tiles` tiles of a list) or
// ones of the chunk. The bits of box j and the word w of the chunk are at bits[w * chunk + j] of its list.
__global__ void meet(Nms nms, int64_t begin, int64_t columns, int64_t kept_tiles) {
  Box<float>* others = dynamic_shared<Box<float>>();
  float* areas = reinterpret_cast<float*>(others + kWord);
  const int64_t tiles = kept_tiles + columns, block = blockIdx.x;
  const int64_t column = block % columns, tile = block / columns % tiles, list = block / columns / tiles;
  const int64_t word = tile - kept_tiles;  // below 0 for kept boxes
  const int64_t count = nms.counts[list], kept = nms.kept_counts[list], first = begin + column * kWord;
  if (kept >= nms.limit || first >= count || word > column) return;
  const Box<float>* boxes = nms.boxes + list * nms.capacity;
  const int64_t other = (word < 0 ? tile * kWord : begin + word * kWord) + threadIdx.x;
  const int64_t left = (word < 0 ? kept : count) - (other - threadIdx.x);
  if (left <= 0) return;
  if (static_cast<int64_t>(threadIdx.x) < left) {
    const Box<float> box = boxes[word < 0 ? nms.kept[list * nms.limit + other] : other];
    others[threadIdx.x] = box;
    areas[threadIdx.x] = box_area(box, nms.extent);
  }
  __syncthreads();
  const int64_t mine = first + threadIdx.x;
  if (mine >= count) return;
  const Box<float> box = boxes[mine];
  const float area = box_area(box, nms.extent);
  const int many = word == column ? threadIdx.x : static_cast<int>(smaller<int64_t>(left, kWord));
  uint64_t bits = 0;
  for (int i = 0; i < many; ++i) {
    if (box_overlap(others[i], areas[i], box, area, nms.extent) > nms.threshold) bits |= uint64_t(1) << i;
  }
  if (word >= 0) {
    nms.bits[(list * (nms.chunk / kWord) + word) * nms.chunk + mine - begin] = bits;
  } else if (bits) {
    nms.dead[list * nms.chunk + mine - begin] = 1;
  }
}

// Which of 64 boxes in order are kept, at most `limit`: those with no bit of a kept one, nor their own.
__device__ uint64_t keep_in_order(const uint64_t* bits, int64_t limit) {
  uint64_t kept = 0;
  for (int i = 0; i < kWord; ++i) {
    const uint64_t own = uint64_t(1) << i;
    if (limit > 0 && !(bits[i] & (kept | own))) {
      kept |= own;
      --limit;
    }
  }
  return kept;
}

// A block decides about the chunk of one list; a thread is a box.
__global__ void __launch_bounds__(kLongestChunk) decide(Nms nms, int64_t begin) {
  uint64_t* diagonal = dynamic_shared<uint64_t>();  // of each of 64 boxes, the bits among these; own bit: dead
  uint64_t* decision = diagonal + kWord;
  const int64_t list = blockIdx.x;
  const int64_t here = smaller<int64_t>(nms.counts[list] - begin, nms.chunk);
  int64_t total = nms.kept_counts[list];
  if (total >= nms.limit || here <= 0) return;
  const int mine = threadIdx.x;
  const uint64_t* bits = nms.bits + list * (nms.chunk / kWord) * nms.chunk + mine;
  bool dead = mine >= here || nms.dead[list * nms.chunk + mine];
  nms.dead[list * nms.chunk + mine] = 0;  // for the next chunk
  for (int word = 0; word * kWord < here && total < nms.limit; ++word) {
    const int lane = mine - word * kWord;
    const uint64_t met = !dead && lane >= 0 ? bits[word * nms.chunk] : 0;
    if (lane >= 0 && lane < kWord) diagonal[lane] = dead ? uint64_t(1) << lane : met;
    __syncthreads();
    if (mine == 0) *decision = keep_in_order(diagonal, nms.limit - total);
    __syncthreads();
    const uint64_t kept = *decision;
    if (lane >= 0 && lane < kWord && kept >> lane & 1) {
      const int before = __popcll(kept & ((uint64_t(1) << lane) - 1));
      nms.kept[list * nms.limit + total + before] = static_cast<int32_t>(begin + mine);
    }
    dead = dead || (met & kept) != 0;
    total += __popcll(kept);
  }
  if (mine == 0) nms.kept_counts[list] = static_cast<int32_t>(total);
}

}  // namespace

void place_nms(Workspace* workspace, Nms* nms) {
  nms->chunk = static_cast<int32_t>(smaller<int64_t>(kLongestChunk, ceil_divide(nms->capacity, kWord) * kWord));
  nms->boxes = workspace->take<Box<float>>(nms->lists * nms->capacity);
  nms->counts = workspace->take<int32_t>(nms->lists);
  nms->kept = workspace->take<int32_t>(nms->lists * nms->limit);
  nms->kept_counts = workspace->take<int32_t>(nms->lists);
  nms->bits = workspace->take<uint64_t>(nms->lists * (nms->chunk / kWord) * nms->chunk);
  nms->dead = workspace->take<unsigned char>(nms->lists * nms->chunk);
}

cudaError_t suppress(const Nms& nms, cudaStream_t stream) {
  LHRCNN_TRY(cudaMemsetAsync(nms.kept_counts, 0, nms.lists * sizeof *nms.kept_counts, stream));
  LHRCNN_TRY(cudaMemsetAsync(nms.dead, 0, nms.lists * nms.chunk, stream));
  for (int64_t begin = 0; begin < nms.capacity; begin += nms.chunk) {
    const int64_t columns = ceil_divide(smaller<int64_t>(nms.capacity - begin, nms.chunk), kWord);
    const int64_t kept_tiles = ceil_divide(smaller(nms.limit, begin), kWord);
    LHRCNN_TRY(launch(meet, nms.lists * (kept_tiles + columns) * columns, kWord,
                      kWord * (sizeof(Box<float>) + sizeof(float)), stream, nms, begin, columns, kept_tiles));
    LHRCNN_TRY(launch(decide, nms.lists, nms.chunk, (kWord + 1) * sizeof(uint64_t), stream, nms, begin));
  }
  return cudaSuccess;
}

}  // namespace lhrcnn
