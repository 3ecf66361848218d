// Packed maps, and the vector arithmetic on them.
//
// In a packed map the channels that one bin reads lie side by side in each pixel. A pixel has `lanes` numbers: its
// channels, then padding up to a whole number of vectors. One weight then multiplies all channels of a pixel at once.
//
// Vectors have 16 bytes, as every 64-bit processor has them, and are written in GCC's vector extension, so that the
// same code serves x86-64 and aarch64. Averages of PS-RoIAlign also have a version for AVX-512, align_average_avx512.h.
#ifndef LHRCNN_CPU_PACKED_H_
#define LHRCNN_CPU_PACKED_H_

#include <cstdint>

namespace lhrcnn {

template <typename T>
struct SimdTypes;

template <>
struct SimdTypes<float> {
  typedef float Vector __attribute__((vector_size(16)));
  typedef int32_t Mask __attribute__((vector_size(16)));  // what a comparison gives: all bits of a lane set, or none

  // Transposes a square of four rows in place.
  static void transpose(Vector* rows) {
    const Mask low = {0, 4, 1, 5}, high = {2, 6, 3, 7}, first = {0, 1, 4, 5}, second = {2, 3, 6, 7};
    const Vector a = __builtin_shuffle(rows[0], rows[1], low), b = __builtin_shuffle(rows[0], rows[1], high);
    const Vector c = __builtin_shuffle(rows[2], rows[3], low), d = __builtin_shuffle(rows[2], rows[3], high);
    rows[0] = __builtin_shuffle(a, c, first);
    rows[1] = __builtin_shuffle(a, c, second);
    rows[2] = __builtin_shuffle(b, d, first);
    rows[3] = __builtin_shuffle(b, d, second);
  }
};

template <>
struct SimdTypes<double> {
  typedef double Vector __attribute__((vector_size(16)));
  typedef int64_t Mask __attribute__((vector_size(16)));

  static void transpose(Vector* rows) {
    const Vector a = rows[0], b = rows[1];
    rows[0] = __builtin_shuffle(a, b, Mask{0, 2});
    rows[1] = __builtin_shuffle(a, b, Mask{1, 3});
  }
};

template <typename T>
using Vector = typename SimdTypes<T>::Vector;
template <typename T>
using Mask = typename SimdTypes<T>::Mask;

// How many numbers a vector holds.
template <typename T>
constexpr int vector_width() {
  return 16 / sizeof(T);
}

// How many numbers a packed pixel of `channels` channels has, padding included.
template <typename T>
int64_t padded_lanes(int64_t channels) {
  return (channels + vector_width<T>() - 1) / vector_width<T>() * vector_width<T>();
}

// kVectors vectors of channels of one pixel.
template <typename T, int kVectors>
struct Lanes {
  Vector<T> v[kVectors];

  static Lanes zero() {
    Lanes lanes;
    for (int i = 0; i < kVectors; ++i) lanes.v[i] = Vector<T>{};
    return lanes;
  }
  static Lanes load(const T* values) {
    Lanes lanes;
    for (int i = 0; i < kVectors; ++i) __builtin_memcpy(&lanes.v[i], values + i * vector_width<T>(), 16);
    return lanes;
  }
  void store(T* values) const {
    for (int i = 0; i < kVectors; ++i) __builtin_memcpy(values + i * vector_width<T>(), &v[i], 16);
  }

  Lanes operator+(const Lanes& other) const {
    Lanes lanes;
    for (int i = 0; i < kVectors; ++i) lanes.v[i] = v[i] + other.v[i];
    return lanes;
  }
  Lanes operator/(T divisor) const {
    Lanes lanes;
    for (int i = 0; i < kVectors; ++i) lanes.v[i] = v[i] / divisor;
    return lanes;
  }
  Lanes operator*(T factor) const {
    Lanes lanes;
    for (int i = 0; i < kVectors; ++i) lanes.v[i] = v[i] * factor;
    return lanes;
  }
};

// Adds `lanes` to the numbers at `pixel`.
template <typename T, int kVectors>
inline void add_to(T* pixel, const Lanes<T, kVectors>& lanes) {
  (Lanes<T, kVectors>::load(pixel) + lanes).store(pixel);
}

// Calls Loop::run<n>(bin, values, pointers...) once for each group of up to four vectors of lanes. The number of
// vectors n is a constant there, so that they stay in registers; all pointers are moved to the group's first lane.
template <typename Loop, typename Bin, typename T, typename... Pointers>
void for_each_vector_group(const Bin& bin, T* values, Pointers... pointers) {
  for (int64_t lane = 0; lane < bin.lanes; lane += 4 * vector_width<T>()) {
    switch ((bin.lanes - lane) / vector_width<T>()) {
      case 1: Loop::template run<1>(bin, values + lane, (pointers + lane)...); break;
      case 2: Loop::template run<2>(bin, values + lane, (pointers + lane)...); break;
      case 3: Loop::template run<3>(bin, values + lane, (pointers + lane)...); break;
      default: Loop::template run<4>(bin, values + lane, (pointers + lane)...);
    }
  }
}

// Transposes a matrix of rows x columns numbers: out[c * out_stride + r] = in[r * in_stride + c].
template <typename T>
void transpose(const T* in, int64_t in_stride, int64_t rows, int64_t columns, T* out, int64_t out_stride) {
  constexpr int kSize = vector_width<T>();
  if (rows < kSize || columns < kSize) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) out[c * out_stride + r] = in[r * in_stride + c];
    }
    return;
  }
  // The matrix is cut into squares. Where a side is no multiple of kSize, the last square overlaps the one before it.
  for (int64_t c = 0; c < columns; c += kSize) {
    const int64_t left = c < columns - kSize ? c : columns - kSize;
    for (int64_t r = 0; r < rows; r += kSize) {
      const int64_t top = r < rows - kSize ? r : rows - kSize;
      Vector<T> square[kSize];
      for (int i = 0; i < kSize; ++i) __builtin_memcpy(&square[i], in + (top + i) * in_stride + left, 16);
      SimdTypes<T>::transpose(square);
      for (int i = 0; i < kSize; ++i) __builtin_memcpy(out + (left + i) * out_stride + top, &square[i], 16);
    }
  }
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_PACKED_H_
