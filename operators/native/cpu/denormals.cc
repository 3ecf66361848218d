// Switches the processor between keeping denormal numbers and treating them as 0. On x86-64 an operation on a denormal
// number takes about a hundred times as long as on any other.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels.h"

namespace {

#if defined(__x86_64__)

// Bits of the control register MXCSR: results are flushed (FTZ) and operands are taken as 0 (DAZ).
using ControlRegister = unsigned;
constexpr ControlRegister kFlushBits = 0x8040;
ControlRegister read_control() { return _mm_getcsr(); }
void write_control(ControlRegister value) { _mm_setcsr(value); }

#elif defined(__aarch64__)

// Bit FZ of the control register FPCR: results are flushed and operands are taken as 0.
using ControlRegister = unsigned long;
constexpr ControlRegister kFlushBits = 1ul << 24;
ControlRegister read_control() {
  ControlRegister value;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(value));
  return value;
}
void write_control(ControlRegister value) { __asm__ __volatile__("msr fpcr, %0" : : "r"(value)); }

#else

// Other processors have no switch that this library knows: they always keep denormal numbers.
using ControlRegister = unsigned;
constexpr ControlRegister kFlushBits = 1;
ControlRegister read_control() { return 0; }
void write_control(ControlRegister) {}

#endif

}  // namespace

int lhrcnn_flush_denormals(int flush) {
  const ControlRegister before = read_control();
  write_control(flush ? before | kFlushBits : before & ~kFlushBits);
  return (before & kFlushBits) == kFlushBits;
}
