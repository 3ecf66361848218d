// Kernels with deliberate faults, which the emulator must notice.
#include "device.cuh"
#include "kernels.h"

namespace lhrcnn {
namespace {

// Each thread reads what the next thread writes, with or without a barrier in between.
__global__ void shift(float* values, bool wait) {
  float* shared = dynamic_shared<float>();
  const int i = threadIdx.x;
  shared[i] = static_cast<float>(i);
  if (wait) __syncthreads();
  values[i] = shared[(i + 1) % 32];
}

// Only the threads from first_to_wait on wait at the barrier.
__global__ void wait_partly(int first_to_wait) {
  if (static_cast<int>(threadIdx.x) >= first_to_wait) __syncthreads();
}

// Even and odd threads wait at different barriers.
__global__ void wait_apart() {
  if (threadIdx.x % 2) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

// Writes element number `elements` of a shared array of four.
__global__ void overrun(int elements) {
  if (threadIdx.x == 0) dynamic_shared<float>()[elements] = 0;
}

}  // namespace
}  // namespace lhrcnn

extern "C" {

LHRCNN_EXPORT int shift(float* values, int wait) {
  return lhrcnn::launch(lhrcnn::shift, 1, 32, 32 * sizeof(float), nullptr, values, wait != 0);
}
LHRCNN_EXPORT int wait_partly(int first_to_wait) {
  return lhrcnn::launch(lhrcnn::wait_partly, 1, 32, 0, nullptr, first_to_wait);
}
LHRCNN_EXPORT int wait_apart() { return lhrcnn::launch(lhrcnn::wait_apart, 1, 32, 0, nullptr); }
LHRCNN_EXPORT int overrun(int elements) {
  return lhrcnn::launch(lhrcnn::overrun, 1, 32, 4 * sizeof(float), nullptr, elements);
}
// A launch with `bytes` of shared memory.
LHRCNN_EXPORT int use_shared(int bytes) { return lhrcnn::launch(lhrcnn::wait_partly, 1, 32, bytes, nullptr, 32); }

}  // extern "C"
