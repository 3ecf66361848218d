// A block works off one list: again and again it takes the best box and lowers the scores of the others.
#include "soft_nms.cuh"

namespace lhrcnn {
namespace {

constexpr int kThreads = 256;

__device__ float lowered(const SoftNms& soft, float score, float overlap) {
  if (soft.gaussian) return overlap > 0 ? score * std::exp(-(overlap * overlap) / soft.sigma) : score;
  return overlap > soft.nms.threshold ? score * (1 - overlap) : score;
}

// The largest of the threads' ranks.
__device__ Rank largest(Rank* ranks, Rank mine) {
  ranks[threadIdx.x] = mine;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    const int i = threadIdx.x;
    if (i < half && ranks[i] < ranks[i + half]) ranks[i] = ranks[i + half];
  }
  __syncthreads();
  return ranks[0];
}

__global__ void __launch_bounds__(kThreads) suppress_list(SoftNms soft) {
  Rank* scratch = dynamic_shared<Rank>();
  int64_t* taken = reinterpret_cast<int64_t*>(scratch + kThreads);
  const Nms& nms = soft.nms;
  const int64_t list = blockIdx.x, count = nms.counts[list];
  const Box<float>* boxes = nms.boxes + list * nms.capacity;
  const Rank* ranks = soft.ranks + list * soft.length;
  float* scores = soft.scores + list * nms.capacity;
  for (int64_t k = threadIdx.x; k < count; k += kThreads) scores[k] = score_of(ranks[k]);
  int64_t total = 0;
  for (Box<float> last = {}; total < nms.limit; ++total) {
    const float area = box_area(last, nms.extent);
    Rank mine = 0;
    int64_t where = 0;
    for (int64_t k = threadIdx.x; k < count; k += kThreads) {
      if (!(scores[k] > soft.least_score)) continue;
      if (total > 0) {
        const Box<float> box = boxes[k];
        const float overlap = box_overlap(last, area, box, box_area(box, nms.extent), nms.extent);
        scores[k] = lowered(soft, scores[k], overlap);
        if (!(scores[k] > soft.least_score)) continue;
      }
      const Rank rank = rank_of(scores[k], place_of(ranks[k]));
      if (rank > mine) {
        mine = rank;
        where = k;
      }
    }
    const Rank best = largest(scratch, mine);
    if (best == 0) break;
    if (mine == best) {
      *taken = where;
      scores[where] = -1;
      nms.kept[list * nms.limit + total] = static_cast<int32_t>(where);
      soft.kept_scores[list * nms.limit + total] = score_of(best);
    }
    __syncthreads();
    last = boxes[*taken];
  }
  if (threadIdx.x == 0) nms.kept_counts[list] = static_cast<int32_t>(total);
}

}  // namespace

void place_soft_nms(Workspace* workspace, SoftNms* soft) {
  soft->scores = workspace->take<float>(soft->nms.lists * soft->nms.capacity);
  soft->kept_scores = workspace->take<float>(soft->nms.lists * soft->nms.limit);
}

cudaError_t suppress_softly(const SoftNms& soft, cudaStream_t stream) {
  const size_t shared = kThreads * sizeof(Rank) + sizeof(int64_t);
  return launch(suppress_list, soft.nms.lists, kThreads, shared, stream, soft);
}

}  // namespace lhrcnn
