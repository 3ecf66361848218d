// Lists are worked off in chunks of up to 1024 boxes, with two kernels for each chunk:
//
// 1. pairwise_iou_bits compares every box of the chunk, in parallel, with the boxes kept from earlier chunks, which may
//    suppress it at once, and with the boxes before it in the chunk. Each pair within the chunk gives one bit: 1 if the
//    IoU is above the threshold.
// 2. greedy_scan walks through the chunk in order, 64 boxes at a time, and keeps every box that has no bit with a box
//    kept before it.
//
// Only the bits of one chunk are stored at a time, so that memory does not grow with the square of the number of boxes.
// A list that has reached its limit is not looked at again.
#include "nms.cuh"

namespace lhrcnn {
namespace {

constexpr int kWordBits = 64;
constexpr int kMaxChunk = 1024;

// A block compares 64 boxes of a chunk, one for each thread, with 64 others: with kept ones (for the first `kept_tiles`
// tiles of a list) or with boxes of the chunk. The bits of box number j of the chunk with the 64 boxes of word w are at
// iou_bits[w * chunk + j] of the list.
__global__ void pairwise_iou_bits(Nms nms, int64_t begin, int64_t columns, int64_t kept_tiles) {
  Box<float>* others = dynamic_shared<Box<float>>();
  float* areas = reinterpret_cast<float*>(others + kWordBits);
  const int64_t tiles = kept_tiles + columns, block = blockIdx.x;
  const int64_t column = block % columns, tile = block / columns % tiles, list = block / columns / tiles;
  const int64_t word = tile - kept_tiles;  // negative for kept boxes
  const int64_t count = nms.counts[list], kept = nms.kept_counts[list], first = begin + column * kWordBits;
  if (kept >= nms.limit || first >= count || word > column) return;
  const Box<float>* boxes = nms.boxes + list * nms.capacity;
  const int64_t other = (word < 0 ? tile * kWordBits : begin + word * kWordBits) + threadIdx.x;
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
  // Of its own word a box is compared only with the boxes before it.
  const int compared = word == column ? threadIdx.x : static_cast<int>(min_of<int64_t>(left, kWordBits));
  uint64_t bits = 0;
  for (int i = 0; i < compared; ++i) {
    if (box_iou(others[i], areas[i], box, area, nms.extent) > nms.threshold) bits |= uint64_t(1) << i;
  }
  if (word >= 0) {
    nms.iou_bits[(list * (nms.chunk / kWordBits) + word) * nms.chunk + mine - begin] = bits;
  } else if (bits) {
    nms.suppressed[list * nms.chunk + mine - begin] = 1;
  }
}

// Decides for 64 boxes in order which are kept, at most `limit`, and returns a bit for each. bits[i] holds the bits of
// box i with the boxes before it, and its own bit if it is suppressed already.
__device__ uint64_t scan_word(const uint64_t* bits, int64_t limit) {
  uint64_t kept = 0;
  for (int i = 0; i < kWordBits; ++i) {
    const uint64_t own = uint64_t(1) << i;
    if (limit > 0 && !(bits[i] & (kept | own))) {
      kept |= own;
      --limit;
    }
  }
  return kept;
}

// A block scans the chunk of one list; each thread stands for one box.
__global__ void __launch_bounds__(kMaxChunk) greedy_scan(Nms nms, int64_t begin) {
  uint64_t* word_bits = dynamic_shared<uint64_t>();  // what scan_word takes
  uint64_t* decision = word_bits + kWordBits;        // what it returns
  const int64_t list = blockIdx.x;
  const int64_t here = min_of<int64_t>(nms.counts[list] - begin, nms.chunk);
  int64_t total = nms.kept_counts[list];
  if (total >= nms.limit || here <= 0) return;
  const int mine = threadIdx.x;
  const uint64_t* bits = nms.iou_bits + list * (nms.chunk / kWordBits) * nms.chunk + mine;
  bool suppressed = mine >= here || nms.suppressed[list * nms.chunk + mine];
  nms.suppressed[list * nms.chunk + mine] = 0;  // for the next chunk
  for (int word = 0; word * kWordBits < here && total < nms.limit; ++word) {
    const int lane = mine - word * kWordBits;  // of this box in the word; negative for boxes before the word
    const uint64_t own_bits = !suppressed && lane >= 0 ? bits[word * nms.chunk] : 0;
    if (lane >= 0 && lane < kWordBits) word_bits[lane] = suppressed ? uint64_t(1) << lane : own_bits;
    __syncthreads();
    if (mine == 0) *decision = scan_word(word_bits, nms.limit - total);
    __syncthreads();
    const uint64_t kept = *decision;
    if (lane >= 0 && lane < kWordBits && kept >> lane & 1) {
      const int before = __popcll(kept & ((uint64_t(1) << lane) - 1));
      nms.kept[list * nms.limit + total + before] = static_cast<int32_t>(begin + mine);
    }
    suppressed = suppressed || (own_bits & kept) != 0;
    total += __popcll(kept);
  }
  if (mine == 0) nms.kept_counts[list] = static_cast<int32_t>(total);
}

}  // namespace

void allocate_nms(Workspace* workspace, Nms* nms) {
  nms->chunk = static_cast<int32_t>(min_of<int64_t>(kMaxChunk, ceil_divide(nms->capacity, kWordBits) * kWordBits));
  nms->boxes = workspace->allocate<Box<float>>(nms->lists * nms->capacity);
  nms->counts = workspace->allocate<int32_t>(nms->lists);
  nms->kept = workspace->allocate<int32_t>(nms->lists * nms->limit);
  nms->kept_counts = workspace->allocate<int32_t>(nms->lists);
  nms->iou_bits = workspace->allocate<uint64_t>(nms->lists * (nms->chunk / kWordBits) * nms->chunk);
  nms->suppressed = workspace->allocate<unsigned char>(nms->lists * nms->chunk);
}

cudaError_t suppress(const Nms& nms, cudaStream_t stream) {
  LHRCNN_TRY(cudaMemsetAsync(nms.kept_counts, 0, nms.lists * sizeof *nms.kept_counts, stream));
  LHRCNN_TRY(cudaMemsetAsync(nms.suppressed, 0, nms.lists * nms.chunk, stream));
  for (int64_t begin = 0; begin < nms.capacity; begin += nms.chunk) {
    const int64_t columns = ceil_divide(min_of<int64_t>(nms.capacity - begin, nms.chunk), kWordBits);
    const int64_t kept_tiles = ceil_divide(min_of(nms.limit, begin), kWordBits);
    LHRCNN_TRY(launch(pairwise_iou_bits, nms.lists * (kept_tiles + columns) * columns, kWordBits,
                      kWordBits * (sizeof(Box<float>) + sizeof(float)), stream, nms, begin, columns, kept_tiles));
    LHRCNN_TRY(launch(greedy_scan, nms.lists, nms.chunk, (kWordBits + 1) * sizeof(uint64_t), stream, nms, begin));
  }
  return cudaSuccess;
}

}  // namespace lhrcnn
