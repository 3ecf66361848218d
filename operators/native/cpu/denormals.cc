// Denormal numbers: on x86-64 each operation on one takes about a hundred times as long as on any other number.
#include <immintrin.h>

#include "kernels.h"

int lhrcnn_flush_denormals(int flush) {
  constexpr unsigned kFlush = 0x8040;  // results (FTZ) and operands (DAZ)
  const unsigned state = _mm_getcsr();
  _mm_setcsr(flush ? state | kFlush : state & ~kFlush);
  return (state & kFlush) == kFlush;
}
