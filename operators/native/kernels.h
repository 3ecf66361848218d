// The C interface of the kernels: plain pointers, sizes and streams, nothing of MXNet.
//
// Arrays are dense and row-major. A RoI is a row (image, x1, y1, x2, y2), a box (x1, y1, x2, y2), corners in pixels of
// the network input. Every input is defined: NaN, infinity, images that are not there and boxes of any size never make a
// kernel read or write out of bounds.
//
// On the CPU, functions end in the type of all their arrays, f32 or f64; `threads` bounds the threads used, and the
// result does not depend on it. They return 0, or 1 where memory ran out or an image has more than
// LHRCNN_MOST_CANDIDATES candidates (anchors, or boxes times classes).
//
// On the GPU (lhrcnn_cuda_...), functions end in the type of the maps, scores and deltas, f32 or f16 (as void pointers
// to IEEE halves); RoIs, boxes, im_info and what is made of them are always float32. All pointers are device memory but
// that of the options; `stream` is a cudaStream_t; `workspace` is device memory of as many bytes as the function
// ..._workspace answers for the same options (null where that is 0). They return a cudaError_t, and do not synchronise.
#ifndef LHRCNN_KERNELS_H_
#define LHRCNN_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LHRCNN_EXPORT __attribute__((visibility("default")))

// Makes the calling thread, and the threads that it starts from now on, take denormal numbers for 0 (1) or not (0).
// Returns whether it did so before.
LHRCNN_EXPORT int lhrcnn_flush_denormals(int flush);

#define LHRCNN_MOST_CANDIDATES 0x7fffffff

// Zeroes device memory; and what a cudaError_t means.
LHRCNN_EXPORT int lhrcnn_cuda_fill_zero(void* memory, size_t bytes, void* stream);
LHRCNN_EXPORT const char* lhrcnn_cuda_message(int error);

// ---- PS-RoIAlign ----------------------------------------------------------------------------------------------------

enum { LHRCNN_BORDER_CLAMP = 0, LHRCNN_BORDER_ZERO = 1 };
enum { LHRCNN_MODE_AVG = 0, LHRCNN_MODE_MAX = 1 };

// data is (images, output_dim * pooled_size^2, height, width), rois is (rois, 5) and the output is (rois, output_dim,
// pooled_size, pooled_size). Output channel c, bin (i, j) reads channel (c * pooled_size + i) * pooled_size + j of data;
// it is the average or the maximum of sampling_ratio^2 bilinear samples. sampling_ratio 0 takes as many samples along
// each side as the bin is pixels of the map long, rounded up. The gradient of a maximum goes to its first largest sample.
typedef struct {
  int64_t images, height, width, rois;
  int32_t output_dim, pooled_size, sampling_ratio, mode, aligned, border;
  double spatial_scale;
} LhrcnnPsRoiAlign;

