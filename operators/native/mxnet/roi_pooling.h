// What the registrations of ps_roi_align, ps_roi_pool and roi_max_pool with MXNet share. All have the inputs (data, rois)
// and one output.
#ifndef LHRCNN_MXNET_ROI_POOLING_H_
#define LHRCNN_MXNET_ROI_POOLING_H_

#include <omp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gpu.h"
#include "kernels.h"
#include "mxnet_api.h"

namespace lhrcnn {

// Checks the shapes of data and rois.
void check_pooled_inputs(const Attributes& attributes, const std::vector<std::vector<unsigned>>& inputs);

// Checks the channels of a position-sensitive map and returns the shape (channels, height, width) of a pooled RoI.
std::vector<unsigned> position_sensitive_shape(const Attributes& attributes, int output_dim, int pooled_size,
                                               const std::vector<unsigned>& data);

void fill_zero(mxnet::ext::MXTensor* tensor);

// Sets the number of channels where it is that of the map; attributes state it otherwise.
inline void set_channels(LhrcnnRoiMaxPool* options, int64_t channels) {
  options->channels = static_cast<int32_t>(channels);
}
template <typename Options>
void set_channels(Options*, int64_t) {}

// The functions that MXNet calls for one of the operators. `Op` describes the operator and has:
//
// - Options, the struct of kernels.h;
// - attributes(values), the attributes, checked for unknown names;
// - options(attributes), the options that the attributes state, with sizes of 0;
// - pooled_shape(attributes, data), the shape (channels, height, width) of a pooled RoI for the shape of data, checked;
// - forward(options, data, rois, output, threads) and
//   backward(options, output_grad, data, rois, data_grad, threads) for float and double, which return the status of the
//   CPU kernels;
// - with GPU kernels also workspace, forward_f32, forward_f16, backward_f32 and backward_f16 of kernels.h; the last two
//   take (options, output_grad, data, rois, data_grad, workspace, stream).
template <typename Op>
struct RoiPooling {
  using MXReturnValue = mxnet::ext::MXReturnValue;
  using Tensors = std::vector<mxnet::ext::MXTensor>;

  static MXReturnValue parse(const AttributeMap& values, int* inputs, int* outputs) {
    return catch_errors([&] {
      Op::options(Op::attributes(values));
      *inputs = 2;
      *outputs = 1;
    });
  }

  static MXReturnValue types(const AttributeMap& values, std::vector<int>* inputs, std::vector<int>* outputs) {
    return catch_errors([&] { infer_types(Op::attributes(values), {"data", "rois"}, 1, true, inputs, outputs); });
  }

  static MXReturnValue shapes(const AttributeMap& values, std::vector<std::vector<unsigned>>* inputs,
                              std::vector<std::vector<unsigned>>* outputs) {
    return catch_errors([&] {
      const Attributes attributes = Op::attributes(values);
      check_pooled_inputs(attributes, *inputs);
      const std::vector<unsigned> pooled = Op::pooled_shape(attributes, inputs->at(0));
      outputs->at(0) = {inputs->at(1)[0], pooled[0], pooled[1], pooled[2]};
    });
  }

  static MXReturnValue forward(const AttributeMap& values, Tensors* inputs, Tensors* outputs,
                               const mxnet::ext::OpResource&) {
    return catch_errors([&] {
      check_cpu_type(Op::attributes(values), "data", inputs->at(0));
      if (inputs->at(0).dtype == mxnet::ext::kFloat64) forward_of<double>(values, *inputs, *outputs);
      else forward_of<float>(values, *inputs, *outputs);
    });
  }

  static MXReturnValue backward(const AttributeMap& values, Tensors* inputs, Tensors* outputs,
                                const mxnet::ext::OpResource&) {
    return catch_errors([&] {
      check_cpu_type(Op::attributes(values), "data", inputs->at(1));
      if (inputs->at(0).dtype == mxnet::ext::kFloat64) backward_of<double>(values, *inputs, *outputs);
      else backward_of<float>(values, *inputs, *outputs);
      fill_zero(&outputs->at(1));  // the operator has no gradient with respect to rois
    });
  }

#ifdef LHRCNN_WITH_CUDA
  static MXReturnValue forward_on_gpu(const AttributeMap& values, Tensors* inputs, Tensors* outputs,
                                      const mxnet::ext::OpResource& resource) {
    return catch_errors([&] {
      const mxnet::ext::MXTensor &data = inputs->at(0), &rois = inputs->at(1);
      const auto options = sized_options(values, data, rois);
      const GpuCall call(Op::attributes(values), "data", data, Op::workspace(&options), resource);
      const auto kernel = call.half() ? +Op::forward_f16 : +Op::forward_f32;
      call.check(kernel(
          &options, data.data_ptr, static_cast<const float*>(rois.data_ptr), outputs->at(0).data_ptr, call.workspace(),
          call.stream()));
    });
  }

  static MXReturnValue backward_on_gpu(const AttributeMap& values, Tensors* inputs, Tensors* outputs,
                                       const mxnet::ext::OpResource& resource) {
    return catch_errors([&] {
      const mxnet::ext::MXTensor &data = inputs->at(1), &rois = inputs->at(2);
      const auto options = sized_options(values, data, rois);
      const GpuCall call(Op::attributes(values), "data", data, Op::workspace(&options), resource);
      const auto kernel = call.half() ? +Op::backward_f16 : +Op::backward_f32;
      call.check(kernel(
          &options, inputs->at(0).data_ptr, data.data_ptr, static_cast<const float*>(rois.data_ptr),
          outputs->at(0).data_ptr, call.workspace(), call.stream()));
      call.fill_zero(outputs->at(1));
    });
  }
#endif

 private:
  template <typename T>
  static void forward_of(const AttributeMap& values, Tensors& inputs, Tensors& outputs) {
    const auto options = sized_options(values, inputs[0], inputs[1]);
    check(values, Op::forward(&options, inputs[0].data<T>(), inputs[1].data<T>(), outputs[0].data<T>(),
                              omp_get_max_threads()));
  }

  // `inputs` are the gradient of the output, the inputs of the forward pass and its output, in this order.
  template <typename T>
  static void backward_of(const AttributeMap& values, Tensors& inputs, Tensors& outputs) {
    const auto options = sized_options(values, inputs[1], inputs[2]);
    check(values, Op::backward(&options, inputs[0].data<T>(), inputs[1].data<T>(), inputs[2].data<T>(),
                               outputs[0].data<T>(), omp_get_max_threads()));
  }

  static typename Op::Options sized_options(const AttributeMap& values, const mxnet::ext::MXTensor& data,
                                            const mxnet::ext::MXTensor& rois) {
    typename Op::Options options = Op::options(Op::attributes(values));
    options.images = data.shape[0];
    options.height = data.shape[2];
    options.width = data.shape[3];
    options.rois = rois.shape[0];
    set_channels(&options, data.shape[1]);
    return options;
  }

  static void check(const AttributeMap& values, int failed) {
    if (failed) Op::attributes(values).reject("data", "is too large: out of memory");
  }
};

}  // namespace lhrcnn

#endif  // LHRCNN_MXNET_ROI_POOLING_H_
