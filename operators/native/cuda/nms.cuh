// Greedy non-maximum suppression in many lists of boxes at once.
#ifndef LHRCNN_CUDA_NMS_CUH_
#define LHRCNN_CUDA_NMS_CUH_

#include "device.cuh"
#include "geometry.h"

namespace lhrcnn {

// The lists and what suppression makes of them. Boxes of different lists do not affect each other.
struct Nms {
  int64_t lists;            // how many lists there are
  int64_t capacity;         // how many boxes each list has room for
  int64_t limit;            // how many boxes of a list are kept at most
  float threshold, extent;  // see Box in geometry.h for the extent
  Box<float>* boxes;        // (lists, capacity), each list best first
  int32_t* counts;          // (lists), how many boxes each list has
  int32_t* kept;            // (lists, limit), the indices of the kept boxes of each list, in order
  int32_t* kept_counts;     // (lists), how many boxes of each list are kept
  // What only suppress() uses; see nms.cu.
  int32_t chunk;              // how many boxes of a list are worked off at a time
  uint64_t* iou_bits;         // (lists, chunk / 64, chunk)
  unsigned char* suppressed;  // (lists, chunk)
};

// Allocates all arrays in the workspace; lists, capacity and limit must be set. Sets `chunk`.
void allocate_nms(Workspace* workspace, Nms* nms);

// Computes `kept` and `kept_counts` from `boxes` and `counts`.
cudaError_t suppress(const Nms& nms, cudaStream_t stream);

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_NMS_CUH_
