// The C interface of the kernels: plain pointers and sizes, nothing of MXNet.
//
// Arrays are dense and row-major. Functions return 0, or 1 where memory ran out. `threads` bounds the threads used; the
// result does not depend on it.
#ifndef LHRCNN_KERNELS_H_
#define LHRCNN_KERNELS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LHRCNN_EXPORT __attribute__((visibility("default")))

enum { LHRCNN_BORDER_CLAMP = 0, LHRCNN_BORDER_ZERO = 1 };

// Options of PS-RoIAlign. data is (images, output_dim * pooled_size^2, height, width), rois is (rois, 5) and the output
// is (rois, output_dim, pooled_size, pooled_size); output channel c, bin (i, j) reads channel (c * pooled_size + i) *
// pooled_size + j of data and is the average of sampling_ratio^2 bilinear samples.
typedef struct {
  int64_t images, height, width, rois;
  int32_t output_dim, pooled_size, sampling_ratio, aligned, border;
  double spatial_scale;
} LhrcnnPsRoiAlign;

LHRCNN_EXPORT int lhrcnn_ps_roi_align_forward_f32(const LhrcnnPsRoiAlign* options, const float* data, const float* rois,
                                                  float* output, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_align_forward_f64(const LhrcnnPsRoiAlign* options, const double* data,
                                                  const double* rois, double* output, int threads);

// Writes the whole gradient with respect to data.
LHRCNN_EXPORT int lhrcnn_ps_roi_align_backward_f32(const LhrcnnPsRoiAlign* options, const float* output_grad,
                                                   const float* rois, float* data_grad, int threads);
LHRCNN_EXPORT int lhrcnn_ps_roi_align_backward_f64(const LhrcnnPsRoiAlign* options, const double* output_grad,
                                                   const double* rois, double* data_grad, int threads);

#ifdef __cplusplus
}
#endif

#endif  // LHRCNN_KERNELS_H_
