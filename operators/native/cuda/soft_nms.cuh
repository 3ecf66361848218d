// Soft non-maximum suppression in many lists of boxes at once.
#ifndef LHRCNN_CUDA_SOFT_NMS_CUH_
#define LHRCNN_CUDA_SOFT_NMS_CUH_

#include "nms.cuh"
#include "order.cuh"

namespace lhrcnn {

struct SoftNms {
  Nms nms;                // the lists; its threshold is the IoU from which the linear kind lowers scores
  bool gaussian;          // lower scores by exp(-IoU^2 / sigma), otherwise by 1 - IoU
  float sigma;
  float score_threshold;  // boxes whose score is not above it are dropped; at least 0
  const SortKey* keys;    // (lists, length), of the boxes, in their order; the indices in the keys break ties
  int64_t length;
  float* scores;          // (lists, capacity), what the boxes have left; only suppress_softly() uses it
  float* kept_scores;     // (lists, limit)
};

// Allocates `scores` and `kept_scores` in the workspace; the sizes in `nms` must be set.
void allocate_soft_nms(Workspace* workspace, SoftNms* soft);

// Computes `kept`, `kept_counts` and `kept_scores` from `boxes`, `counts` and `keys`.
cudaError_t suppress_softly(const SoftNms& soft, cudaStream_t stream);

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_SOFT_NMS_CUH_
