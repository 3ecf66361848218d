// Soft suppression in many lists of boxes at once.
#ifndef LHRCNN_CUDA_SOFT_NMS_CUH_
#define LHRCNN_CUDA_SOFT_NMS_CUH_

#include "nms.cuh"
#include "order.cuh"

namespace lhrcnn {

struct SoftNms {
  Nms nms;               // its threshold is that of the linear kind
  bool gaussian;
  float sigma;
  float least_score;     // boxes whose score is not above are out; at least 0
  const Rank* ranks;     // (lists, length), in the order of the boxes; their places break ties
  int64_t length;
  float* scores;         // scratch
  float* kept_scores;    // (lists, limit)
};

// Takes the arrays of scores from the workspace; the sizes in `nms` are there already.
void place_soft_nms(Workspace* workspace, SoftNms* soft);

// Makes `kept`, `kept_counts` and `kept_scores` of `boxes`, `counts` and `ranks`.
cudaError_t suppress_softly(const SoftNms& soft, cudaStream_t stream);

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_SOFT_NMS_CUH_
