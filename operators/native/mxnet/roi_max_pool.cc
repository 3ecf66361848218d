// Registers roi_max_pool with MXNet. What it shares with the other pooling operators is in roi_pooling.h.
#include "kernels.h"
#include "roi_pooling.h"

namespace lhrcnn {
namespace {

struct RoiMaxPool {
  using Options = LhrcnnRoiMaxPool;

  static Attributes attributes(const AttributeMap& values) {
    return Attributes("roi_max_pool", values, {"pooled_height", "pooled_width", "spatial_scale"});
  }

  static Options options(const Attributes& attributes) {
    Options options = {};
    options.pooled_height = attributes.integer("pooled_height", 1, 1 << 10);
    options.pooled_width = attributes.integer("pooled_width", 1, 1 << 10);
    options.spatial_scale = attributes.positive("spatial_scale");
    return options;
  }

  static std::vector<unsigned> pooled_shape(const Attributes& attributes, const std::vector<unsigned>& data) {
    const Options stated = options(attributes);
    return {data[1], static_cast<unsigned>(stated.pooled_height), static_cast<unsigned>(stated.pooled_width)};
  }

  static int forward(const Options* options, const float* data, const float* rois, float* output, int threads) {
    return lhrcnn_roi_max_pool_forward_f32(options, data, rois, output, threads);
  }
  static int forward(const Options* options, const double* data, const double* rois, double* output, int threads) {
    return lhrcnn_roi_max_pool_forward_f64(options, data, rois, output, threads);
  }
  static int backward(const Options* options, const float* output_grad, const float* data, const float* rois,
                      float* data_grad, int threads) {
    return lhrcnn_roi_max_pool_backward_f32(options, output_grad, data, rois, data_grad, threads);
  }
  static int backward(const Options* options, const double* output_grad, const double* data, const double* rois,
                      double* data_grad, int threads) {
    return lhrcnn_roi_max_pool_backward_f64(options, output_grad, data, rois, data_grad, threads);
  }

#ifdef LHRCNN_WITH_CUDA
  static constexpr auto workspace = lhrcnn_cuda_roi_max_pool_workspace;
  static constexpr auto forward_f32 = lhrcnn_cuda_roi_max_pool_forward_f32;
  static constexpr auto forward_f16 = lhrcnn_cuda_roi_max_pool_forward_f16;
  static constexpr auto backward_f32 = lhrcnn_cuda_roi_max_pool_backward_f32;
  static constexpr auto backward_f16 = lhrcnn_cuda_roi_max_pool_backward_f16;
#endif
};

REGISTER_OP(roi_max_pool)
    .setParseAttrs(RoiPooling<RoiMaxPool>::parse)
    .setInferType(RoiPooling<RoiMaxPool>::types)
    .setInferShape(RoiPooling<RoiMaxPool>::shapes)
    .setForward(RoiPooling<RoiMaxPool>::forward, "cpu")
#ifdef LHRCNN_WITH_CUDA
    .setForward(RoiPooling<RoiMaxPool>::forward_on_gpu, "gpu")
    .setBackward(RoiPooling<RoiMaxPool>::backward_on_gpu, "gpu")
#endif
    .setBackward(RoiPooling<RoiMaxPool>::backward, "cpu");

}  // namespace
}  // namespace lhrcnn
