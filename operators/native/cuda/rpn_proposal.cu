// Proposals of a region proposal network on the GPU. The steps are:
//
// 1. make_anchor_keys makes the sort keys of all anchors of each image; sort_rows sorts them.
// 2. gather_candidates decodes the boxes of the best pre_nms anchors, and suppress() keeps some of them.
// 3. write_rois writes the kept boxes and the padding after them.
#include "geometry.h"
#include "kernels.h"
#include "nms.cuh"
#include "order.cuh"

namespace lhrcnn {
namespace {

// The options of a call and its arrays on the device. Kernels take it by value.
struct ProposalCall {
  LhrcnnRpnProposal options;
  int64_t cells, anchors_per_image;
  const float* im_info;
  float* anchors;  // (num_anchors, 4), those of cell (0, 0)
  SortKey* keys;   // (images, anchors_per_image); for the index in a key see box_of_anchor
  Nms nms;         // each image is a list
};

// Sets the sizes and allocates the arrays in the workspace.
ProposalCall prepare_call(const LhrcnnRpnProposal& options, const float* im_info, Workspace* workspace) {
  ProposalCall call = {};
  call.options = options;
  call.cells = options.height * options.width;
  call.anchors_per_image = call.cells * options.num_anchors;
  call.im_info = im_info;
  call.anchors = workspace->allocate<float>(options.num_anchors * 4);
  call.keys = workspace->allocate<SortKey>(options.images * call.anchors_per_image);
  const int64_t all = call.anchors_per_image;
  call.nms.lists = options.images;
  call.nms.capacity = options.pre_nms > 0 ? min_of<int64_t>(options.pre_nms, all) : all;
  call.nms.limit = min_of<int64_t>(options.post_nms, call.nms.capacity);
  call.nms.threshold = static_cast<float>(options.nms_threshold);
  call.nms.extent = 1;
  allocate_nms(workspace, &call.nms);
  return call;
}

// Anchors come from host memory and reach the device as kernel arguments, some at a time: an asynchronous copy of
// pageable host memory might wait for the stream.
struct AnchorChunk {
  float corners[256];
};

__global__ void store_anchors(AnchorChunk chunk, int count, float* anchors) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) anchors[i] = chunk.corners[i];
}

cudaError_t copy_anchors(const ProposalCall& call, cudaStream_t stream) {
  constexpr int kMax = sizeof(AnchorChunk) / sizeof(float);
  const int all = call.options.num_anchors * 4;
  for (int begin = 0; begin < all; begin += kMax) {
    const int count = min_of(all - begin, kMax);
    AnchorChunk chunk = {};
    for (int i = 0; i < count; ++i) chunk.corners[i] = static_cast<float>(call.options.anchors[begin + i]);
    LHRCNN_TRY(launch(store_anchors, 1, kMax, 0, stream, chunk, count, call.anchors + begin));
  }
  return cudaSuccess;
}

// Decodes the box of an anchor, whose index is (row * width + column) * num_anchors + anchor.
template <typename T>
__device__ Box<float> box_of_anchor(const ProposalCall& call, int64_t image, int64_t index, const T* bbox_pred) {
  const int64_t cell = index / call.options.num_anchors, anchor = index % call.options.num_anchors;
  const float x = static_cast<float>(cell % call.options.width * call.options.feature_stride);
  const float y = static_cast<float>(cell / call.options.width * call.options.feature_stride);
  const float *base = call.anchors + anchor * 4, *info = call.im_info + image * 3;
  const T* deltas = bbox_pred + (image * call.options.num_anchors + anchor) * 4 * call.cells + cell;
  return decode_box<float>({base[0] + x, base[1] + y, base[2] + x, base[3] + y}, to_float(deltas[0]),
                           to_float(deltas[call.cells]), to_float(deltas[2 * call.cells]),
                           to_float(deltas[3 * call.cells]), info[0], info[1]);
}

// Returns whether the anchors of a cell take part: im_info must be finite, and, where feature_size says so, the cell
// must lie inside the image.
__device__ bool cell_takes_part(const ProposalCall& call, const float* info, int64_t cell) {
  if (!(std::isfinite(info[0]) && std::isfinite(info[1]) && std::isfinite(info[2]))) return false;
  if (call.options.feature_size == LHRCNN_FEATURE_MAP) return true;
  const float stride = static_cast<float>(call.options.feature_stride);
  return static_cast<float>(cell / call.options.width) < std::floor(info[0] / stride) &&
         static_cast<float>(cell % call.options.width) < std::floor(info[1] / stride);
}

template <typename T>
__global__ void make_anchor_keys(ProposalCall call, const T* cls_prob, const T* bbox_pred) {
  const int64_t anchors = call.options.num_anchors;
  for (int64_t item = first_item(); item < call.options.images * call.anchors_per_image; item += item_stride()) {
    const int64_t cell = item % call.cells, anchor = item / call.cells % anchors;
    const int64_t image = item / call.anchors_per_image;
    const int64_t channel = call.options.channels == LHRCNN_CHANNELS_INTERLEAVED ? 2 * anchor + 1 : anchors + anchor;
    const int64_t index = cell * anchors + anchor;
    const float score = to_float(cls_prob[(image * 2 * anchors + channel) * call.cells + cell]);
    const float* info = call.im_info + image * 3;
    SortKey key = 0;
    if (score == score && cell_takes_part(call, info, cell)) {
      const float min_side = static_cast<float>(call.options.min_size) * info[2];
      if (has_min_side(box_of_anchor(call, image, index, bbox_pred), min_side)) key = make_sort_key(score, index);
    }
    call.keys[image * call.anchors_per_image + index] = key;
  }
}

template <typename T>
__global__ void gather_candidates(ProposalCall call, const T* bbox_pred) {
  const int64_t capacity = call.nms.capacity;
  for (int64_t item = first_item(); item < call.options.images * capacity; item += item_stride()) {
    const int64_t image = item / capacity, k = item % capacity;
    const SortKey* row = call.keys + image * call.anchors_per_image;
    if (row[k] != 0) call.nms.boxes[item] = box_of_anchor(call, image, index_of(row[k]), bbox_pred);
    store_candidate_count(row, capacity, k, call.nms.counts + image);
  }
}

__global__ void write_rois(ProposalCall call, float* rois, float* scores, float* counts) {
  const int64_t rows = call.options.post_nms;
  for (int64_t item = first_item(); item < call.options.images * rows; item += item_stride()) {
    const int64_t image = item / rows, row = item % rows;
    const int32_t found = call.nms.kept_counts[image];
    float *roi = rois + item * 5, score = 0;
    if (row < found || (found > 0 && call.options.pad == LHRCNN_PAD_REPEAT)) {
      const int64_t k = call.nms.kept[image * call.nms.limit + row % found];
      const Box<float> box = call.nms.boxes[image * call.nms.capacity + k];
      score = score_of(call.keys[image * call.anchors_per_image + k]);
      roi[0] = static_cast<float>(image);
      roi[1] = box.x1;
      roi[2] = box.y1;
      roi[3] = box.x2;
      roi[4] = box.y2;
    } else {
      roi[0] = -1;
      for (int i = 1; i < 5; ++i) roi[i] = 0;
    }
    if (scores) scores[item] = score;
    if (row == 0) counts[image] = static_cast<float>(found);
  }
}

template <typename T>
cudaError_t propose(const LhrcnnRpnProposal& options, const T* cls_prob, const T* bbox_pred, const float* im_info,
                    float* rois, float* scores, float* counts, void* workspace, cudaStream_t stream) {
  Workspace memory(workspace);
  const ProposalCall call = prepare_call(options, im_info, &memory);
  const int64_t images = options.images, anchors = call.anchors_per_image;
  if (anchors > LHRCNN_MAX_CANDIDATES) return cudaErrorInvalidValue;
  if (images == 0) return cudaSuccess;
  LHRCNN_TRY(copy_anchors(call, stream));
  LHRCNN_TRY(launch_for_items(make_anchor_keys<T>, images * anchors, stream, call, cls_prob, bbox_pred));
  LHRCNN_TRY(sort_rows(call.keys, images, anchors, call.nms.capacity, stream));
  LHRCNN_TRY(cudaMemsetAsync(call.nms.counts, 0, images * sizeof *call.nms.counts, stream));
  LHRCNN_TRY(launch_for_items(gather_candidates<T>, images * call.nms.capacity, stream, call, bbox_pred));
  LHRCNN_TRY(suppress(call.nms, stream));
  return launch_for_items(write_rois, images * options.post_nms, stream, call, rois, scores, counts);
}

}  // namespace
}  // namespace lhrcnn

size_t lhrcnn_cuda_rpn_proposal_workspace(const LhrcnnRpnProposal* options) {
  lhrcnn::Workspace memory(nullptr);
  lhrcnn::prepare_call(*options, nullptr, &memory);
  return memory.bytes();
}

int lhrcnn_cuda_rpn_proposal_f32(const LhrcnnRpnProposal* options, const void* cls_prob, const void* bbox_pred,
                                 const float* im_info, float* rois, float* scores, float* counts, void* workspace,
                                 void* stream) {
  return lhrcnn::propose(*options, static_cast<const float*>(cls_prob), static_cast<const float*>(bbox_pred), im_info,
                         rois, scores, counts, workspace, static_cast<cudaStream_t>(stream));
}

int lhrcnn_cuda_rpn_proposal_f16(const LhrcnnRpnProposal* options, const void* cls_prob, const void* bbox_pred,
                                 const float* im_info, float* rois, float* scores, float* counts, void* workspace,
                                 void* stream) {
  using lhrcnn::Half;
  return lhrcnn::propose(*options, static_cast<const Half*>(cls_prob), static_cast<const Half*>(bbox_pred), im_info,
                         rois, scores, counts, workspace, static_cast<cudaStream_t>(stream));
}
