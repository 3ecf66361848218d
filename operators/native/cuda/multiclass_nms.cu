// Detections of an image on the GPU: non-maximum suppression within each class, then the best boxes of all classes.
//
// Each class of each image is a list (see nms.cuh). The steps are:
//
// 1. make_box_keys makes the sort keys of all boxes of all lists; sort_rows sorts them.
// 2. gather_candidates copies the boxes of the best keys of each list, and suppress() keeps some of them. It keeps the
//    best ones first, so max_per_image boxes of each list are enough.
// 3. make_kept_keys makes the sort keys of the kept boxes, one row for each image; sort_rows sorts them.
// 4. write_detections writes the best boxes of each image.
#include "geometry.h"
#include "kernels.h"
#include "nms.cuh"
#include "order.cuh"
#include "soft_nms.cuh"

namespace lhrcnn {
namespace {

// The options of a call and its arrays on the device. Kernels take it by value.
struct DetectionCall {
  LhrcnnMulticlassNms options;
  const float *boxes, *valid;
  float score_threshold;
  SortKey* box_keys;   // (lists, boxes); the index in a key is the row of the box
  SortKey* kept_keys;  // (images, classes * limit); the index is class * limit + number among the kept boxes
  Nms nms;
  SoftNms soft;
};

// Sets the sizes and allocates the arrays in the workspace.
DetectionCall prepare_call(const LhrcnnMulticlassNms& options, const float* boxes, const float* valid,
                           Workspace* workspace) {
  DetectionCall call = {};
  call.options = options;
  call.boxes = boxes;
  call.valid = valid;
  call.score_threshold = static_cast<float>(options.score_threshold);
  Nms& nms = call.nms;
  nms.lists = options.images * options.classes;
  nms.capacity = options.pre_nms > 0 ? min_of<int64_t>(options.pre_nms, options.boxes) : options.boxes;
  nms.limit = min_of<int64_t>(options.max_per_image, nms.capacity);
  nms.threshold = static_cast<float>(options.nms_threshold);
  nms.extent = options.inclusive ? 1 : 0;
  allocate_nms(workspace, &nms);
  call.box_keys = workspace->allocate<SortKey>(nms.lists * options.boxes);
  call.kept_keys = workspace->allocate<SortKey>(nms.lists * nms.limit);
  if (options.soft != LHRCNN_SOFT_NONE) {
    if (!(call.score_threshold > 0)) call.score_threshold = 0;
    call.soft = {nms, options.soft == LHRCNN_SOFT_GAUSSIAN, static_cast<float>(options.sigma), call.score_threshold,
                 call.box_keys, options.boxes, nullptr, nullptr};
    allocate_soft_nms(workspace, &call.soft);
  }
  return call;
}

__device__ Box<float> box_at(const DetectionCall& call, int64_t image, int64_t row, int64_t c) {
  const int64_t classes = call.options.box_classes;
  const float* corners = call.boxes + ((image * call.options.boxes + row) * classes + (classes > 1 ? c : 0)) * 4;
  return {corners[0], corners[1], corners[2], corners[3]};
}

template <typename T>
__global__ void make_box_keys(DetectionCall call, const T* scores) {
  const int64_t boxes = call.options.boxes, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.options.images * boxes * classes; item += item_stride()) {
    const int64_t c = item % classes, row = item / classes % boxes, image = item / classes / boxes;
    const float score = to_float(scores[item]);
    SortKey key = 0;
    const bool exists = !call.valid || static_cast<float>(row) < std::floor(call.valid[image]);
    if (exists && c != call.options.background && score > call.score_threshold) {
      const Box<float> box = box_at(call, image, row, c);
      const bool no_nan = box.x1 == box.x1 && box.y1 == box.y1 && box.x2 == box.x2 && box.y2 == box.y2;
      if (no_nan) key = make_sort_key(score, row);
    }
    call.box_keys[(image * classes + c) * boxes + row] = key;
  }
}

__global__ void gather_candidates(DetectionCall call) {
  const int64_t capacity = call.nms.capacity, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.nms.lists * capacity; item += item_stride()) {
    const int64_t list = item / capacity, k = item % capacity;
    const SortKey* row = call.box_keys + list * call.options.boxes;
    if (row[k] != 0) call.nms.boxes[item] = box_at(call, list / classes, index_of(row[k]), list % classes);
    store_candidate_count(row, capacity, k, call.nms.counts + list);
  }
}

