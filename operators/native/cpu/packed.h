// Packed pixels: the channels that one bin reads lie side by side in each pixel, `lanes` numbers, the last of them
// padding, so that a few vectors hold them all.
//
// Vectors are of 16 bytes, which every processor of 64 bits has. Both operators took the same time with AVX2 and
// AVX-512, to within a tenth: they wait for the caches.
#ifndef LHRCNN_CPU_PACKED_H_
#define LHRCNN_CPU_PACKED_H_

#include <cstdint>

namespace lhrcnn {

template <typename T>
struct VectorOf;

template <>
struct VectorOf<float> {
  typedef float Vector __attribute__((vector_size(16)));
  typedef int32_t Mask __attribute__((vector_size(16)));  // of a comparison: all bits of a number, or none

  // Transposes a square of four rows.
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
struct VectorOf<double> {
  typedef double Vector __attribute__((vector_size(16)));
  typedef int64_t Mask __attribute__((vector_size(16)));

  static void transpose(Vector* rows) {
    const Vector a = rows[0], b = rows[1];
    rows[0] = __builtin_shuffle(a, b, Mask{0, 2});
    rows[1] = __builtin_shuffle(a, b, Mask{1, 3});
  }
};

template <typename T>
using Vector = typename VectorOf<T>::Vector;
template <typename T>
using Mask = typename VectorOf<T>::Mask;

// Numbers in a vector.
template <typename T>
constexpr int width_of() {
  return 16 / sizeof(T);
}

template <typename T>
int64_t lanes_for(int64_t channels) {
  return (channels + width_of<T>() - 1) / width_of<T>() * width_of<T>();
}

// Some channels of a pixel.
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
    for (int i = 0; i < kVectors; ++i) __builtin_memcpy(&lanes.v[i], values + i * width_of<T>(), 16);
    return lanes;
  }
  void store(T* values) const {
    for (int i = 0; i < kVectors; ++i) __builtin_memcpy(values + i * width_of<T>(), &v[i], 16);
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

template <typename T, int kVectors>
inline void add_to(T* pixel, const Lanes<T, kVectors>& lanes) {
  (Lanes<T, kVectors>::load(pixel) + lanes).store(pixel);
}

// Calls Loop::run<n>(bin, pointers...) for all lanes, n <= 4 vectors of them at a time.
template <typename Loop, typename Bin, typename T, typename... Pointers>
void over_lanes(const Bin& bin, T* values, Pointers... pointers) {
  for (int64_t lane = 0; lane < bin.lanes; lane += 4 * width_of<T>()) {
    switch ((bin.lanes - lane) / width_of<T>()) {
      case 1: Loop::template run<1>(bin, values + lane, (pointers + lane)...); break;
      case 2: Loop::template run<2>(bin, values + lane, (pointers + lane)...); break;
      case 3: Loop::template run<3>(bin, values + lane, (pointers + lane)...); break;
      default: Loop::template run<4>(bin, values + lane, (pointers + lane)...);
    }
  }
}

// Transposes `rows` rows of `columns` numbers: in[r * in_stride + c] becomes out[c * out_stride + r].
template <typename T>
void transpose(const T* in, int64_t in_stride, int64_t rows, int64_t columns, T* out, int64_t out_stride) {
  constexpr int kSize = width_of<T>();
  if (rows < kSize || columns < kSize) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) out[c * out_stride + r] = in[r * in_stride + c];
    }
    return;
  }
  // The last squares overlap those before them where the sides are no multiples of a square's.
  for (int64_t c = 0; c < columns; c += kSize) {
    const int64_t left = c < columns - kSize ? c : columns - kSize;
    for (int64_t r = 0; r < rows; r += kSize) {
      const int64_t top = r < rows - kSize ? r : rows - kSize;
      Vector<T> square[kSize];
      for (int i = 0; i < kSize; ++i) __builtin_memcpy(&square[i], in + (top + i) * in_stride + left, 16);
      VectorOf<T>::transpose(square);
      for (int i = 0; i < kSize; ++i) __builtin_memcpy(out + (left + i) * out_stride + top, &square[i], 16);
    }
  }
}

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_PACKED_H_
