// What all CUDA sources share: numbers of both types, kernel launches, shared memory, and arrays in a workspace.
//
// Kernels use dynamic shared memory only, so that its size is known where a kernel is launched.
#ifndef LHRCNN_CUDA_DEVICE_CUH_
#define LHRCNN_CUDA_DEVICE_CUH_

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

// Returns from the calling function with the error of a CUDA call, if there is one.
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

// Returns the block's dynamic shared memory.
template <typename T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char lhrcnn_shared[];
  return reinterpret_cast<T*>(lhrcnn_shared);
}

// The first item of work of this thread, and the distance to its next one, where all threads of a launch share the work
// (see launch_for_items).
__device__ inline int64_t first_item() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t item_stride() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

template <typename T>
__host__ __device__ T min_of(T a, T b) { return b < a ? b : a; }

__host__ __device__ inline int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Returns a kernel as the functions of CUDA's runtime take it. In the emulator of tests/operators/cuda, which stands in
// for nvcc, they take the kernel with its type.
#if defined(__CUDACC__)
template <typename Kernel>
const void* kernel_handle(Kernel* kernel) { return reinterpret_cast<const void*>(kernel); }
#else
template <typename Kernel>
Kernel* kernel_handle(Kernel* kernel) { return kernel; }
#endif

// Keeps the compiler from deducing a template parameter from this argument, which is converted instead.
template <typename T>
struct NotDeduced {
  using type = T;
};

// Launches a kernel of one-dimensional blocks, or nothing for 0 blocks. A launch error is returned and cleared, so that
// no later caller of CUDA finds it.
template <typename... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared, cudaStream_t stream,
                   typename NotDeduced<Parameters>::type... arguments) {
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidConfiguration;
  void* pointers[] = {static_cast<void*>(&arguments)...};
  const dim3 grid(static_cast<unsigned>(blocks)), block(static_cast<unsigned>(threads));
  const cudaError_t error = cudaLaunchKernel(kernel_handle(kernel), grid, block, pointers, shared, stream);
  if (error != cudaSuccess) cudaGetLastError();
  return error;
}

// Launches a kernel whose threads share `items` items of work.
template <typename... Parameters>
cudaError_t launch_for_items(void (*kernel)(Parameters...), int64_t items, cudaStream_t stream,
                             typename NotDeduced<Parameters>::type... arguments) {
  constexpr int kThreads = 256, kMaxBlocks = 1 << 16;
  return launch(kernel, min_of<int64_t>(ceil_divide(items, kThreads), kMaxBlocks), kThreads, 0, stream, arguments...);
}

// Reads an attribute of the current device.
inline cudaError_t device_attribute(cudaDeviceAttr attribute, int* value) {
  int device = 0;
  LHRCNN_TRY(cudaGetDevice(&device));
  return cudaDeviceGetAttribute(value, attribute, device);
}

// Allows a kernel `bytes` of shared memory. CUDA wants to be asked for more than 48 KiB.
template <typename... Parameters>
cudaError_t allow_shared_memory(void (*kernel)(Parameters...), int64_t bytes) {
  if (bytes <= 48 << 10) return cudaSuccess;
  return cudaFuncSetAttribute(kernel_handle(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                              static_cast<int>(bytes));
}

// Divides one piece of device memory into arrays. Made with a null pointer it hands out null pointers and only adds up
// the bytes: the functions ..._workspace of kernels.h use that.
class Workspace {
 public:
  explicit Workspace(void* memory) : memory_(static_cast<unsigned char*>(memory)) {}

  template <typename T>
  T* allocate(int64_t count) {
    constexpr size_t kAlignment = 256;
    T* array = memory_ ? reinterpret_cast<T*>(memory_ + bytes_) : nullptr;
    bytes_ += (static_cast<size_t>(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return array;
  }

  // How many bytes have been handed out.
  size_t bytes() const { return bytes_; }

 private:
  unsigned char* memory_;
  size_t bytes_ = 0;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CUDA_DEVICE_CUH_
