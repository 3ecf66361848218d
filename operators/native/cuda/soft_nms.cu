// A block works off one list: it takes the best box, lowers the scores of all others by their IoU with it, and repeats.
#include "soft_nms.cuh"

namespace lhrcnn {
namespace {

constexpr int kThreads = 256;

// Returns a score lowered for the IoU with a kept box.
__device__ float lowered_score(const SoftNms& soft, float score, float iou) {
  if (soft.gaussian) return iou > 0 ? score * std::exp(-(iou * iou) / soft.sigma) : score;
  return iou > soft.nms.threshold ? score * (1 - iou) : score;
}

// Returns the largest of the keys that the threads of the block pass in.
__device__ SortKey block_maximum(SortKey* scratch, SortKey mine) {
  scratch[threadIdx.x] = mine;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    const int i = threadIdx.x;
    if (i < half && scratch[i] < scratch[i + half]) scratch[i] = scratch[i + half];
  }
  __syncthreads();
  return scratch[0];
}

__global__ void __launch_bounds__(kThreads) suppress_list_softly(SoftNms soft) {
  SortKey* scratch = dynamic_shared<SortKey>();
  int64_t* best_index = reinterpret_cast<int64_t*>(scratch + kThreads);
  const Nms& nms = soft.nms;
  const int64_t list = blockIdx.x, count = nms.counts[list];
  const Box<float>* boxes = nms.boxes + list * nms.capacity;
  const SortKey* keys = soft.keys + list * soft.length;
  float* scores = soft.scores + list * nms.capacity;
  for (int64_t k = threadIdx.x; k < count; k += kThreads) scores[k] = score_of(keys[k]);
  int64_t total = 0;
  for (Box<float> last = {}; total < nms.limit; ++total) {
    const float area = box_area(last, nms.extent);
    SortKey my_best = 0;
    int64_t my_index = 0;
    for (int64_t k = threadIdx.x; k < count; k += kThreads) {
      if (!(scores[k] > soft.score_threshold)) continue;
      if (total > 0) {
        const Box<float> box = boxes[k];
        const float iou = box_iou(last, area, box, box_area(box, nms.extent), nms.extent);
        scores[k] = lowered_score(soft, scores[k], iou);
        if (!(scores[k] > soft.score_threshold)) continue;
      }
      const SortKey key = make_sort_key(scores[k], index_of(keys[k]));
      if (key > my_best) {
        my_best = key;
        my_index = k;
      }
    }
    const SortKey best = block_maximum(scratch, my_best);
    if (best == 0) break;
    if (my_best == best) {
      *best_index = my_index;
      scores[my_index] = -1;  // out of the list
      nms.kept[list * nms.limit + total] = static_cast<int32_t>(my_index);
      soft.kept_scores[list * nms.limit + total] = score_of(best);
    }
    __syncthreads();
    last = boxes[*best_index];
  }
  if (threadIdx.x == 0) nms.kept_counts[list] = static_cast<int32_t>(total);
}

}  // namespace

void allocate_soft_nms(Workspace* workspace, SoftNms* soft) {
  soft->scores = workspace->allocate<float>(soft->nms.lists * soft->nms.capacity);
  soft->kept_scores = workspace->allocate<float>(soft->nms.lists * soft->nms.limit);
}

cudaError_t suppress_softly(const SoftNms& soft, cudaStream_t stream) {
  const size_t shared = kThreads * sizeof(SortKey) + sizeof(int64_t);
  return launch(suppress_list_softly, soft.nms.lists, kThreads, shared, stream, soft);
}

}  // namespace lhrcnn
