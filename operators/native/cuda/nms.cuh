// Non-maximum suppression in many lists of boxes at once.
#ifndef LHRCNN_CUDA_NMS_CUH_
#define LHRCNN_CUDA_NMS_CUH_

#include "device.cuh"
#include "geometry.h"

namespace lhrcnn {

struct Nms {
  int64_t lists;     // of boxes; boxes of different lists do not meet
  int64_t capacity;  // boxes that a list has room for
  int64_t limit;     // boxes that a list keeps at most
  float threshold, extent;
  Box<float>* boxes;     // (lists, capacity), each list best first
  int32_t* counts;       // (lists), how many boxes are there
  int32_t* kept;         // (lists, limit), which boxes of the list are kept, in order
  int32_t* kept_counts;  // (lists), how many are kept
  // Scratch, and what place_nms decides.
  int32_t chunk;
  uint64_t* bits;
  unsigned char* dead;
};

// Takes all arrays from the workspace; the sizes are there already.
void place_nms(Workspace* workspace, Nms* nms);

// Makes `kept` and `kept_counts` of `boxes` and `counts`.
cudaError_t suppress(const Nms& nms, cudaStream_t stream);

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_NMS_CUH_
