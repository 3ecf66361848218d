// The functions of kernels.h that wrap CUDA's runtime, so that the registration with MXNet needs no header of CUDA.
#include <cuda_runtime.h>

#include "kernels.h"

int lhrcnn_cuda_fill_zero(void* memory, size_t bytes, void* stream) {
  return cudaMemsetAsync(memory, 0, bytes, static_cast<cudaStream_t>(stream));
}

const char* lhrcnn_cuda_message(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }
