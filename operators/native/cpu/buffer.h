// Memory that a thread computes in.
#ifndef LHRCNN_CPU_BUFFER_H_
#define LHRCNN_CPU_BUFFER_H_

#include <algorithm>
#include <cstdint>
#include <memory>

namespace lhrcnn {

// Memory for numbers, aligned to cache lines. It grows and never shrinks.
template <typename T>
class Buffer {
 public:
  // Returns memory for `size` numbers, whatever they are.
  T* memory(int64_t size) {
    if (size > size_) {
      size_ = 0;
      owner_.reset();  // before the new memory is taken
      owner_.reset(new T[size + kLine]);
      const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(owner_.get());
      begin_ = owner_.get() + (kLineBytes - address % kLineBytes) % kLineBytes / sizeof(T);
      size_ = size;
    }
    return begin_;
  }

  // Returns memory for `size` numbers, which are 0 where nothing has been written since the memory last grew.
  T* zeros(int64_t size) {
    const bool grows = size > size_;
    T* const begin = memory(size);
    if (grows) std::fill_n(begin, size, T(0));
    return begin;
  }

 private:
  static constexpr int64_t kLineBytes = 64, kLine = kLineBytes / sizeof(T);

  std::unique_ptr<T[]> owner_;
  T* begin_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_BUFFER_H_
