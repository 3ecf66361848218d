// Registers ps_roi_align with MXNet. What it shares with the other pooling operators is in roi_pooling.h.
#include "kernels.h"
#include "roi_pooling.h"

namespace lhrcnn {
namespace {

struct PsRoiAlign {
  using Options = LhrcnnPsRoiAlign;

  static Attributes attributes(const AttributeMap& values) {
    return Attributes("ps_roi_align", values, {"output_dim", "pooled_size", "spatial_scale", "sampling_ratio", "mode",
                                               "aligned", "border"});
  }

  static Options options(const Attributes& attributes) {
    Options options = {};
    options.output_dim = attributes.integer("output_dim", 1, 1 << 20);
    options.pooled_size = attributes.integer("pooled_size", 1, 1 << 10);
    options.spatial_scale = attributes.positive("spatial_scale");
    options.sampling_ratio = attributes.integer("sampling_ratio", 0, 64, 2);
    options.mode = attributes.choice("mode", {"avg", "max"}) ? LHRCNN_MODE_MAX : LHRCNN_MODE_AVG;
    options.aligned = attributes.boolean("aligned", false);
    options.border = attributes.choice("border", {"clamp", "zero"}) ? LHRCNN_BORDER_ZERO : LHRCNN_BORDER_CLAMP;
    return options;
  }

  static std::vector<unsigned> pooled_shape(const Attributes& attributes, const std::vector<unsigned>& data) {
    const Options stated = options(attributes);
    return position_sensitive_shape(attributes, stated.output_dim, stated.pooled_size, data);
  }

  static int forward(const Options* options, const float* data, const float* rois, float* output, int threads) {
    return lhrcnn_ps_roi_align_forward_f32(options, data, rois, output, threads);
  }
  static int forward(const Options* options, const double* data, const double* rois, double* output, int threads) {
    return lhrcnn_ps_roi_align_forward_f64(options, data, rois, output, threads);
  }
  static int backward(const Options* options, const float* output_grad, const float* data, const float* rois,
                      float* data_grad, int threads) {
    return lhrcnn_ps_roi_align_backward_f32(options, output_grad, data, rois, data_grad, threads);
  }
  static int backward(const Options* options, const double* output_grad, const double* data, const double* rois,
                      double* data_grad, int threads) {
    return lhrcnn_ps_roi_align_backward_f64(options, output_grad, data, rois, data_grad, threads);
  }

#ifdef LHRCNN_WITH_CUDA
  static constexpr auto workspace = lhrcnn_cuda_ps_roi_align_workspace;
  static constexpr auto forward_f32 = lhrcnn_cuda_ps_roi_align_forward_f32;
  static constexpr auto forward_f16 = lhrcnn_cuda_ps_roi_align_forward_f16;
  static constexpr auto backward_f32 = lhrcnn_cuda_ps_roi_align_backward_f32;
  static constexpr auto backward_f16 = lhrcnn_cuda_ps_roi_align_backward_f16;
#endif
};

REGISTER_OP(ps_roi_align)
    .setParseAttrs(RoiPooling<PsRoiAlign>::parse)
    .setInferType(RoiPooling<PsRoiAlign>::types)
    .setInferShape(RoiPooling<PsRoiAlign>::shapes)
    .setForward(RoiPooling<PsRoiAlign>::forward, "cpu")
#ifdef LHRCNN_WITH_CUDA
    .setForward(RoiPooling<PsRoiAlign>::forward_on_gpu, "gpu")
    .setBackward(RoiPooling<PsRoiAlign>::backward_on_gpu, "gpu")
#endif
    .setBackward(RoiPooling<PsRoiAlign>::backward, "cpu");

}  // namespace
}  // namespace lhrcnn
