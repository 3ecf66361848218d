// Threads for the CPU kernels. They are OpenMP's, and no exception may leave an OpenMP loop.
#ifndef LHRCNN_CPU_THREADS_H_
#define LHRCNN_CPU_THREADS_H_

#include <cstdint>
#include <new>

namespace lhrcnn {

// Returns `threads`, but at least 1 and no more than there are items of work.
inline int limit_threads(int threads, int64_t items) {
  if (threads > items) threads = static_cast<int>(items);
  return threads < 1 ? 1 : threads;
}

// Calls work(0) .. work(threads - 1), each in a thread of its own. Throws bad_alloc if any of the calls does.
template <typename Work>
void run_in_threads(int threads, const Work& work) {
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

// Calls work() and returns the status that the functions of kernels.h return: 0, or 1 if memory ran out.
template <typename Work>
int run_with_status(const Work& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_THREADS_H_
