// What the registrations of ps_roi_align and ps_roi_pool with MXNet share. Both have the inputs (data, rois) and one
// output.
#ifndef LHRCNN_MXNET_ROI_POOLING_H_
#define LHRCNN_MXNET_ROI_POOLING_H_

#include <omp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gpu.h"
#include "mxnet_api.h"

namespace lhrcnn {

// Checks the shapes of data and rois and infers the shape of the output.
void infer_pooled_shape(const Attributes& attributes, int output_dim, int pooled_size,
                        std::vector<std::vector<unsigned>>* inputs, std::vector<std::vector<unsigned>>* outputs);

void fill_zero(mxnet::ext::MXTensor* tensor);

// The functions that MXNet calls for one of the operators. `Op` describes the operator and has:
//
// - Options, the struct of kernels.h;
// - attributes(values), the attributes, checked for unknown names;
// - options(attributes), the options that the attributes state, with sizes of 0;
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
      const auto options = Op::options(attributes);
      infer_pooled_shape(attributes, options.output_dim, options.pooled_size, inputs, outputs);
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
    return options;
  }

  static void check(const AttributeMap& values, int failed) {
    if (failed) Op::attributes(values).reject("data", "is too large: out of memory");
  }
};

}  // namespace lhrcnn

#endif  // LHRCNN_MXNET_ROI_POOLING_H_
