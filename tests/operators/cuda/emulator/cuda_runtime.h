// An emulator of the part of CUDA that the kernels use, on the CPU: with it g++ compiles the .cu files as C++.
//
// The threads of a block are fibres of one thread of the CPU, and blocks run one after another. A fibre runs until it
// waits at __syncthreads or ends, and then the next one runs, in an order that the tests choose: if the order changes
// the result, there is a race. Device memory is the memory of the CPU. A launch ends with an error where CUDA's
// behaviour is undefined: if threads of a block wait at different barriers, if some have ended while others wait, or if
// shared memory is written beyond its end. Shared memory is dynamic and full of NaN at first.
#ifndef LHRCNN_EMULATOR_CUDA_RUNTIME_H_
#define LHRCNN_EMULATOR_CUDA_RUNTIME_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __shared__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(threads)

struct dim3 {
  unsigned x, y, z;
  explicit dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorLaunchFailure = 719
};
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16, cudaDevAttrMaxSharedMemoryPerBlockOptin = 97 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
using cudaStream_t = struct CUstream_st*;

namespace emulator {

extern dim3 thread_index, block_index, block_size, grid_size;

// Waits until all threads of the block wait here.
void barrier(int line);

cudaError_t run(const dim3& grid, const dim3& block, size_t shared, size_t shared_limit,
                const std::function<void()>& kernel);

// How much shared memory a kernel may have: 48 KiB, or what cudaFuncSetAttribute set.
size_t& shared_limit(const void* kernel);

template <typename... Parameters, size_t... I>
void call(void (*kernel)(Parameters...), void** arguments, std::index_sequence<I...>) {
  kernel(*static_cast<typename std::remove_reference<Parameters>::type*>(arguments[I])...);
}

}  // namespace emulator

#define threadIdx ::emulator::thread_index
#define blockIdx ::emulator::block_index
#define blockDim ::emulator::block_size
#define gridDim ::emulator::grid_size
#define __syncthreads() ::emulator::barrier(__LINE__)

template <typename... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments, size_t shared,
                             cudaStream_t) {
  return emulator::run(grid, block, shared, emulator::shared_limit(reinterpret_cast<const void*>(kernel)),
                       [=] { emulator::call(kernel, arguments, std::index_sequence_for<Parameters...>()); });
}

template <typename... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute, int value) {
  emulator::shared_limit(reinterpret_cast<const void*>(kernel)) = static_cast<size_t>(value);
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream);

inline uint32_t __float_as_uint(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float __uint_as_float(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }

inline unsigned atomicOr(unsigned* word, unsigned bits) {
  const unsigned before = *word;
  *word |= bits;
  return before;
}

#endif  // LHRCNN_EMULATOR_CUDA_RUNTIME_H_
