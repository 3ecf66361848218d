// Sorting candidates by score on the GPU: integer sort keys, and the sorting of rows of them.
#ifndef LHRCNN_CUDA_ORDER_CUH_
#define LHRCNN_CUDA_ORDER_CUH_

#include "device.cuh"

namespace lhrcnn {

// A sort key holds a candidate's score in its high half and the complement of the candidate's index in its low half.
// The larger key is the better candidate: the higher score, and among equal scores the lower index. No candidate has
// the key 0, which stands for "no candidate". Keys of the CPU (cpu/order.h) have the same order.
using SortKey = uint64_t;

// `score` must not be NaN; `index` must be from 0 to LHRCNN_MAX_CANDIDATES - 1.
__device__ inline SortKey make_sort_key(float score, int64_t index) {
  uint32_t bits = __float_as_uint(score + 0.0f);  // the sum makes +0 of -0, so that both zeros are one score
  // Floating point numbers are stored as a sign and a magnitude. Inverting the negative ones and setting the top bit of
  // the others makes their bits increase with their value.
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;
  return static_cast<SortKey>(bits) << 32 | static_cast<uint32_t>(~static_cast<uint32_t>(index));
}

__device__ inline int64_t index_of(SortKey key) { return static_cast<uint32_t>(~static_cast<uint32_t>(key)); }

__device__ inline float score_of(SortKey key) {
  const uint32_t bits = static_cast<uint32_t>(key >> 32);
  return __uint_as_float(bits >> 31 ? bits & 0x7fffffffu : ~bits);
}

// Sorts each row of `keys`, an array (rows, length), the largest key first. Only the first `need` keys of a row are
// sure to be in their places afterwards.
cudaError_t sort_rows(SortKey* keys, int64_t rows, int64_t length, int64_t need, cudaStream_t stream);

// Writes how many of the first `capacity` keys of a sorted row are candidates. To be called for each of them, k being
// its number: the last candidate knows. A row without candidates writes nothing, so `count` must be 0 before.
__device__ inline void store_candidate_count(const SortKey* row, int64_t capacity, int64_t k, int32_t* count) {
  if (row[k] != 0 && (k + 1 == capacity || row[k + 1] == 0)) *count = static_cast<int32_t>(k + 1);
}

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_ORDER_CUH_
