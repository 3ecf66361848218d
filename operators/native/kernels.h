// The C interface of the kernels: plain pointers, sizes and streams. Nothing here depends on MXNet.
//
// Arrays are dense and row-major. A RoI is a row (image, x1, y1, x2, y2) and a box a row (x1, y1, x2, y2), corners in
// pixels of the network input. Every input has a defined result: NaN, infinity, images that do not exist and boxes of
// any size never make a kernel read or write out of bounds.
//
// CPU functions end in the type of all their arrays, f32 or f64. They use at most `threads` threads, and their results
// do not depend on that number. They return 0, or 1 if memory ran out or an image has more than LHRCNN_MAX_CANDIDATES
// candidates (anchors, or boxes times classes; in RoI max pooling, pixels of a plane).
//
// GPU functions are named lhrcnn_cuda_... and end in the type of maps, scores and deltas: f32, or f16 as void pointers
// to IEEE half-precision numbers. RoIs, boxes and im_info, and results made from them, are always float32. All pointers
// except `options` (and the anchors in it) are device memory; `stream` is a cudaStream_t. `workspace` is device memory
// of as many bytes as the function ..._workspace returns for the same options, or null if that is 0. GPU functions
// return a cudaError_t and do not synchronise.
#ifndef LHRCNN_KERNELS_H_
#define LHRCNN_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LHRCNN_EXPORT __attribute__((visibility("default")))

// With flush = 1 the calling thread, and every thread that it starts afterwards, treats denormal numbers as 0; with
// flush = 0 it keeps them. Returns the earlier setting, 1 or 0.
LHRCNN_EXPORT int lhrcnn_flush_denormals(int flush);

// The most candidates that an image may have: the index of a candidate fits in 31 bits.
#define LHRCNN_MAX_CANDIDATES 0x7fffffff

// Sets device memory to 0.
LHRCNN_EXPORT int lhrcnn_cuda_fill_zero(void* memory, size_t bytes, void* stream);
// Returns CUDA's description of a cudaError_t.
LHRCNN_EXPORT const char* lhrcnn_cuda_message(int error);

// ---- PS-RoIAlign ----------------------------------------------------------------------------------------------------

enum { LHRCNN_BORDER_CLAMP = 0, LHRCNN_BORDER_ZERO = 1 };
enum { LHRCNN_MODE_AVG = 0, LHRCNN_MODE_MAX = 1 };

// data is (images, output_dim * pooled_size^2, height, width), rois is (rois, 5) and the output is (rois, output_dim,
// pooled_size, pooled_size). Output channel c of bin (i, j) reads channel (c * pooled_size + i) * pooled_size + j of
// data. It is the average or the maximum of sampling_ratio^2 bilinear samples; with sampling_ratio 0 a bin takes as
// many samples along each axis as it is pixels of the map long, rounded up. The gradient of a maximum goes to the first
// of the largest samples. `aligned` and `border` are described in operators/ps_roi_align.py.
typedef struct {
  int64_t images, height, width, rois;
  int32_t output_dim, pooled_size, sampling_ratio, mode, aligned, border;
  double spatial_scale;
} LhrcnnPsRoiAlign;

