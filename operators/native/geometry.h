// Geometry of RoIs, bins and bilinear samples, once for every kernel, on the CPU and on the GPU.
//
// A RoI is a row (image, x1, y1, x2, y2) in pixels of the network input. An axis of length `size` has its pixels at the
// positions 0 .. size - 1; a sample between two of them is shared by both in proportion to nearness.
#ifndef LHRCNN_GEOMETRY_H_
#define LHRCNN_GEOMETRY_H_

#include <cmath>
#include <cstdint>

#if defined(__CUDACC__)
#define LHRCNN_HD __host__ __device__
#else
#define LHRCNN_HD
#endif

namespace lhrcnn {

// What lies outside the map. kClamp: up to one pixel outside a sample takes the value at the border, further out it
// counts 0. kZero: every pixel outside counts 0.
enum class Border { kClamp, kZero };

// A RoI in feature map coordinates, cut into equal bins. `image` is negative for a RoI that pools nothing.
template <typename T>
struct BinGrid {
  int64_t image;
  T x, y;                     // where the first bin begins
  T bin_width, bin_height;
};

// `row` is one row of rois. NaN, infinity or an image outside 0 .. images - 1 make a RoI that pools nothing.
template <typename T>
LHRCNN_HD BinGrid<T> bin_grid(const T* row, int64_t images, T spatial_scale, int pooled_size, bool aligned,
                              Border border) {
  const T offset = aligned ? T(0.5) : T(0);
  const T x1 = row[1] * spatial_scale - offset, y1 = row[2] * spatial_scale - offset;
  const T x2 = row[3] * spatial_scale - offset, y2 = row[4] * spatial_scale - offset;
  T width = x2 - x1, height = y2 - y1;
  if (!aligned) {
    // Without the half-pixel shift each source widens small RoIs in its own way: clamping ones to a pixel, the other to 0.
    const T least = border == Border::kClamp ? T(1) : T(0);
    width = width > least ? width : least;
    height = height > least ? height : least;
  }
  // The sum is finite only where all four are (a sum that overflows stands for a RoI beyond any map).
  const bool finite = std::isfinite(x1 + y1 + x2 + y2);
  const bool inside = row[0] >= T(0) && row[0] < static_cast<T>(images);
  return {finite && inside ? static_cast<int64_t>(row[0]) : int64_t(-1), x1, y1, width / pooled_size,
          height / pooled_size};
}

// Position of sample `index` of `samples` in bin `bin` along one axis.
template <typename T>
LHRCNN_HD T sample_position(T start, T bin_size, int bin, int index, int samples) {
  return start + bin * bin_size + (index + T(0.5)) * bin_size / samples;
}

// The two pixels that share a sample along one axis. A weight of 0 means that the pixel must not be read.
template <typename T>
struct Taps {
  int64_t low, high;
  T low_weight, high_weight;
};

template <typename T>
LHRCNN_HD Taps<T> taps_at(T position, int64_t size, Border border) {
  const T end = static_cast<T>(size);
  if (border == Border::kClamp) {
    if (!(position >= T(-1) && position <= end)) return {0, 0, T(0), T(0)};
    if (position <= T(0)) return {0, 0, T(1), T(0)};
    const int64_t low = static_cast<int64_t>(position);
    if (low >= size - 1) return {size - 1, size - 1, T(1), T(0)};
    const T part = position - static_cast<T>(low);
    return {low, low + 1, T(1) - part, part};
  }
  if (!(position > T(-1) && position < end)) return {0, 0, T(0), T(0)};
  const T floor = std::floor(position);
  const T part = position - floor;
  const int64_t low = static_cast<int64_t>(floor);
  return {low, low + 1, low >= 0 ? T(1) - part : T(0), low + 1 < size ? part : T(0)};
}

}  // namespace lhrcnn

#endif  // LHRCNN_GEOMETRY_H_
