// The order of scores: ranks, and the sorting of them.
#ifndef LHRCNN_CUDA_ORDER_CUH_
#define LHRCNN_CUDA_ORDER_CUH_

#include "device.cuh"

namespace lhrcnn {

// A score (high bits) and a place (low bits) as one integer: the larger the better. No rank is 0, which stands for none.
using Rank = uint64_t;

// `score` is not NaN; 0 <= place < LHRCNN_MOST_CANDIDATES.
__device__ inline Rank rank_of(float score, int64_t place) {
  uint32_t bits = __float_as_uint(score + 0.0f);  // one zero, not two
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;  // floating point numbers are sign and magnitude
  return static_cast<Rank>(bits) << 32 | static_cast<uint32_t>(~static_cast<uint32_t>(place));
}

__device__ inline int64_t place_of(Rank rank) { return static_cast<uint32_t>(~static_cast<uint32_t>(rank)); }

__device__ inline float score_of(Rank rank) {
  const uint32_t bits = static_cast<uint32_t>(rank >> 32);
  return __uint_as_float(bits >> 31 ? bits & 0x7fffffffu : ~bits);
}

// Sorts each row of `ranks`, (rows, length), the largest first. Only the first `need` of a row are in place at the end.
cudaError_t sort_rows(Rank* ranks, int64_t rows, int64_t length, int64_t need, cudaStream_t stream);

// Called for every place k of the first `capacity` of a sorted row: the last one that is a rank tells their number.
__device__ inline void tell_count(const Rank* row, int64_t capacity, int64_t k, int32_t* count) {
  if (row[k] != 0 && (k + 1 == capacity || row[k + 1] == 0)) *count = static_cast<int32_t>(k + 1);
}

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_ORDER_CUH_
