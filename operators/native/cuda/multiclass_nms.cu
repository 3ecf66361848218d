// Detections of an image on the GPU: suppression within each class, and the best of all classes.
//
// A list is a class of an image. Suppression keeps the boxes of a list best first, so that none beyond max_per_image can
// be among the best of the image.
#include "geometry.h"
#include "kernels.h"
#include "nms.cuh"
#include "order.cuh"
#include "soft_nms.cuh"

namespace lhrcnn {
namespace {

// Options and arrays on the device of one call; copied into its kernels.
struct Detections {
  LhrcnnMulticlassNms options;
  const float *boxes, *valid;
  float score_threshold;
  Rank* ranks;  // (lists, boxes), the place being the row
  Rank* best;   // (images, classes * limit), the place being class * limit + number among the kept
  Nms nms;
  SoftNms soft;
};

Detections lay_out(const LhrcnnMulticlassNms& options, const float* boxes, const float* valid, Workspace* workspace) {
  Detections call = {};
  call.options = options;
  call.boxes = boxes;
  call.valid = valid;
  call.score_threshold = static_cast<float>(options.score_threshold);
  Nms& nms = call.nms;
  nms.lists = options.images * options.classes;
  nms.capacity = options.pre_nms > 0 ? smaller<int64_t>(options.pre_nms, options.boxes) : options.boxes;
  nms.limit = smaller<int64_t>(options.max_per_image, nms.capacity);
  nms.threshold = static_cast<float>(options.nms_threshold);
  nms.extent = options.inclusive ? 1 : 0;
  place_nms(workspace, &nms);
  call.ranks = workspace->take<Rank>(nms.lists * options.boxes);
  call.best = workspace->take<Rank>(nms.lists * nms.limit);
  if (options.soft != LHRCNN_SOFT_NONE) {
    if (!(call.score_threshold > 0)) call.score_threshold = 0;
    call.soft = {nms, options.soft == LHRCNN_SOFT_GAUSSIAN, static_cast<float>(options.sigma), call.score_threshold,
                 call.ranks, options.boxes, nullptr, nullptr};
    place_soft_nms(workspace, &call.soft);
  }
  return call;
}

__device__ Box<float> box_at(const Detections& call, int64_t image, int64_t row, int64_t c) {
  const int64_t classes = call.options.box_classes;
  const float* corners = call.boxes + ((image * call.options.boxes + row) * classes + (classes > 1 ? c : 0)) * 4;
  return {corners[0], corners[1], corners[2], corners[3]};
}

template <typename T>
__global__ void rank_boxes(Detections call, const T* scores) {
  const int64_t boxes = call.options.boxes, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.options.images * boxes * classes; item += item_stride()) {
    const int64_t c = item % classes, row = item / classes % boxes, image = item / classes / boxes;
    const float score = to_float(scores[item]);
    Rank rank = 0;
    const bool counts = !call.valid || static_cast<float>(row) < std::floor(call.valid[image]);
    if (counts && c != call.options.background && score > call.score_threshold) {
      const Box<float> box = box_at(call, image, row, c);
      const bool numbers = box.x1 == box.x1 && box.y1 == box.y1 && box.x2 == box.x2 && box.y2 == box.y2;
      if (numbers) rank = rank_of(score, row);
    }
    call.ranks[(image * classes + c) * boxes + row] = rank;
  }
}

__global__ void take_best(Detections call) {
  const int64_t capacity = call.nms.capacity, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.nms.lists * capacity; item += item_stride()) {
    const int64_t list = item / capacity, k = item % capacity;
    const Rank* row = call.ranks + list * call.options.boxes;
    if (row[k] != 0) call.nms.boxes[item] = box_at(call, list / classes, place_of(row[k]), list % classes);
    tell_count(row, capacity, k, call.nms.counts + list);
  }
}

__global__ void rank_kept(Detections call) {
  const int64_t limit = call.nms.limit, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.nms.lists * limit; item += item_stride()) {
    const int64_t list = item / limit, number = item % limit;
    Rank rank = 0;
    if (number < call.nms.kept_counts[list]) {
      const float score = call.soft.kept_scores
                              ? call.soft.kept_scores[item]
                              : score_of(call.ranks[list * call.options.boxes + call.nms.kept[item]]);
      rank = rank_of(score, list % classes * limit + number);
    }
    call.best[item] = rank;
  }
}