LHRCNN_EXPORT int lhrcnn_ps_roi_align_forward_f32(const LhrcnnPsRoiAlign* options, const float* data, const float* rois,
                                                  float* output, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_align_forward_f64(const LhrcnnPsRoiAlign* options, const double* data,
                                                  const double* rois, double* output, int threads);

// Writes the gradient with respect to data, all of it. `data` is read in mode max only and may be null in mode avg.
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

// The pooling of R-FCN, equal to contrib.PSROIPooling of MXNet. Shapes are those of PS-RoIAlign. A bin is the average
// of whole pixels, or 0 if it has none.
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

// ---- RoI max pooling ------------------------------------------------------------------------------------------------

// The pooling of Fast R-CNN, equal to ROIPooling of MXNet. data is (images, channels, height, width), rois is (rois, 5)
// and the output is (rois, channels, pooled_height, pooled_width). Bin (i, j) of channel c is the largest of its whole
// pixels in channel c of data, or 0 if it has none; NaN counts as larger than any number. The gradient of a bin goes to
// the first of its largest pixels, row by row.
typedef struct {
  int64_t images, height, width, rois;
  int32_t channels, pooled_height, pooled_width;
  double spatial_scale;
} LhrcnnRoiMaxPool;

LHRCNN_EXPORT int lhrcnn_roi_max_pool_forward_f32(const LhrcnnRoiMaxPool* options, const float* data, const float* rois,
                                                  float* output, int threads);
LHRCNN_EXPORT int lhrcnn_roi_max_pool_forward_f64(const LhrcnnRoiMaxPool* options, const double* data,
                                                  const double* rois, double* output, int threads);

// Writes the gradient with respect to data, all of it.
LHRCNN_EXPORT int lhrcnn_roi_max_pool_backward_f32(const LhrcnnRoiMaxPool* options, const float* output_grad,
                                                   const float* data, const float* rois, float* data_grad, int threads);
LHRCNN_EXPORT int lhrcnn_roi_max_pool_backward_f64(const LhrcnnRoiMaxPool* options, const double* output_grad,
                                                   const double* data, const double* rois, double* data_grad,
                                                   int threads);

// The forward pass needs no workspace.
LHRCNN_EXPORT size_t lhrcnn_cuda_roi_max_pool_workspace(const LhrcnnRoiMaxPool* options);
LHRCNN_EXPORT int lhrcnn_cuda_roi_max_pool_forward_f32(const LhrcnnRoiMaxPool* options, const void* data,
                                                       const float* rois, void* output, void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_roi_max_pool_forward_f16(const LhrcnnRoiMaxPool* options, const void* data,
                                                       const float* rois, void* output, void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_roi_max_pool_backward_f32(const LhrcnnRoiMaxPool* options, const void* output_grad,
                                                        const void* data, const float* rois, void* data_grad,
                                                        void* workspace, void* stream);
LHRCNN_EXPORT int lhrcnn_cuda_roi_max_pool_backward_f16(const LhrcnnRoiMaxPool* options, const void* output_grad,
                                                        const void* data, const float* rois, void* data_grad,
                                                        void* workspace, void* stream);

// ---- Proposals ------------------------------------------------------------------------------------------------------

enum { LHRCNN_CHANNELS_SPLIT = 0, LHRCNN_CHANNELS_INTERLEAVED = 1 };
enum { LHRCNN_FEATURE_MAP = 0, LHRCNN_FEATURE_IM_INFO = 1 };
enum { LHRCNN_PAD_EMPTY = 0, LHRCNN_PAD_REPEAT = 1 };

// cls_prob is (images, 2 * num_anchors, height, width); the foreground probability of anchor a is channel num_anchors +
// a (split) or 2 * a + 1 (interleaved). bbox_pred is (images, 4 * num_anchors, height, width), with the deltas of
// anchor a in channels 4 * a to 4 * a + 3. im_info is (images, 3), rows (height, width, scale). anchors, in host
// memory, is (num_anchors, 4), the anchors of cell (0, 0); those of cell (i, j) are moved by (j, i) * feature_stride.
//
// Boxes are decoded and clipped to the image. Those with a side below min_size * scale or with NaN are dropped, and the
// others are sorted by score, equal scores by row, column and anchor. Of the first pre_nms boxes (0: of all),
// non-maximum suppression keeps, best first, every box whose IoU with no kept box is above nms_threshold, at most
// post_nms boxes. feature_size says which cells have anchors: all cells (map), or those within im_info /
// feature_stride, rounded down (im_info). An image whose im_info is not finite has no proposals.
//
// rois is (images * post_nms, 5); scores is (images * post_nms) or null; counts is (images), how many rows of each
// image are proposals, in the type of rois. The rows after them are padding: (-1, 0, 0, 0, 0) with score 0 (empty), or
// the proposals again in turn (repeat). An image without proposals has empty rows either way.
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

// scores is (images, boxes, classes); class `background` has no detections (-1: there is no such class). boxes is
// (images, boxes, box_classes, 4), where box_classes is 1 (all classes share the boxes) or classes. `valid` is
// (images), how many of each image's boxes exist, the first ones (a fraction is cut off, NaN is taken as 0), or null if
// all do.
//
// Within a class, the boxes with a score above score_threshold are visited best first, equal scores by row, and each
// kept box suppresses those whose IoU with it is above nms_threshold. Soft suppression lowers their scores instead: by
// the factor 1 - IoU where the IoU is above nms_threshold (linear), or always by exp(-IoU^2 / sigma) (Gaussian). It
// drops a box whose score is no longer above score_threshold, and takes a negative score_threshold as 0. Only the best
// pre_nms boxes of a class take part (0: all). The best max_per_image boxes of all classes are the detections, equal
// scores by class, then row. With `inclusive` a side measures x2 - x1 + 1, otherwise x2 - x1. Boxes and scores with NaN
// are left out.
//
// output is (images, max_per_image, 6), rows (class, score, x1, y1, x2, y2), best first, then rows of -1; counts is
// (images), the number of detections, in the type of output. Classes are numbered from 0 without the background.
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
