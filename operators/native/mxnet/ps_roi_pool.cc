// Registers ps_roi_pool with MXNet. What it shares with the other pooling operators is in roi_pooling.h.
#include "kernels.h"
#include "roi_pooling.h"

namespace lhrcnn {
namespace {

struct PsRoiPool {
  using Options = LhrcnnPsRoiPool;

  static Attributes attributes(const AttributeMap& values) {
    return Attributes("ps_roi_pool", values, {"output_dim", "pooled_size", "spatial_scale"});
  }

  static Options options(const Attributes& attributes) {
    Options options = {};
    options.output_dim = attributes.integer("output_dim", 1, 1 << 20);
    options.pooled_size = attributes.integer("pooled_size", 1, 1 << 10);
    options.spatial_scale = attributes.positive("spatial_scale");
    return options;
  }

  static std::vector<unsigned> pooled_shape(const Attributes& attributes, const std::vector<unsigned>& data) {
    const Options stated = options(attributes);
    return position_sensitive_shape(attributes, stated.output_dim, stated.pooled_size, data);
  }

  static int forward(const Options* options, const float* data, const float* rois, float* output, int threads) {
    return lhrcnn_ps_roi_pool_forward_f32(options, data, rois, output, threads);
  }
  static int forward(const Options* options, const double* data, const double* rois, double* output, int threads) {
    return lhrcnn_ps_roi_pool_forward_f64(options, data, rois, output, threads);
  }
  static int backward(const Options* options, const float* output_grad, const float*, const float* rois,
                      float* data_grad, int threads) {
    return lhrcnn_ps_roi_pool_backward_f32(options, output_grad, rois, data_grad, threads);
  }
  static int backward(const Options* options, const double* output_grad, const double*, const double* rois,
                      double* data_grad, int threads) {
    return lhrcnn_ps_roi_pool_backward_f64(options, output_grad, rois, data_grad, threads);
  }

#ifdef LHRCNN_WITH_CUDA
  static constexpr auto workspace = lhrcnn_cuda_ps_roi_pool_workspace;
  static constexpr auto forward_f32 = lhrcnn_cuda_ps_roi_pool_forward_f32;
  static constexpr auto forward_f16 = lhrcnn_cuda_ps_roi_pool_forward_f16;

  static int backward_f32(const Options* options, const void* output_grad, const void*, const float* rois,
                          void* data_grad, void* workspace, void* stream) {
    return lhrcnn_cuda_ps_roi_pool_backward_f32(options, output_grad, rois, data_grad, workspace, stream);
  }
  static int backward_f16(const Options* options, const void* output_grad, const void*, const float* rois,
                          void* data_grad, void* workspace, void* stream) {
    return lhrcnn_cuda_ps_roi_pool_backward_f16(options, output_grad, rois, data_grad, workspace, stream);
  }
#endif
};

REGISTER_OP(ps_roi_pool)
    .setParseAttrs(RoiPooling<PsRoiPool>::parse)
    .setInferType(RoiPooling<PsRoiPool>::types)
    .setInferShape(RoiPooling<PsRoiPool>::shapes)
    .setForward(RoiPooling<PsRoiPool>::forward, "cpu")
#ifdef LHRCNN_WITH_CUDA
    .setForward(RoiPooling<PsRoiPool>::forward_on_gpu, "gpu")
    .setBackward(RoiPooling<PsRoiPool>::backward_on_gpu, "gpu")
#endif
    .setBackward(RoiPooling<PsRoiPool>::backward, "cpu");

}  // namespace
}  // namespace lhrcnn
