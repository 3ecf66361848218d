// The functions of gpu.h.
#include "gpu.h"

#ifdef LHRCNN_WITH_CUDA

#include <climits>

namespace lhrcnn {
namespace {

size_t bytes_of(const mxnet::ext::MXTensor& tensor) {
  const size_t item = tensor.dtype == mxnet::ext::kFloat16 ? 2 : tensor.dtype == mxnet::ext::kFloat64 ? 8 : 4;
  return static_cast<size_t>(tensor.size()) * item;
}

void check_error(int error) {
  if (!error) return;
  throw std::runtime_error(std::string("a GPU kernel of light_head_rcnn failed with the CUDA error: ") +
                           lhrcnn_cuda_message(error));
}

}  // namespace

GpuCall::GpuCall(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input,
                 size_t workspace_bytes, const mxnet::ext::OpResource& resource)
    : half_(input.dtype == mxnet::ext::kFloat16), workspace_(nullptr),
      stream_(resource.get_cuda_stream()) {
  if (!half_ && input.dtype != mxnet::ext::kFloat32) attributes.reject(name, "must be float32 or float16 on a GPU");
  if (workspace_bytes > INT_MAX) {
    attributes.reject(name, "is too large: the kernel needs " + std::to_string(workspace_bytes) +
                                " bytes of workspace, and MXNet gives at most 2 GiB");
  }
  if (workspace_bytes) workspace_ = resource.alloc_gpu(static_cast<int>(workspace_bytes));
}

void GpuCall::check(int error) const { check_error(error); }

void GpuCall::fill_zero(const mxnet::ext::MXTensor& tensor) const {
  check_error(lhrcnn_cuda_fill_zero(tensor.data_ptr, bytes_of(tensor), stream_));
}

mxnet::ext::MXReturnValue zero_gradients_on_gpu(const AttributeMap&, std::vector<mxnet::ext::MXTensor>*,
                                                std::vector<mxnet::ext::MXTensor>* outputs,
                                                const mxnet::ext::OpResource& resource) {
  return catch_errors([&] {
    for (const mxnet::ext::MXTensor& grad : *outputs) {
      check_error(lhrcnn_cuda_fill_zero(grad.data_ptr, bytes_of(grad), resource.get_cuda_stream()));
    }
  });
}

}  // namespace lhrcnn

#endif  // LHRCNN_WITH_CUDA
