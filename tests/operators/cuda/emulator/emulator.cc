// The fibres that stand for the threads of a block, and the functions of CUDA's runtime.
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <vector>

#include "cuda_runtime.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace lhrcnn {
alignas(16) unsigned char lhrcnn_shared[(228 << 10) + 4096];  // what `extern __shared__` declares in device.cuh
}

namespace emulator {

dim3 thread_index, block_index, block_size, grid_size;

namespace {

constexpr size_t kStackBytes = 1 << 17;
constexpr unsigned char kPoison = 0xff;
constexpr size_t kGuardBytes = 4096;  // behind the shared memory of a launch

enum class Order { kForward, kReversed, kRandom };
Order order = Order::kForward;

struct Fibre {
  ucontext_t context;
  void* stack;
  void* fake_stack;
  int line;  // of the barrier at which the fibre waits; 0 if it has not begun, -1 if it has ended
};

std::vector<Fibre> fibres;
ucontext_t scheduler;
const void* scheduler_stack;
size_t scheduler_stack_bytes;
Fibre* running;
const std::function<void()>* body;

// AddressSanitizer must be told when the stack changes.
void leave([[maybe_unused]] void** fake_stack, [[maybe_unused]] const void* stack, [[maybe_unused]] size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
#endif
}

void arrive([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void** stack, [[maybe_unused]] size_t* bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, stack, bytes);
#endif
}

void guard_shared([[maybe_unused]] size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(lhrcnn::lhrcnn_shared, sizeof lhrcnn::lhrcnn_shared);
  __asan_poison_memory_region(lhrcnn::lhrcnn_shared + bytes, sizeof lhrcnn::lhrcnn_shared - bytes);
#endif
}

void begin_fibre() {
  arrive(nullptr, &scheduler_stack, &scheduler_stack_bytes);
  (*body)();
  running->line = -1;
  leave(nullptr, scheduler_stack, scheduler_stack_bytes);
  swapcontext(&running->context, &scheduler);
}

void resume(Fibre* fibre) {
  running = fibre;
  void* fake_stack = nullptr;
  leave(&fake_stack, fibre->stack, kStackBytes);
  swapcontext(&scheduler, &fibre->context);
  arrive(fake_stack, nullptr, nullptr);
}

void prepare(size_t threads) {
  while (fibres.size() < threads) {
    fibres.emplace_back();
    fibres.back().stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  for (size_t i = 0; i < threads; ++i) {
    Fibre& fibre = fibres[i];
    fibre.line = 0;
    fibre.fake_stack = nullptr;
    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack;
    fibre.context.uc_stack.ss_size = kStackBytes;
    makecontext(&fibre.context, begin_fibre, 0);
  }
}

bool fail(const char* what) {
  std::fprintf(stderr, "emulator: %s\n", what);
  return false;
}

std::vector<size_t> sequence(size_t count) {
  static std::mt19937 generator(0);
  std::vector<size_t> places(count);
  for (size_t i = 0; i < count; ++i) places[i] = order == Order::kReversed ? count - 1 - i : i;
  if (order == Order::kRandom) std::shuffle(places.begin(), places.end(), generator);
  return places;
}

bool run_block(size_t shared) {
  guard_shared(sizeof lhrcnn::lhrcnn_shared);
  std::memset(lhrcnn::lhrcnn_shared, kPoison, shared + kGuardBytes);
  guard_shared(shared);
  const std::vector<size_t> places = sequence(block_size.x);
  prepare(places.size());
  do {
    for (size_t place : places) {
      thread_index.x = static_cast<unsigned>(place);
      resume(&fibres[place]);
    }
    for (size_t place : places) {
      if (fibres[place].line == fibres[0].line) continue;
      return fail("threads of a block wait at different barriers, or some have ended");
    }
  } while (fibres[0].line != -1);
  guard_shared(sizeof lhrcnn::lhrcnn_shared);
  for (size_t i = shared; i < shared + kGuardBytes; ++i) {
    if (lhrcnn::lhrcnn_shared[i] != kPoison) return fail("a block writes beyond its shared memory");
  }
  return true;
}

}  // namespace

void barrier(int line) {
  running->line = line;
  const dim3 index = thread_index;
  leave(&running->fake_stack, scheduler_stack, scheduler_stack_bytes);
  swapcontext(&running->context, &scheduler);
  arrive(running->fake_stack, &scheduler_stack, &scheduler_stack_bytes);
  thread_index = index;
}

cudaError_t run(const dim3& grid, const dim3& block, size_t shared, size_t shared_limit,
                const std::function<void()>& kernel) {
  if (grid.x < 1 || block.x < 1 || block.x > 1024) return cudaErrorInvalidConfiguration;
  if (shared > shared_limit) return cudaErrorInvalidValue;
  grid_size = grid;
  block_size = block;
  body = &kernel;
  for (size_t place : sequence(grid.x)) {
    block_index = dim3(static_cast<unsigned>(place), 0, 0);
    if (!run_block(shared)) return cudaErrorLaunchFailure;
  }
  return cudaSuccess;
}

size_t& shared_limit(const void* kernel) {
  static std::map<const void*, size_t> limits;
  return limits.emplace(kernel, 48 << 10).first->second;
}

namespace {

int optin_bytes = 99 << 10, processors = 4;

}  // namespace
}  // namespace emulator

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMultiProcessorCount ? emulator::processors : emulator::optin_bytes;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "an error of the emulator";
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t) {
  std::memset(memory, value, bytes);
  return cudaSuccess;
}

// Called by the tests to set the order of threads and blocks (0 forward, 1 reversed, 2 random) and the device's limits.
extern "C" __attribute__((visibility("default"))) void emulator_configure(int order, int optin_bytes, int processors) {
  emulator::order = static_cast<emulator::Order>(order);
  emulator::optin_bytes = optin_bytes;
  emulator::processors = processors;
}
