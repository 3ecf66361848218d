// Sorting candidates by score: integer sort keys, and a queue that hands them out best first.
#ifndef LHRCNN_CPU_ORDER_H_
#define LHRCNN_CPU_ORDER_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

namespace lhrcnn {

// A sort key is one integer that holds a candidate's score in its high half and the complement of the candidate's index
// in its low half. The larger key is the better candidate: the higher score, and among equal scores the lower index.
template <typename T>
struct SortKeyTypes;
template <>
struct SortKeyTypes<float> {
  using Half = uint32_t;
  using Key = uint64_t;
};
template <>
struct SortKeyTypes<double> {
  using Half = uint64_t;
  using Key = unsigned __int128;
};

template <typename T>
using SortKey = typename SortKeyTypes<T>::Key;

// `score` must not be NaN; `index` must be from 0 to 2^32 - 1.
template <typename T>
SortKey<T> make_sort_key(T score, int64_t index) {
  using Half = typename SortKeyTypes<T>::Half;
  constexpr int kBits = sizeof(Half) * 8;
  score += T(0);  // makes +0 of -0, so that both zeros are one score
  Half bits;
  std::memcpy(&bits, &score, sizeof bits);
  // Floating point numbers are stored as a sign and a magnitude. Inverting the negative ones and setting the top bit of
  // the others makes their bits increase with their value.
  bits = bits >> (kBits - 1) ? ~bits : bits | Half(1) << (kBits - 1);
  return SortKey<T>(bits) << kBits | static_cast<Half>(~static_cast<Half>(index));
}

template <typename T>
int64_t index_of(SortKey<T> key) {
  using Half = typename SortKeyTypes<T>::Half;
  return static_cast<int64_t>(static_cast<Half>(~static_cast<Half>(key)));
}

template <typename T>
T score_of(SortKey<T> key) {
  using Half = typename SortKeyTypes<T>::Half;
  constexpr int kBits = sizeof(Half) * 8;
  Half bits = static_cast<Half>(key >> kBits);
  bits = bits >> (kBits - 1) ? bits & ~(Half(1) << (kBits - 1)) : ~bits;
  T score;
  std::memcpy(&score, &bits, sizeof score);
  return score;
}

// A queue of sort keys, the largest first, for callers that need only the first few of many. The constructor
// distributes the keys over buckets of similar scores; a bucket is sorted only when its first key is asked for.
template <typename T>
class BestFirstQueue {
 public:
  BestFirstQueue() : BestFirstQueue(std::vector<SortKey<T>>()) {}

  explicit BestFirstQueue(const std::vector<SortKey<T>>& keys) : keys_(keys.size()), ends_(kBuckets, 0) {
    SortKey<T> low = ~SortKey<T>(0), high = 0;
    for (SortKey<T> key : keys) {
      low = key < low ? key : low;
      high = key > high ? key : high;
    }
    int shift = 0;
    while (keys.size() > 0 && (high - low) >> shift >= kBuckets) ++shift;
    for (SortKey<T> key : keys) ++ends_[(high - key) >> shift];
    int64_t begin = 0;
    for (int64_t& end : ends_) {
      begin += end;
      end = begin - end;
    }
    for (SortKey<T> key : keys) keys_[ends_[(high - key) >> shift]++] = key;
  }

  bool empty() const { return next_ == static_cast<int64_t>(keys_.size()); }

  // Returns the largest key that is left. The queue must not be empty.
  SortKey<T> top() {
    if (next_ == sorted_) {
      while (ends_[bucket_] == sorted_) ++bucket_;
      std::sort(keys_.begin() + sorted_, keys_.begin() + ends_[bucket_], std::greater<SortKey<T>>());
      sorted_ = ends_[bucket_];
    }
    return keys_[next_];
  }

  // Removes the key that top() returned.
  void pop() { ++next_; }

 private:
  static constexpr int64_t kBuckets = 4096;

  std::vector<SortKey<T>> keys_;   // bucket after bucket, larger keys first
  std::vector<int64_t> ends_;      // where each bucket ends in keys_
  int64_t bucket_ = 0;             // the last bucket that has been sorted
  int64_t next_ = 0, sorted_ = 0;  // the next key to hand out, and how many keys are sorted
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ORDER_H_