__global__ void make_kept_keys(DetectionCall call) {
  const int64_t limit = call.nms.limit, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.nms.lists * limit; item += item_stride()) {
    const int64_t list = item / limit, number = item % limit;
    SortKey key = 0;
    if (number < call.nms.kept_counts[list]) {
      const float score = call.soft.kept_scores
                              ? call.soft.kept_scores[item]
                              : score_of(call.box_keys[list * call.options.boxes + call.nms.kept[item]]);
      key = make_sort_key(score, list % classes * limit + number);
    }
    call.kept_keys[item] = key;
  }
}

__global__ void write_detections(DetectionCall call, float* output, float* counts) {
  const int64_t rows = call.options.max_per_image, limit = call.nms.limit, classes = call.options.classes;
  for (int64_t item = first_item(); item < call.options.images * rows; item += item_stride()) {
    const int64_t image = item / rows, row = item % rows, candidates = classes * limit;
    const SortKey* keys = call.kept_keys + image * candidates;
    const SortKey key = row < candidates ? keys[row] : 0;
    float* detection = output + item * 6;
    for (int i = 0; i < 6; ++i) detection[i] = -1;
    if (key != 0) {
      const int64_t c = index_of(key) / limit, list = image * classes + c;
      const int32_t kept = call.nms.kept[image * candidates + index_of(key)];
      const Box<float> box = call.nms.boxes[list * call.nms.capacity + kept];
      const int32_t background = call.options.background;
      detection[0] = static_cast<float>(background >= 0 && c > background ? c - 1 : c);
      detection[1] = score_of(key);
      detection[2] = box.x1;
      detection[3] = box.y1;
      detection[4] = box.x2;
      detection[5] = box.y2;
    }
    const bool is_last = key != 0 && (row + 1 == rows || row + 1 == candidates || keys[row + 1] == 0);
    if (is_last || (row == 0 && key == 0)) counts[image] = static_cast<float>(key != 0 ? row + 1 : 0);
  }
}

template <typename T>
cudaError_t detect(const LhrcnnMulticlassNms& options, const T* scores, const float* boxes, const float* valid,
                   float* output, float* counts, void* workspace, cudaStream_t stream) {
  Workspace memory(workspace);
  const DetectionCall call = prepare_call(options, boxes, valid, &memory);
  const Nms& nms = call.nms;
  if (options.classes * options.boxes > LHRCNN_MAX_CANDIDATES) return cudaErrorInvalidValue;
  if (options.images == 0) return cudaSuccess;
  LHRCNN_TRY(launch_for_items(make_box_keys<T>, nms.lists * options.boxes, stream, call, scores));
  LHRCNN_TRY(sort_rows(call.box_keys, nms.lists, options.boxes, nms.capacity, stream));
  LHRCNN_TRY(cudaMemsetAsync(nms.counts, 0, nms.lists * sizeof *nms.counts, stream));
  LHRCNN_TRY(launch_for_items(gather_candidates, nms.lists * nms.capacity, stream, call));
  LHRCNN_TRY(options.soft == LHRCNN_SOFT_NONE ? suppress(nms, stream) : suppress_softly(call.soft, stream));
  LHRCNN_TRY(launch_for_items(make_kept_keys, nms.lists * nms.limit, stream, call));
  LHRCNN_TRY(sort_rows(call.kept_keys, options.images, options.classes * nms.limit,
                       min_of<int64_t>(options.max_per_image, options.classes * nms.limit), stream));
  return launch_for_items(write_detections, options.images * options.max_per_image, stream, call, output, counts);
}

}  // namespace
}  // namespace lhrcnn

size_t lhrcnn_cuda_multiclass_nms_workspace(const LhrcnnMulticlassNms* options) {
  lhrcnn::Workspace memory(nullptr);
  lhrcnn::prepare_call(*options, nullptr, nullptr, &memory);
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
