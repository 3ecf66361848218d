// The registration's side of GPUs, where the kernels for them are in.
#ifndef LHRCNN_MXNET_GPU_H_
#define LHRCNN_MXNET_GPU_H_

#ifdef LHRCNN_WITH_CUDA

#include <string>

#include "kernels.h"
#include "mxnet_api.h"

namespace lhrcnn {

// What a kernel on the GPU needs beside its inputs and outputs.
class GpuCall {
 public:
  // Throws about the input `name` unless its type is float32 or float16, and where MXNet has no workspace of that size.
  GpuCall(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input,
          size_t workspace_bytes, const mxnet::ext::OpResource& resource);

  bool half() const { return half_; }
  void* workspace() const { return workspace_; }
  void* stream() const { return stream_; }

  // Throws where the answer of a function of kernels.h is an error.
  void check(int error) const;

  void fill_zero(const mxnet::ext::MXTensor& tensor) const;

 private:
  bool half_;
  void *workspace_, *stream_;
};

// As zero_gradients.
mxnet::ext::MXReturnValue zero_gradients_on_gpu(const AttributeMap& values, std::vector<mxnet::ext::MXTensor>* inputs,
                                                std::vector<mxnet::ext::MXTensor>* outputs,
                                                const mxnet::ext::OpResource& resource);

}  // namespace lhrcnn

#endif  // LHRCNN_WITH_CUDA

#endif  // LHRCNN_MXNET_GPU_H_