__global__ void write_detections(Detections call, float* output, float* counts) {
  const int64_t rows = call.options.max_per_image, limit = call.nms.limit, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.options.images * rows; item += item_stride()) {
    const int64_t image = item / rows, row = item % rows, places = classes * limit;
    const Rank* best = call.best + image * places;
    const Rank rank = row < places ? best[row] : 0;
    float* detection = output + item * 6;
    for (int i = 0; i < 6; ++i) detection[i] = -1;
    if (rank != 0) {
      const int64_t c = place_of(rank) / limit, list = image * classes + c;
      const Box<float> box = call.nms.boxes[list * call.nms.capacity + call.nms.kept[image * places + place_of(rank)]];
      const int32_t background = call.options.background;
      detection[0] = static_cast<float>(background >= 0 && c > background ? c - 1 : c);
      detection[1] = score_of(rank);
      detection[2] = box.x1;
      detection[3] = box.y1;
      detection[4] = box.x2;
      detection[5] = box.y2;
    }
    const bool last = rank != 0 && (row + 1 == rows || row + 1 == places || best[row + 1] == 0);
    if (last || (row == 0 && rank == 0)) counts[image] = static_cast<float>(rank != 0 ? row + 1 : 0);
  }
}

template <typename T>
cudaError_t detect(const LhrcnnMulticlassNms& options, const T* scores, const float* boxes, const float* valid,
                   float* output, float* counts, void* workspace, cudaStream_t stream) {
  Workspace memory(workspace);
  const Detections call = lay_out(options, boxes, valid, &memory);
  const Nms& nms = call.nms;
  if (options.classes * options.boxes > LHRCNN_MOST_CANDIDATES) return cudaErrorInvalidValue;
  if (options.images == 0) return cudaSuccess;
  LHRCNN_TRY(launch_each(rank_boxes<T>, nms.lists * options.boxes, stream, call, scores));
  LHRCNN_TRY(sort_rows(call.ranks, nms.lists, options.boxes, nms.capacity, stream));
  LHRCNN_TRY(cudaMemsetAsync(nms.counts, 0, nms.lists * sizeof *nms.counts, stream));
  LHRCNN_TRY(launch_each(take_best, nms.lists * nms.capacity, stream, call));
  LHRCNN_TRY(options.soft == LHRCNN_SOFT_NONE ? suppress(nms, stream) : suppress_softly(call.soft, stream));
  LHRCNN_TRY(launch_each(rank_kept, nms.lists * nms.limit, stream, call));
  LHRCNN_TRY(sort_rows(call.best, options.images, options.classes * nms.limit,
                       smaller<int64_t>(options.max_per_image, options.classes * nms.limit), stream));
  return launch_each(write_detections, options.images * options.max_per_image, stream, call, output, counts);
}

}  // namespace
}  // namespace lhrcnn

size_t lhrcnn_cuda_multiclass_nms_workspace(const LhrcnnMulticlassNms* options) {
  lhrcnn::Workspace memory(nullptr);
  lhrcnn::lay_out(*options, nullptr, nullptr, &memory);
  return memory.bytes();
}

int lhrcnn_cuda_multiclass_nms_f32(const LhrcnnMulticlassNms* options, const void* scores, const float* boxes,
                                   const float* valid, float* output, float* counts, void* workspace, void* stream) {
  return lhrcnn::detect(*options, static_cast<const float*>(scores), boxes, valid, output, counts, workspace,
                        static_cast<cudaStream_t>(stream));
}

int lhrcnn_cuda_multiclass_nms_f16(const LhrcnnMulticlassNms* options, const void* scores, const float* boxes,
                                   const float* valid, float* output, float* counts, void* workspace, void* stream) {
  return lhrcnn::detect(*options, static_cast<const lhrcnn::Half*>(scores), boxes, valid, output, counts, workspace,
                        static_cast<cudaStream_t>(stream));
}