LHRCNN_EXPORT int lhrcnn_ps_roi_align_forward_f32(const LhrcnnPsRoiAlign* options, const float* data, const float* rois,
                                                  float* output, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_align_forward_f64(const LhrcnnPsRoiAlign* options, const double* data,
                                                  const double* rois, double* output, int threads);

// Writes the whole gradient with respect to data. `data` is read in mode max only, and may be null else.
LHRCNN_EXPORT int lhrcnn_ps_roi_align_backward_f32(const LhrcnnPsRoiAlign* options, const float* output_grad,
                                                   const float* data, const float* rois, float* data_grad, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_align_backward_f64(const LhrcnnPsRoiAlign* options, const double* output_grad,
                                                   const double* data, const double* rois, double* data_grad,
                                                   int threads);

LHRCNN_EXPORT size_t lhrcnn_cuda_ps_roi_align_workspace(const LhrcnnPsRoiAlign* options);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_align_forward_f32(const LhrcnnPsRoiAlign* options, const void* data,
                                                       const float* rois, void* output, void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_align_forward_f16(const LhrcnnPsRoiAlign* options, const void* data,
                                                       const float* rois, void* output, void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_align_backward_f32(const LhrcnnPsRoiAlign* options, const void* output_grad,
                                                        const void* data, const float* rois, void* data_grad,
                                                        void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_align_backward_f16(const LhrcnnPsRoiAlign* options, const void* output_grad,
                                                        const void* data, const float* rois, void* data_grad,
                                                        void* workspace, void* stream);

// ---- PS-RoI pooling -------------------------------------------------------------------------------------------------

// R-FCN's pooling, as contrib.PSROIPooling of MXNet: shapes as above; a bin is the average of whole pixels, 0 if empty.
typedef struct {
  int64_t images, height, width, rois;
  int32_t output_dim, pooled_size;
  double spatial_scale;
} LhrcnnPsRoiPool;

LHRCNN_EXPORT int lhrcnn_ps_roi_pool_forward_f32(const LhrcnnPsRoiPool* options, const float* data, const float* rois,
                                                 float* output, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_pool_forward_f64(const LhrcnnPsRoiPool* options, const double* data, const double* rois,
                                                 double* output, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_pool_backward_f32(const LhrcnnPsRoiPool* options, const float* output_grad,
                                                  const float* rois, float* data_grad, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_pool_backward_f64(const LhrcnnPsRoiPool* options, const double* output_grad,
                                                  const double* rois, double* data_grad, int threads);

LHRCNN_EXPORT size_t lhrcnn_cuda_ps_roi_pool_workspace(const LhrcnnPsRoiPool* options);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_pool_forward_f32(const LhrcnnPsRoiPool* options, const void* data,
                                                      const float* rois, void* output, void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_pool_forward_f16(const LhrcnnPsRoiPool* options, const void* data,
                                                      const float* rois, void* output, void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_pool_backward_f32(const LhrcnnPsRoiPool* options, const void* output_grad,
                                                       const float* rois, void* data_grad, void* workspace,
                                                       void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_ps_roi_pool_backward_f16(const LhrcnnPsRoiPool* options, const void* output_grad,
                                                       const float* rois, void* data_grad, void* workspace,
                                                       void* stream);

// ---- Proposals ------------------------------------------------------------------------------------------------------

enum { LHRCNN_CHANNELS_SPLIT = 0, LHRCNN_CHANNELS_INTERLEAVED = 1 };
enum { LHRCNN_FEATURE_MAP = 0, LHRCNN_FEATURE_IM_INFO = 1 };
enum { LHRCNN_PAD_EMPTY = 0, LHRCNN_PAD_REPEAT = 1 };

// cls_prob is (images, 2 * num_anchors, height, width): the foreground of anchor a is channel num_anchors + a (split) or
// 2 * a + 1 (interleaved). bbox_pred is (images, 4 * num_anchors, height, width), deltas of anchor a in channels 4 * a
// to 4 * a + 3. im_info is (images, 3), rows (height, width, scale). anchors (host memory) is (num_anchors, 4), around
// the cell (0, 0); the cell (i, j) moves them by (j, i) * feature_stride.
//
// Boxes are decoded, clipped to im_info, dropped where a side is below min_size * scale (or anything is NaN), and sorted
// by score, ties by (row, column, anchor); of the first pre_nms (0: of all), non-maximum suppression keeps those that
// overlap no kept one by more than nms_threshold, at most post_nms. feature_size says whether cells count that lie
// beyond im_info / feature_stride, rounded down. An image whose im_info is not finite has no proposals.
//
// rois is (images * post_nms, 5), scores (images * post_nms) or null, counts (images) of valid rows, as numbers of the
// type of rois. Rows beyond are (-1, 0, 0, 0, 0) with score 0 (empty), or the valid rows again in turn (repeat); where
// an image has none, they are empty either way.
typedef struct {
  int64_t images, height, width;
  int32_t num_anchors, feature_stride, pre_nms, post_nms, channels, feature_size, pad;
  double nms_threshold, min_size;
  const double* anchors;
} LhrcnnRpnProposal;

LHRCNN_EXPORT int lhrcnn_rpn_proposal_f32(const LhrcnnRpnProposal* options, const float* cls_prob,
                                          const float* bbox_pred, const float* im_info, float* rois, float* scores,
                                          float* counts, int threads);
LHRCNN_EXPORT int lhrcnn_rpn_proposal_f64(const LhrcnnRpnProposal* options, const double* cls_prob,
                                          const double* bbox_pred, const double* im_info, double* rois, double* scores,
                                          double* counts, int threads);

LHRCNN_EXPORT size_t lhrcnn_cuda_rpn_proposal_workspace(const LhrcnnRpnProposal* options);
LHRCNN_EXPORT int lhrcnn_cuda_rpn_proposal_f32(const LhrcnnRpnProposal* options, const void* cls_prob,
                                               const void* bbox_pred, const float* im_info, float* rois, float* scores,
                                               float* counts, void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_rpn_proposal_f16(const LhrcnnRpnProposal* options, const void* cls_prob,
                                               const void* bbox_pred, const float* im_info, float* rois, float* scores,
                                               float* counts, void* workspace, void* stream);

// ---- Detections -----------------------------------------------------------------------------------------------------

enum { LHRCNN_SOFT_NONE = 0, LHRCNN_SOFT_LINEAR = 1, LHRCNN_SOFT_GAUSSIAN = 2 };

// scores is (images, boxes, classes), of which class `background` is left out (-1: none is). boxes is (images, boxes,
// box_classes, 4), box_classes 1 (the same for every class) or classes. `valid` is (images), how many boxes of each
// image count (the first ones; a fraction is cut off, NaN is 0), or null for all.
//
// Within a class, boxes whose score exceeds score_threshold are taken best first, ties by row, and suppress those that
// overlap them by more than nms_threshold; soft suppression instead multiplies their scores by 1 - overlap (linear,
// above nms_threshold) or exp(-overlap^2 / sigma) (Gaussian, always) and drops them at score_threshold. At most pre_nms
// boxes of a class enter (0: all). Of all classes together the best max_per_image remain, ties by class, then row.
// `inclusive` measures sides as x2 - x1 + 1, else as x2 - x1. Boxes and scores with NaN are left out. Soft suppression
// takes a score_threshold below 0 for 0.
//
// output is (images, max_per_image, 6), rows (class, score, x1, y1, x2, y2), best first, then rows of -1; counts is
// (images), the valid rows, as numbers of the type of output. Classes are numbered from 0 without the background.
typedef struct {
  int64_t images, boxes;
  int32_t classes, box_classes, background, pre_nms, max_per_image, soft, inclusive;
  double score_threshold, nms_threshold, sigma;
} LhrcnnMulticlassNms;

LHRCNN_EXPORT int lhrcnn_multiclass_nms_f32(const LhrcnnMulticlassNms* options, const float* scores, const float* boxes,
                                            const float* valid, float* output, float* counts, int threads);
LHRCNN_EXPORT int lhrcnn_multiclass_nms_f64(const LhrcnnMulticlassNms* options, const double* scores,
                                            const double* boxes, const double* valid, double* output, double* counts,
                                            int threads);

LHRCNN_EXPORT size_t lhrcnn_cuda_multiclass_nms_workspace(const LhrcnnMulticlassNms* options);
LHRCNN_EXPORT int lhrcnn_cuda_multiclass_nms_f32(const LhrcnnMulticlassNms* options, const void* scores,
                                                 const float* boxes, const float* valid, float* output, float* counts,
                                                 void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_multiclass_nms_f16(const LhrcnnMulticlassNms* options, const void* scores,
                                                 const float* boxes, const float* valid, float* output, float* counts,
                                                 void* workspace, void* stream);

#ifdef __cplusplus
}
#endif

#endif  // LHRCNN_KERNELS_H_
