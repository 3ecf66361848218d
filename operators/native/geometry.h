// The geometry of RoIs, bins, bilinear samples and boxes. All kernels, on the CPU and on the GPU, include this file, so
// that they agree on every number.
//
// A RoI is a row (image, x1, y1, x2, y2), corners in pixels of the network input. An axis of a feature map with `size`
// pixels has them at the positions 0 .. size - 1; a sample between two of them is interpolated linearly. Sides of maps
// are below 2^30 pixels.
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

// A RoI in coordinates of the feature map, cut into equal bins. `image` is negative for a RoI that pools nothing.
template <typename T>
struct BinGrid {
  int64_t image;
  T x, y;  // the corner of the first bin
  T bin_width, bin_height;
};

// Makes the grid of the RoI in `row`, which begins at (x1, y1) of the map. A RoI pools nothing if one of its numbers is
// NaN or infinite, if its image is not one of 0 .. images - 1, or if the map has no pixels.
template <typename T, typename Options>
LHRCNN_HD BinGrid<T> make_bin_grid(const Options& options, const T* row, T x1, T y1, T bin_width, T bin_height) {
  // The sum is finite only if all four coordinates are. A sum of finite numbers that overflows belongs to a RoI that
  // lies outside every map.
  const bool finite = std::isfinite(row[1] + row[2] + row[3] + row[4]);
  const bool inside = row[0] >= T(0) && row[0] < static_cast<T>(options.images);
  const bool pixels = options.height > 0 && options.width > 0;
  return {finite && inside && pixels ? static_cast<int64_t>(row[0]) : int64_t(-1), x1, y1, bin_width, bin_height};
}

// The grid of PS-RoIAlign: corners are scaled and not rounded.
template <typename T>
LHRCNN_HD BinGrid<T> roi_align_grid(const LhrcnnPsRoiAlign& options, const T* row) {
  const T scale = static_cast<T>(options.spatial_scale), offset = options.aligned ? T(0.5) : T(0);
  const T x1 = row[1] * scale - offset, y1 = row[2] * scale - offset;
  T width = row[3] * scale - offset - x1, height = row[4] * scale - offset - y1;
  if (!options.aligned) {
    // Without the half-pixel shift each implementation has its own smallest RoI: 0 in the TensorFlow original, one
    // pixel of the map in MXNet, a tenth of a pixel in ChainerCV.
    const T least = options.border == LHRCNN_BORDER_ZERO ? T(0) : options.mode == LHRCNN_MODE_AVG ? T(1) : T(0.1);
    width = width > least ? width : least;
    height = height > least ? height : least;
  }
  return make_bin_grid(options, row, x1, y1, width / options.pooled_size, height / options.pooled_size);
}

// The grid of PS-RoI pooling: corners are rounded to pixels of the network input, and both ends are part of the RoI.
template <typename T>
LHRCNN_HD BinGrid<T> roi_pool_grid(const LhrcnnPsRoiPool& options, const T* row) {
  const T scale = static_cast<T>(options.spatial_scale), least = T(0.1);
  const T x1 = std::round(row[1]) * scale, y1 = std::round(row[2]) * scale;
  const T width = (std::round(row[3]) + T(1)) * scale - x1, height = (std::round(row[4]) + T(1)) * scale - y1;
  return make_bin_grid(options, row, x1, y1, (width > least ? width : least) / options.pooled_size,
                       (height > least ? height : least) / options.pooled_size);
}

// The grid of RoI max pooling: corners are rounded to pixels of the map, and both ends are part of the RoI.
template <typename T>
LHRCNN_HD BinGrid<T> roi_max_pool_grid(const LhrcnnRoiMaxPool& options, const T* row) {
  const T scale = static_cast<T>(options.spatial_scale);
  const T x1 = std::round(row[1] * scale), y1 = std::round(row[2] * scale);
  const T width = std::round(row[3] * scale) - x1 + T(1), height = std::round(row[4] * scale) - y1 + T(1);
  return make_bin_grid(options, row, x1, y1, (width > T(1) ? width : T(1)) / options.pooled_width,
                       (height > T(1) ? height : T(1)) / options.pooled_height);
}

