// Half-precision numbers (IEEE) on the CPU, rounded to nearest, ties to even.
#ifndef LHRCNN_EMULATOR_CUDA_FP16_H_
#define LHRCNN_EMULATOR_CUDA_FP16_H_

#include "cuda_runtime.h"

struct __half {
  uint16_t bits;
};

inline float __half2float(__half half) {
  const int exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
  float value = exponent ? std::ldexp(float(fraction + 1024), exponent - 25) : std::ldexp(float(fraction), -24);
  if (exponent == 31) value = fraction ? NAN : INFINITY;
  return half.bits >> 15 ? -value : value;
}

inline __half __float2half_rn(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float size = std::fabs(value);
  if (std::isnan(value)) return {uint16_t(sign | 0x7e00)};
  if (size >= 65520) return {uint16_t(sign | 0x7c00)};
  int exponent = 0;
  std::frexp(size, &exponent);  // size < 2^exponent
  const int unit = size == 0 || exponent < -13 ? -24 : exponent - 11;
  const int fraction = static_cast<int>(std::nearbyint(std::ldexp(size, -unit)));  // 1024 .. 2048, or below if denormal
  return {uint16_t(sign | ((unit + 24) * 1024 + fraction))};
}

#endif  // LHRCNN_EMULATOR_CUDA_FP16_H_
