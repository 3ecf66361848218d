// What the operators' functions for GPUs share. Empty in a library that is built without GPU kernels.
#ifndef LHRCNN_MXNET_GPU_H_
#define LHRCNN_MXNET_GPU_H_

#ifdef LHRCNN_WITH_CUDA

#include <string>

#include "kernels.h"
#include "mxnet_api.h"

namespace lhrcnn {

// A call of a GPU kernel: its number type, its workspace and its stream.
class GpuCall {
 public:
  // Throws an error about the input `name` if its type is neither float32 nor float16, or if the workspace is larger
  // than MXNet can give.
  GpuCall(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input,
          size_t workspace_bytes, const mxnet::ext::OpResource& resource);

  bool half() const { return half_; }
  void* workspace() const { return workspace_; }
  void* stream() const { return stream_; }

  // Throws if a function of kernels.h returned an error.
  void check(int error) const;

  void fill_zero(const mxnet::ext::MXTensor& tensor) const;

 private:
  bool half_;
  void *workspace_, *stream_;
};

// The same as zero_gradients in mxnet_api.h, on the GPU.
mxnet::ext::MXReturnValue zero_gradients_on_gpu(const AttributeMap& values, std::vector<mxnet::ext::MXTensor>* inputs,
                                                std::vector<mxnet::ext::MXTensor>* outputs,
                                                const mxnet::ext::OpResource& resource);

}  // namespace lhrcnn

#endif  // LHRCNN_WITH_CUDA

#endif  // LHRCNN_MXNET_GPU_H_
