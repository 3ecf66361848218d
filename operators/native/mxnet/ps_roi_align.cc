// Registers the operators with MXNet: reads attributes, checks inputs and hands pointers to the kernels.
#include <omp.h>

#include <climits>

#include "kernels.h"
#include "mxnet_api.h"

namespace lhrcnn {
namespace {

using mxnet::ext::MXReturnValue;
using mxnet::ext::MXTensor;
using mxnet::ext::OpResource;
using Shape = std::vector<unsigned>;

constexpr unsigned kUnknown = UINT_MAX;  // MXNet's -1, cast

// ---- ps_roi_align -------------------------------------------------------------------------------------------------

const char* const kPsRoiAlign = "ps_roi_align";

Attributes ps_roi_align_attributes(const AttributeMap& values) {
  return Attributes(kPsRoiAlign, values, {"output_dim", "pooled_size", "spatial_scale", "sampling_ratio", "mode",
                                          "aligned", "border"});
}

LhrcnnPsRoiAlign ps_roi_align_options(const AttributeMap& values) {
  const Attributes attributes = ps_roi_align_attributes(values);
  LhrcnnPsRoiAlign options = {};
  options.output_dim = attributes.integer("output_dim", 1, 1 << 20);
  options.pooled_size = attributes.integer("pooled_size", 1, 1 << 10);
  options.spatial_scale = attributes.positive("spatial_scale");
  options.sampling_ratio = attributes.integer("sampling_ratio", 1, 64, 2);
  if (attributes.choice("mode", {"avg", "max"}) == 1) attributes.reject("mode", "'max' is not there yet, only 'avg' is");
  options.aligned = attributes.boolean("aligned", false);
  options.border = attributes.choice("border", {"clamp", "zero"}) ? LHRCNN_BORDER_ZERO : LHRCNN_BORDER_CLAMP;
  return options;
}

MXReturnValue ps_roi_align_parse(const AttributeMap& values, int* inputs, int* outputs) {
  return guarded([&] {
    ps_roi_align_options(values);
    *inputs = 2;
    *outputs = 1;
  });
}

MXReturnValue ps_roi_align_types(const AttributeMap& values, std::vector<int>* inputs, std::vector<int>* outputs) {
  return guarded([&] {
    const Attributes attributes = ps_roi_align_attributes(values);
    int& data = inputs->at(0);
    int& rois = inputs->at(1);
    if (data == -1) data = rois;
    if (rois == -1) rois = data;
    if (data != -1 && data != mxnet::ext::kFloat32 && data != mxnet::ext::kFloat64) {
      attributes.reject("data", "must be float32 or float64");
    }
    if (rois != data) attributes.reject("rois", "must have the type of data");
    outputs->at(0) = data;
  });
}

MXReturnValue ps_roi_align_shapes(const AttributeMap& values, std::vector<Shape>* inputs, std::vector<Shape>* outputs) {
  return guarded([&] {
    const Attributes attributes = ps_roi_align_attributes(values);
    const LhrcnnPsRoiAlign options = ps_roi_align_options(values);
    const Shape& data = inputs->at(0);
    const Shape& rois = inputs->at(1);
    const int64_t channels = int64_t(options.output_dim) * options.pooled_size * options.pooled_size;
    if (data.empty()) attributes.reject("data", "has an unknown shape");
    if (rois.empty()) attributes.reject("rois", "has an unknown shape");
    if (data.size() != 4) attributes.reject("data", "must be (N, C, H, W), got " + to_string(data));
    for (unsigned size : data) {
      if (size == 0 || size == kUnknown) attributes.reject("data", "has an unknown or empty axis: " + to_string(data));
    }
    if (data[1] != channels) {
      attributes.reject("data", "must have output_dim * pooled_size^2 = " + std::to_string(channels) +
                                    " channels, got " + std::to_string(data[1]));
    }
    if (rois.size() != 2 || rois[1] != 5) attributes.reject("rois", "must be (R, 5), got " + to_string(rois));
    if (rois[0] == kUnknown) attributes.reject("rois", "has an unknown number of rows");
    const unsigned pooled = static_cast<unsigned>(options.pooled_size);
    outputs->at(0) = {rois[0], static_cast<unsigned>(options.output_dim), pooled, pooled};
  });
}

LhrcnnPsRoiAlign ps_roi_align_call(const AttributeMap& values, const std::vector<int64_t>& data, int64_t rois) {
  LhrcnnPsRoiAlign options = ps_roi_align_options(values);
  options.images = data[0];
  options.height = data[2];
  options.width = data[3];
  options.rois = rois;
  return options;
}

void check_memory(int failed) {
  if (failed) throw std::runtime_error(std::string(kPsRoiAlign) + ": out of memory");
}

MXReturnValue ps_roi_align_forward(const AttributeMap& values, std::vector<MXTensor>* inputs,
                                   std::vector<MXTensor>* outputs, const OpResource&) {
  return guarded([&] {
    MXTensor &data = inputs->at(0), &rois = inputs->at(1), &output = outputs->at(0);
    const LhrcnnPsRoiAlign call = ps_roi_align_call(values, data.shape, rois.shape[0]);
    const int threads = omp_get_max_threads();
    check_memory(data.dtype == mxnet::ext::kFloat64
                     ? lhrcnn_ps_roi_align_forward_f64(&call, data.data<double>(), rois.data<double>(),
                                                       output.data<double>(), threads)
                     : lhrcnn_ps_roi_align_forward_f32(&call, data.data<float>(), rois.data<float>(),
                                                       output.data<float>(), threads));
  });
}

// MXNet passes the gradient of the output, then the inputs, then the output.
MXReturnValue ps_roi_align_backward(const AttributeMap& values, std::vector<MXTensor>* inputs,
                                    std::vector<MXTensor>* outputs, const OpResource&) {
  return guarded([&] {
    MXTensor &output_grad = inputs->at(0), &rois = inputs->at(2);
    MXTensor &data_grad = outputs->at(0), &rois_grad = outputs->at(1);
    const LhrcnnPsRoiAlign call = ps_roi_align_call(values, data_grad.shape, rois.shape[0]);
    const int threads = omp_get_max_threads();
    const bool wide = output_grad.dtype == mxnet::ext::kFloat64;
    check_memory(wide ? lhrcnn_ps_roi_align_backward_f64(&call, output_grad.data<double>(), nullptr, rois.data<double>(),
                                                         data_grad.data<double>(), threads)
                      : lhrcnn_ps_roi_align_backward_f32(&call, output_grad.data<float>(), nullptr, rois.data<float>(),
                                                         data_grad.data<float>(), threads));
    memset(rois_grad.data<char>(), 0, rois_grad.size() * (wide ? sizeof(double) : sizeof(float)));
  });
}

REGISTER_OP(ps_roi_align)
    .setParseAttrs(ps_roi_align_parse)
    .setInferType(ps_roi_align_types)
    .setInferShape(ps_roi_align_shapes)
    .setForward(ps_roi_align_forward, "cpu")
    .setBackward(ps_roi_align_backward, "cpu");

}  // namespace
}  // namespace lhrcnn
