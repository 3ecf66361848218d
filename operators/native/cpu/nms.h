// The boxes that suppression has kept so far.
#ifndef LHRCNN_CPU_NMS_H_
#define LHRCNN_CPU_NMS_H_

#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "geometry.h"

namespace lhrcnn {

// Corners and areas of a few boxes, so that one box meets all of them in vector code.
template <typename T>
struct BoxBlock {
  static constexpr int kLanes = 16;
  T x1[kLanes], y1[kLanes], x2[kLanes], y2[kLanes], area[kLanes];
};

// Whether the box overlaps any of the blocks' boxes by more than the threshold. Always inlined, to be compiled anew for
// each kind of CPU.
template <typename T>
inline __attribute__((always_inline)) bool any_overlap(const BoxBlock<T>* blocks, int64_t count, const Box<T> box,
                                                       T extent, T threshold) {
  using Flag = typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type;  // as wide as T: a lane each
  const T area = box_area(box, extent);
  for (int64_t i = 0; i < count; ++i) {
    const BoxBlock<T>& block = blocks[i];
    Flag any = 0;
    for (int lane = 0; lane < BoxBlock<T>::kLanes; ++lane) {
      const Box<T> other = {block.x1[lane], block.y1[lane], block.x2[lane], block.y2[lane]};
      any |= box_overlap(other, block.area[lane], box, area, extent) > threshold ? Flag(-1) : Flag(0);
    }
    if (any) return true;
  }
  return false;
}

#if defined(__x86_64__)
template <typename T>
__attribute__((target("avx2"))) bool any_overlap_avx2(const BoxBlock<T>* blocks, int64_t count, const Box<T>& box,
                                                      T extent, T threshold) {
  return any_overlap(blocks, count, box, extent, threshold);
}
#endif

template <typename T>
class KeptBoxes {
 public:
  explicit KeptBoxes(T extent) : extent_(extent) {}

  int64_t size() const { return size_; }

  void add(const Box<T>& box) {
    const int lane = static_cast<int>(size_ % BoxBlock<T>::kLanes);
    if (lane == 0) {
      blocks_.emplace_back();
      for (T& area : blocks_.back().area) area = T(NAN);  // an empty lane overlaps nothing
    }
    BoxBlock<T>& block = blocks_.back();
    block.x1[lane] = box.x1;
    block.y1[lane] = box.y1;
    block.x2[lane] = box.x2;
    block.y2[lane] = box.y2;
    block.area[lane] = box_area(box, extent_);
    ++size_;
  }

  // Whether the box overlaps any of these by more than the threshold.
  bool suppress(const Box<T>& box, T threshold) const {
    const int64_t count = static_cast<int64_t>(blocks_.size());
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return any_overlap_avx2(blocks_.data(), count, box, extent_, threshold);
#endif
    return any_overlap(blocks_.data(), count, box, extent_, threshold);
  }

  T overlap(int64_t index, const Box<T>& box) const {
    const BoxBlock<T>& block = blocks_[index / BoxBlock<T>::kLanes];
    const int64_t lane = index % BoxBlock<T>::kLanes;
    const Box<T> kept = {block.x1[lane], block.y1[lane], block.x2[lane], block.y2[lane]};
    return box_overlap(kept, block.area[lane], box, box_area(box, extent_), extent_);
  }

 private:
  std::vector<BoxBlock<T>> blocks_;
  int64_t size_ = 0;
  T extent_;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_NMS_H_
