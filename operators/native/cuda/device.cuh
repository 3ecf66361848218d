// What all CUDA sources share: numbers of both types, launches, shared memory, and the layout of workspaces.
//
// Shared memory is always dynamic, so that its size is known where a kernel is launched.
#ifndef LHRCNN_CUDA_DEVICE_CUH_
#define LHRCNN_CUDA_DEVICE_CUH_

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

// Returns the error of a call, if any.
#define LHRCNN_TRY(call)                                            \
  do {                                                              \
    const cudaError_t lhrcnn_error = (call);                        \
    if (lhrcnn_error != cudaSuccess) return lhrcnn_error;           \
  } while (0)

namespace lhrcnn {

using Half = __half;

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(Half value) { return __half2float(value); }

template <typename T>
__device__ T from_float(float value);
template <>
__device__ inline float from_float<float>(float value) { return value; }
template <>
__device__ inline Half from_float<Half>(float value) { return __float2half_rn(value); }

template <typename T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char lhrcnn_shared[];
  return reinterpret_cast<T*>(lhrcnn_shared);
}

// For loops in which all threads of a launch share the work, see launch_each.
__device__ inline int64_t first_item() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t item_stride() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

template <typename T>
__host__ __device__ T smaller(T a, T b) { return b < a ? b : a; }

__host__ __device__ inline int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// A kernel as CUDA's runtime knows it. Without nvcc CUDA is emulated (see tests/operators/cuda), by the kernel's type.
#if defined(__CUDACC__)
template <typename Kernel>
const void* handle(Kernel* kernel) { return reinterpret_cast<const void*>(kernel); }
#else
template <typename Kernel>
Kernel* handle(Kernel* kernel) { return kernel; }
#endif

template <typename T>
struct Exactly {
  using type = T;
};

// Launches a kernel of one-dimensional blocks. An error is returned, not left for whoever asks next.
template <typename... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared, cudaStream_t stream,
                   typename Exactly<Parameters>::type... arguments) {
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidConfiguration;
  void* pointers[] = {static_cast<void*>(&arguments)...};
  const dim3 grid(static_cast<unsigned>(blocks)), block(static_cast<unsigned>(threads));
  const cudaError_t error = cudaLaunchKernel(handle(kernel), grid, block, pointers, shared, stream);
  if (error != cudaSuccess) cudaGetLastError();
  return error;
}

// Launches a kernel whose threads share `items` pieces of work.
template <typename... Parameters>
cudaError_t launch_each(void (*kernel)(Parameters...), int64_t items, cudaStream_t stream,
                        typename Exactly<Parameters>::type... arguments) {
  constexpr int kThreads = 256, kMostBlocks = 1 << 16;
  return launch(kernel, smaller<int64_t>(ceil_divide(items, kThreads), kMostBlocks), kThreads, 0, stream,
                arguments...);
}

// An attribute of the current device.
inline cudaError_t device_attribute(cudaDeviceAttr attribute, int* value) {
  int device = 0;
  LHRCNN_TRY(cudaGetDevice(&device));
  return cudaDeviceGetAttribute(value, attribute, device);
}

// Lets a kernel have more shared memory than the 48 KiB that any may have.
template <typename... Parameters>
cudaError_t allow_shared(void (*kernel)(Parameters...), int64_t bytes) {
  if (bytes <= 48 << 10) return cudaSuccess;
  return cudaFuncSetAttribute(handle(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
}

// Hands out arrays from one piece of memory; from null it only counts the bytes.
class Workspace {
 public:
  explicit Workspace(void* memory) : memory_(static_cast<unsigned char*>(memory)) {}

  template <typename T>
  T* take(int64_t count) {
    constexpr size_t kAlignment = 256;
    T* array = memory_ ? reinterpret_cast<T*>(memory_ + bytes_) : nullptr;
    bytes_ += (static_cast<size_t>(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return array;
  }

  size_t bytes() const { return bytes_; }

 private:
  unsigned char* memory_;
  size_t bytes_ = 0;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_DEVICE_CUH_
