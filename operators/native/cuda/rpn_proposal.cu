// Proposals of a region proposal network on the GPU.
#include "geometry.h"
#include "kernels.h"
#include "nms.cuh"
#include "order.cuh"

namespace lhrcnn {
namespace {

// Options and arrays on the device of one call; copied into its kernels.
struct Proposals {
  LhrcnnRpnProposal options;
  int64_t cells, places;  // of an image
  const float* im_info;
  float* anchors;  // (num_anchors, 4)
  Rank* ranks;     // (images, places)
  Nms nms;         // a list is an image
};

Proposals lay_out(const LhrcnnRpnProposal& options, const float* im_info, Workspace* workspace) {
  Proposals call = {};
  call.options = options;
  call.cells = options.height * options.width;
  call.places = call.cells * options.num_anchors;
  call.im_info = im_info;
  call.anchors = workspace->take<float>(options.num_anchors * 4);
  call.ranks = workspace->take<Rank>(options.images * call.places);
  call.nms.lists = options.images;
  call.nms.capacity = options.pre_nms > 0 ? smaller<int64_t>(options.pre_nms, call.places) : call.places;
  call.nms.limit = smaller<int64_t>(options.post_nms, call.nms.capacity);
  call.nms.threshold = static_cast<float>(options.nms_threshold);
  call.nms.extent = 1;
  place_nms(workspace, &call.nms);
  return call;
}

// Anchors travel as arguments of a kernel: a copy from the host's memory might wait for the stream.
struct SomeAnchors {
  float corners[256];
};

__global__ void store_anchors(SomeAnchors from, int count, float* to) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) to[i] = from.corners[i];
}

cudaError_t copy_anchors(const Proposals& call, cudaStream_t stream) {
  constexpr int kMost = sizeof(SomeAnchors) / sizeof(float);
  const int all = call.options.num_anchors * 4;
  for (int begin = 0; begin < all; begin += kMost) {
    const int count = smaller(all - begin, kMost);
    SomeAnchors some = {};
    for (int i = 0; i < count; ++i) some.corners[i] = static_cast<float>(call.options.anchors[begin + i]);
    LHRCNN_TRY(launch(store_anchors, 1, kMost, 0, stream, some, count, call.anchors + begin));
  }
  return cudaSuccess;
}

// The place of an anchor is (row * width + column) * num_anchors + anchor.
template <typename T>
__device__ Box<float> box_at(const Proposals& call, int64_t image, int64_t place, const T* bbox_pred) {
  const int64_t cell = place / call.options.num_anchors, anchor = place % call.options.num_anchors;
  const float x = static_cast<float>(cell % call.options.width * call.options.feature_stride);
  const float y = static_cast<float>(cell / call.options.width * call.options.feature_stride);
  const float *base = call.anchors + anchor * 4, *info = call.im_info + image * 3;
  const T* deltas = bbox_pred + (image * call.options.num_anchors + anchor) * 4 * call.cells + cell;
  return decoded<float>({base[0] + x, base[1] + y, base[2] + x, base[3] + y}, to_float(deltas[0]),
                        to_float(deltas[call.cells]), to_float(deltas[2 * call.cells]),
                        to_float(deltas[3 * call.cells]), info[0], info[1]);
}

// Whether the anchors of a cell count.
__device__ bool cell_counts(const Proposals& call, const float* info, int64_t cell) {
  if (!std::isfinite(info[0]) || !std::isfinite(info[1]) || !std::isfinite(info[2])) return false;
  if (call.options.feature_size == LHRCNN_FEATURE_MAP) return true;
  const float stride = static_cast<float>(call.options.feature_stride);
  return static_cast<float>(cell / call.options.width) < std::floor(info[0] / stride) &&
         static_cast<float>(cell % call.options.width) < std::floor(info[1] / stride);
}

template <typename T>
__global__ void rank_anchors(Proposals call, const T* cls_prob, const T* bbox_pred) {
  const int64_t anchors = call.options.num_anchors;
  for (int64_t item = first_item(); item < call.options.images * call.places; item += item_stride()) {
    const int64_t cell = item % call.cells, anchor = item / call.cells % anchors, image = item / call.places;
    const int64_t channel = call.options.channels == LHRCNN_CHANNELS_INTERLEAVED ? 2 * anchor + 1 : anchors + anchor;
    const int64_t place = cell * anchors + anchor;
    const float score = to_float(cls_prob[(image * 2 * anchors + channel) * call.cells + cell]);
    const float* info = call.im_info + image * 3;
    Rank rank = 0;
    if (score == score && cell_counts(call, info, cell)) {
      const float least_side = static_cast<float>(call.options.min_size) * info[2];
      if (at_least(box_at(call, image, place, bbox_pred), least_side)) rank = rank_of(score, place);
    }
    call.ranks[image * call.places + place] = rank;
  }
}

template <typename T>
__global__ void take_best(Proposals call, const T* bbox_pred) {
  const int64_t capacity = call.nms.capacity;
  for (int64_t item = first_item(); item < call.options.images * capacity; item += item_stride()) {
    const int64_t image = item / capacity, k = item % capacity;
    const Rank* row = call.ranks + image * call.places;
    if (row[k] != 0) call.nms.boxes[item] = box_at(call, image, place_of(row[k]), bbox_pred);
    tell_count(row, capacity, k, call.nms.counts + image);
  }
}

__global__ void write_rois(Proposals call, float* rois, float* scores, float* counts) {
  const int64_t rows = call.options.post_nms;
  for (int64_t item = first_item(); item < call.options.images * rows; item += item_stride()) {
    const int64_t image = item / rows, row = item % rows;
    const int32_t found = call.nms.kept_counts[image];
    float *roi = rois + item * 5, score = 0;
    if (row < found || (found > 0 && call.options.pad == LHRCNN_PAD_REPEAT)) {
      const int64_t k = call.nms.kept[image * call.nms.limit + row % found];
      const Box<float> box = call.nms.boxes[image * call.nms.capacity + k];
      score = score_of(call.ranks[image * call.places + k]);
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
  const Proposals call = lay_out(options, im_info, &memory);
  if (call.places > LHRCNN_MOST_CANDIDATES) return cudaErrorInvalidValue;
  if (options.images == 0) return cudaSuccess;
  LHRCNN_TRY(copy_anchors(call, stream));
  LHRCNN_TRY(launch_each(rank_anchors<T>, options.images * call.places, stream, call, cls_prob, bbox_pred));
  LHRCNN_TRY(sort_rows(call.ranks, options.images, call.places, call.nms.capacity, stream));
  LHRCNN_TRY(cudaMemsetAsync(call.nms.counts, 0, options.images * sizeof *call.nms.counts, stream));
  LHRCNN_TRY(launch_each(take_best<T>, options.images * call.nms.capacity, stream, call, bbox_pred));
  LHRCNN_TRY(suppress(call.nms, stream));
  return launch_each(write_rois, options.images * options.post_nms, stream, call, rois, scores, counts);
}

}  // namespace
}  // namespace lhrcnn

size_t lhrcnn_cuda_rpn_proposal_workspace(const LhrcnnRpnProposal* options) {
  lhrcnn::Workspace memory(nullptr);
  lhrcnn::lay_out(*options, nullptr, &memory);
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