// The whole numbers begin .. end - 1.
struct Range {
  int32_t begin, end;
};

// Returns the pixels of an axis of `size` pixels that are in begin .. end - 1. The range is empty if an end is NaN.
template <typename T>
LHRCNN_HD Range pixels_between(T begin, T end, int64_t size) {
  const T last = static_cast<T>(size);
  const int64_t first = begin > T(0) ? static_cast<int64_t>(begin < last ? begin : last) : 0;
  const int64_t beyond = end > T(0) ? static_cast<int64_t>(end < last ? end : last) : 0;
  return {static_cast<int32_t>(first < size ? first : size), static_cast<int32_t>(beyond < size ? beyond : size)};
}

// Returns the pixels of a bin of PS-RoI pooling along one axis. The range is empty if the positions are NaN.
template <typename T>
LHRCNN_HD Range bin_pixels(T start, T bin_size, int bin, int64_t size) {
  return pixels_between(std::floor(bin * bin_size + start), std::ceil((bin + 1) * bin_size + start), size);
}

// The same for RoI max pooling, whose bins are cut before the RoI is moved to its place: roundings differ.
template <typename T>
LHRCNN_HD Range max_bin_pixels(T start, T bin_size, int bin, int64_t size) {
  return pixels_between(std::floor(bin * bin_size) + start, std::ceil((bin + 1) * bin_size) + start, size);
}

// Returns how many samples a bin takes along one axis: sampling_ratio, or for 0 as many as the bin is pixels long,
// rounded up. Their number is limited to kMaxSamples, so that sample indices and the halves between them are exact in
// float; only a bin of more than a million pixels reaches that limit.
constexpr int kMaxSamples = 1 << 20;

template <typename T>
LHRCNN_HD int sample_count(T bin_size, int sampling_ratio) {
  if (sampling_ratio > 0) return sampling_ratio;
  if (!(bin_size > T(1))) return 1;
  return bin_size < T(kMaxSamples) ? static_cast<int>(std::ceil(bin_size)) : kMaxSamples;
}

// Returns the position of sample number `index` of `samples` in bin number `bin` along one axis.
template <typename T>
LHRCNN_HD T sample_position(T start, T bin_size, int bin, int index, int samples) {
  return start + bin * bin_size + (index + T(0.5)) * bin_size / samples;
}

// Returns the first sample whose position is at least `limit`, or `samples` if there is none. Positions must increase,
// that is, bin_size must be positive.
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

// Returns the samples of a bin along one axis that its value depends on. These are all samples if they are few; if they
// are many, those that touch the map, so that the cost of a huge RoI is bounded by the size of the map.
//
// With border zero the samples outside the map are 0 and take part in the maximum. They are all alike, so one on each
// side is enough. It is the neighbour of the samples that touch the map: the maximum then meets samples inside and
// outside in the same order as among all samples, and that order decides which of several equal ones is the first.
template <typename T>
LHRCNN_HD Range contributing_samples(const LhrcnnPsRoiAlign& options, T start, T bin_size, int bin, int samples,
                                   int64_t size) {
  constexpr int kMany = 16;
  if (samples < kMany || !(bin_size > T(0))) return {0, samples};
  const int begin = first_sample(start, bin_size, bin, samples, T(-1));
  const int end = first_sample(start, bin_size, bin, samples, static_cast<T>(size) + T(1));
  if (options.mode == LHRCNN_MODE_AVG || options.border == LHRCNN_BORDER_CLAMP) return {begin, end};
  return {begin > 0 ? begin - 1 : 0, end < samples ? end + 1 : samples};
}

