// The boxes that greedy non-maximum suppression has kept so far, and the test whether one more box is suppressed.
#ifndef LHRCNN_CPU_NMS_H_
#define LHRCNN_CPU_NMS_H_

#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "geometry.h"

namespace lhrcnn {

// Corners and areas of a few boxes, stored coordinate by coordinate: the compiler then compares one box with all of
// them in vector instructions.
template <typename T>
struct BoxBlock {
  static constexpr int kLanes = 16;
  T x1[kLanes], y1[kLanes], x2[kLanes], y2[kLanes], area[kLanes];
};

// Returns whether the IoU of `box` with any box of the blocks is above the threshold. This function is always inlined,
// so that each of its callers is compiled for the instruction set of that caller.
template <typename T>
inline __attribute__((always_inline)) bool any_iou_above(const BoxBlock<T>* blocks, int64_t count, const Box<T> box,
                                                         T extent, T threshold) {
  using Flag = typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type;  // as wide as T: one lane for each
  const T area = box_area(box, extent);
  for (int64_t i = 0; i < count; ++i) {
    const BoxBlock<T>& block = blocks[i];
    Flag any = 0;
    for (int lane = 0; lane < BoxBlock<T>::kLanes; ++lane) {
      const Box<T> other = {block.x1[lane], block.y1[lane], block.x2[lane], block.y2[lane]};
      any |= box_iou(other, block.area[lane], box, area, extent) > threshold ? Flag(-1) : Flag(0);
    }
    if (any) return true;
  }
  return false;
}

#if defined(__x86_64__)
// The same function compiled for processors with AVX2. Results are equal to the bit.
template <typename T>
__attribute__((target("avx2"))) bool any_iou_above_avx2(const BoxBlock<T>* blocks, int64_t count, const Box<T>& box,
                                                        T extent, T threshold) {
  return any_iou_above(blocks, count, box, extent, threshold);
}
#endif

template <typename T>
class KeptBoxes {
 public:
  // `extent` is added to the sides of boxes, see Box in geometry.h.
  explicit KeptBoxes(T extent) : extent_(extent) {}

  int64_t size() const { return size_; }

  void add(const Box<T>& box) {
    const int lane = static_cast<int>(size_ % BoxBlock<T>::kLanes);
    if (lane == 0) {
      blocks_.emplace_back();
      for (T& area : blocks_.back().area) area = T(NAN);  // the IoU with an unused lane is NaN, above no threshold
    }
    BoxBlock<T>& block = blocks_.back();
    block.x1[lane] = box.x1;
    block.y1[lane] = box.y1;
    block.x2[lane] = box.x2;
    block.y2[lane] = box.y2;
    block.area[lane] = box_area(box, extent_);
    ++size_;
  }

  // Returns whether the IoU of `box` with any kept box is above the threshold.
  bool suppresses(const Box<T>& box, T threshold) const {
    const int64_t count = static_cast<int64_t>(blocks_.size());
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return any_iou_above_avx2(blocks_.data(), count, box, extent_, threshold);
#endif
    return any_iou_above(blocks_.data(), count, box, extent_, threshold);
  }

  // Returns the IoU of `box` with the kept box number `index`.
  T iou(int64_t index, const Box<T>& box) const {
    const BoxBlock<T>& block = blocks_[index / BoxBlock<T>::kLanes];
    const int64_t lane = index % BoxBlock<T>::kLanes;
    const Box<T> kept = {block.x1[lane], block.y1[lane], block.x2[lane], block.y2[lane]};
    return box_iou(kept, block.area[lane], box, box_area(box, extent_), extent_);
  }

 private:
  std::vector<BoxBlock<T>> blocks_;
  int64_t size_ = 0;
  T extent_;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_NMS_H_
