// Geometry of RoIs, bins and bilinear samples, once for every kernel, on the CPU and on the GPU.
//
// A RoI is a row (image, x1, y1, x2, y2) in pixels of the network input. An axis of length `size` has its pixels at the
// positions 0 .. size - 1; a sample between two of them is shared by both in proportion to nearness. Maps have sides
// below 2^30.
#ifndef LHRCNN_GEOMETRY_H_
#define LHRCNN_GEOMETRY_H_

#include <cmath>
#include <cstdint>

#include "kernels.h"

#if defined(__CUDACC__)
#define LHRCNN_HD __host__ __device__ inline
#else
#define LHRCNN_HD inline
#endif

namespace lhrcnn {

// A RoI in feature map coordinates, cut into equal bins. `image` is negative for a RoI that pools nothing.
template <typename T>
struct BinGrid {
  int64_t image;
  T x, y;                     // where the first bin begins
  T bin_width, bin_height;
};

// `row` is one row of rois. NaN, infinity, an image outside 0 .. images - 1 and a map without pixels make a RoI that
// pools nothing.
template <typename T, typename Options>
LHRCNN_HD BinGrid<T> bin_grid(const Options& options, const T* row, T x1, T y1, T width, T height) {
  // The sum is finite only where all four are (a sum that overflows stands for a RoI beyond any map).
  const bool finite = std::isfinite(row[1] + row[2] + row[3] + row[4]);
  const bool inside = row[0] >= T(0) && row[0] < static_cast<T>(options.images);
  const bool pixels = options.height > 0 && options.width > 0;
  return {finite && inside && pixels ? static_cast<int64_t>(row[0]) : int64_t(-1), x1, y1, width / options.pooled_size,
          height / options.pooled_size};
}

template <typename T>
LHRCNN_HD BinGrid<T> align_grid(const LhrcnnPsRoiAlign& options, const T* row) {
  const T scale = static_cast<T>(options.spatial_scale), offset = options.aligned ? T(0.5) : T(0);
  const T x1 = row[1] * scale - offset, y1 = row[2] * scale - offset;
  T width = row[3] * scale - offset - x1, height = row[4] * scale - offset - y1;
  if (!options.aligned) {
    // Without the half-pixel shift each source widens small RoIs in its own way: the TensorFlow original to 0, MXNet to
    // a pixel of the map, ChainerCV to a tenth.
    const T least = options.border == LHRCNN_BORDER_ZERO ? T(0) : options.mode == LHRCNN_MODE_AVG ? T(1) : T(0.1);
    width = width > least ? width : least;
    height = height > least ? height : least;
  }
  return bin_grid(options, row, x1, y1, width, height);
}

// Corners are rounded to pixels of the input, both ends are part of the RoI.
template <typename T>
LHRCNN_HD BinGrid<T> pool_grid(const LhrcnnPsRoiPool& options, const T* row) {
  const T scale = static_cast<T>(options.spatial_scale), least = T(0.1);
  const T x1 = std::round(row[1]) * scale, y1 = std::round(row[2]) * scale;
  const T width = (std::round(row[3]) + T(1)) * scale - x1, height = (std::round(row[4]) + T(1)) * scale - y1;
  return bin_grid(options, row, x1, y1, width > least ? width : least, height > least ? height : least);
}

// Whole numbers begin .. end - 1.
struct Range {
  int32_t begin, end;
};

// The pixels of a bin of PS-RoI pooling along one axis. Positions that are not numbers make an empty range.
template <typename T>
LHRCNN_HD Range bin_pixels(T start, T bin_size, int bin, int64_t size) {
  const T last = static_cast<T>(size);
  const T begin = std::floor(bin * bin_size + start), end = std::ceil((bin + 1) * bin_size + start);
  const int64_t first = begin > T(0) ? static_cast<int64_t>(begin < last ? begin : last) : 0;
  const int64_t beyond = end > T(0) ? static_cast<int64_t>(end < last ? end : last) : 0;
  return {static_cast<int32_t>(first < size ? first : size), static_cast<int32_t>(beyond < size ? beyond : size)};
}

// How many samples a bin takes along one axis. Of adaptive ones there are at most kMostSamples, so that their numbers
// and the halves between them are exact in float: bins beyond are a million pixels long.
constexpr int kMostSamples = 1 << 20;

template <typename T>
LHRCNN_HD int sample_count(T bin_size, int sampling_ratio) {
  if (sampling_ratio > 0) return sampling_ratio;
  if (!(bin_size > T(1))) return 1;
  return bin_size < T(kMostSamples) ? static_cast<int>(std::ceil(bin_size)) : kMostSamples;
}

// Position of sample `index` of `samples` in bin `bin` along one axis.
template <typename T>
LHRCNN_HD T sample_position(T start, T bin_size, int bin, int index, int samples) {
  return start + bin * bin_size + (index + T(0.5)) * bin_size / samples;
}

// The first of `samples` whose position is at least `limit`, where positions increase; `samples` if there is none.
template <typename T>
LHRCNN_HD int first_sample(T start, T bin_size, int bin, int samples, T limit) {
  int low = 0, high = samples;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (sample_position(start, bin_size, bin, middle, samples) >= limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

// The samples of a bin along one axis that its value depends on: all of them, or of many those that touch the map, so
// that a RoI costs no more than a map is large.
//
// With border zero the maximum also counts samples that touch nothing. They all are 0, so one on either side stands for
// them; and it is before (after) all samples that touch the map if any of them is, so that the first largest sample
// touches the map or not as it would among all of them.
template <typename T>
LHRCNN_HD Range samples_that_count(const LhrcnnPsRoiAlign& options, T start, T bin_size, int bin, int samples,
                                   int64_t size) {
  constexpr int kMany = 16;
  if (samples < kMany || !(bin_size > T(0))) return {0, samples};
  const int begin = first_sample(start, bin_size, bin, samples, T(-1));
  const int end = first_sample(start, bin_size, bin, samples, static_cast<T>(size) + T(1));
  if (options.mode == LHRCNN_MODE_AVG || options.border == LHRCNN_BORDER_CLAMP) return {begin, end};
  return {begin > 0 ? begin - 1 : 0, end < samples ? end + 1 : samples};
}

// The two pixels that share a sample along one axis. A weight of 0 means that the pixel must not be read; a sample with
// two such weights does not touch the map.
template <typename T>
struct Taps {
  int32_t low, high;
  T low_weight, high_weight;
};

// Border clamp: up to one pixel outside a sample takes the value at the border. Border zero: pixels outside count 0.
template <typename T>
LHRCNN_HD Taps<T> taps_at(T position, int64_t size, int border) {
  const T end = static_cast<T>(size);
  if (border == LHRCNN_BORDER_CLAMP) {
    if (!(position >= T(-1) && position <= end)) return {0, 0, T(0), T(0)};
    if (position <= T(0)) return {0, 0, T(1), T(0)};
    const int32_t low = static_cast<int32_t>(position), last = static_cast<int32_t>(size - 1);
    if (low >= last) return {last, last, T(1), T(0)};
    const T part = position - static_cast<T>(low);
    return {low, low + 1, T(1) - part, part};
  }
  if (!(position > T(-1) && position < end)) return {0, 0, T(0), T(0)};
  const T floor = std::floor(position);
  const T part = position - floor;
  const int32_t low = static_cast<int32_t>(floor);
  return {low, low + 1, low >= 0 ? T(1) - part : T(0), low + 1 < size ? part : T(0)};
}

// Whether a sample takes the place of the largest so far. NaN is the largest value of all.
template <typename T>
LHRCNN_HD bool larger(T value, T largest) {
  return value > largest || (value != value && largest == largest);
}

// ---- Boxes --------------------------------------------------------------------------------------------------------

// Corners in pixels. A side measures x2 - x1 + `extent`: 1 where both ends are part of the box, else 0.
template <typename T>
struct Box {
  T x1, y1, x2, y2;
};

template <typename T>
LHRCNN_HD T box_area(const Box<T>& box, T extent) {
  const T width = box.x2 - box.x1 + extent, height = box.y2 - box.y1 + extent;
  return (width > T(0) ? width : T(0)) * (height > T(0) ? height : T(0));
}

// Intersection over union. Every decision to suppress compares this very quotient, so that all kernels agree; what is not
// a number (two boxes without area, infinite ones) exceeds no threshold.
template <typename T>
LHRCNN_HD T box_overlap(const Box<T>& a, T area_a, const Box<T>& b, T area_b, T extent) {
  const T width = (a.x2 < b.x2 ? a.x2 : b.x2) - (a.x1 > b.x1 ? a.x1 : b.x1) + extent;
  const T height = (a.y2 < b.y2 ? a.y2 : b.y2) - (a.y1 > b.y1 ? a.y1 : b.y1) + extent;
  const T shared = (width > T(0) ? width : T(0)) * (height > T(0) ? height : T(0));
  return shared / (area_a + area_b - shared);
}

// Moves a coordinate into 0 .. size - 1; NaN stays.
template <typename T>
LHRCNN_HD T clipped(T position, T size) {
  const T inside = position > size - T(1) ? size - T(1) : position;
  return inside < T(0) ? T(0) : inside;
}

// The box that the deltas make of an anchor (inclusive ends), clipped to the image. dx and dy are in units of the
// anchor's size, dw and dh logarithms of the ratios of the sizes.
template <typename T>
LHRCNN_HD Box<T> decoded(const Box<T>& anchor, T dx, T dy, T dw, T dh, T image_height, T image_width) {
  const T width = anchor.x2 - anchor.x1 + T(1), height = anchor.y2 - anchor.y1 + T(1);
  const T x = dx * width + (anchor.x1 + T(0.5) * (width - T(1)));
  const T y = dy * height + (anchor.y1 + T(0.5) * (height - T(1)));
  const T half_width = T(0.5) * (std::exp(dw) * width - T(1)), half_height = T(0.5) * (std::exp(dh) * height - T(1));
  return {clipped(x - half_width, image_width), clipped(y - half_height, image_height),
          clipped(x + half_width, image_width), clipped(y + half_height, image_height)};
}

// False for NaN in any corner.
template <typename T>
LHRCNN_HD bool at_least(const Box<T>& box, T side) {
  return box.x2 - box.x1 + T(1) >= side && box.y2 - box.y1 + T(1) >= side;
}

}  // namespace lhrcnn

#endif  // LHRCNN_GEOMETRY_H_