// The two pixels that a sample is interpolated from along one axis. A pixel whose weight is 0 must not be read; a
// sample that touches no pixel has two weights of 0.
template <typename T>
struct SampleTaps {
  int32_t low, high;
  T low_weight, high_weight;
};

// Returns the pixels and weights of a sample. With border clamp a sample up to one pixel outside the map has the value
// at the border; with border zero all pixels outside the map are 0.
template <typename T>
LHRCNN_HD SampleTaps<T> bilinear_taps(T position, int64_t size, int border) {
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

// Returns whether `value` replaces `largest`, the maximum so far. NaN counts as larger than any number, so that it
// shows in the maximum.
template <typename T>
LHRCNN_HD bool exceeds_maximum(T value, T largest) {
  return value > largest || (value != value && largest == largest);
}

// ---- Boxes --------------------------------------------------------------------------------------------------------

// Corners in pixels. Functions that measure a box take `extent`: 1 where both ends are part of the box, which is then
// x2 - x1 + 1 wide, or 0 where it is x2 - x1 wide.
template <typename T>
struct Box {
  T x1, y1, x2, y2;
};

// Returns the area of a box. A side of negative length counts as 0.
template <typename T>
LHRCNN_HD T box_area(const Box<T>& box, T extent) {
  const T width = box.x2 - box.x1 + extent, height = box.y2 - box.y1 + extent;
  return (width > T(0) ? width : T(0)) * (height > T(0) ? height : T(0));
}

// Returns the intersection over union (IoU) of two boxes of known areas. All kernels compare exactly this quotient with
// the threshold, so that they make the same decisions. It is NaN for two boxes without area and for infinite boxes, and
// NaN is above no threshold.
template <typename T>
LHRCNN_HD T box_iou(const Box<T>& a, T area_a, const Box<T>& b, T area_b, T extent) {
  const T width = (a.x2 < b.x2 ? a.x2 : b.x2) - (a.x1 > b.x1 ? a.x1 : b.x1) + extent;
  const T height = (a.y2 < b.y2 ? a.y2 : b.y2) - (a.y1 > b.y1 ? a.y1 : b.y1) + extent;
  const T shared = (width > T(0) ? width : T(0)) * (height > T(0) ? height : T(0));
  return shared / (area_a + area_b - shared);
}

// Returns a coordinate clipped to 0 .. size - 1. NaN stays NaN.
template <typename T>
LHRCNN_HD T clip_coordinate(T position, T size) {
  const T inside = position > size - T(1) ? size - T(1) : position;
  return inside < T(0) ? T(0) : inside;
}

// Returns the box that a network predicts from an anchor, clipped to the image; both ends are part of either box. dx
// and dy move the centre by multiples of the anchor's size; dw and dh are logarithms of the ratios of the sizes.
template <typename T>
LHRCNN_HD Box<T> decode_box(const Box<T>& anchor, T dx, T dy, T dw, T dh, T image_height, T image_width) {
  const T width = anchor.x2 - anchor.x1 + T(1), height = anchor.y2 - anchor.y1 + T(1);
  const T x = dx * width + (anchor.x1 + T(0.5) * (width - T(1)));
  const T y = dy * height + (anchor.y1 + T(0.5) * (height - T(1)));
  const T half_width = T(0.5) * (std::exp(dw) * width - T(1)), half_height = T(0.5) * (std::exp(dh) * height - T(1));
  return {clip_coordinate(x - half_width, image_width), clip_coordinate(y - half_height, image_height),
          clip_coordinate(x + half_width, image_width), clip_coordinate(y + half_height, image_height)};
}

// Returns whether both sides of a box measure at least `side`; false if a corner is NaN.
template <typename T>
LHRCNN_HD bool has_min_side(const Box<T>& box, T side) {
  return box.x2 - box.x1 + T(1) >= side && box.y2 - box.y1 + T(1) >= side;
}

}  // namespace lhrcnn

#endif  // LHRCNN_GEOMETRY_H_
