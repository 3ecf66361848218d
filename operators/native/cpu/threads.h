// Threads for kernels: OpenMP, from which no exception may escape.
#ifndef LHRCNN_CPU_THREADS_H_
#define LHRCNN_CPU_THREADS_H_

#include <cstdint>
#include <new>

namespace lhrcnn {

// At least one thread, and no more than there is work for.
inline int useful_threads(int threads, int64_t work) {
  if (threads > work) threads = static_cast<int>(work);
  return threads < 1 ? 1 : threads;
}

// Calls work(0) .. work(threads - 1) at once, and throws bad_alloc where one of them does.
template <typename Work>
void in_threads(int threads, const Work& work) {
  bool failed = false;
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(|| : failed)
  for (int thread = 0; thread < threads; ++thread) {
    try {
      work(thread);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
  }
  if (failed) throw std::bad_alloc();
}

// What a kernel's entry function returns: 0, or 1 where `work` ran out of memory.
template <typename Work>
int status_of(const Work& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_THREADS_H_
