// The order of scores: best first, ties by place.
#ifndef LHRCNN_CPU_ORDER_H_
#define LHRCNN_CPU_ORDER_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

namespace lhrcnn {

// A score (high bits) and a place (low bits) as one integer: the larger the better.
template <typename T>
struct RankBits;
template <>
struct RankBits<float> {
  using Score = uint32_t;
  using Rank = uint64_t;
};
template <>
struct RankBits<double> {
  using Score = uint64_t;
  using Rank = unsigned __int128;
};

template <typename T>
using Rank = typename RankBits<T>::Rank;

// `score` is not NaN; `place` is from 0 to 2^32 - 1.
template <typename T>
Rank<T> rank(T score, int64_t place) {
  using Score = typename RankBits<T>::Score;
  constexpr int kBits = sizeof(Score) * 8;
  score += T(0);  // one zero, not two
  Score bits;
  std::memcpy(&bits, &score, sizeof bits);
  // Floating point numbers are sign and magnitude.
  bits = bits >> (kBits - 1) ? ~bits : bits | Score(1) << (kBits - 1);
  return Rank<T>(bits) << kBits | static_cast<Score>(~static_cast<Score>(place));
}

template <typename T>
int64_t place_of(Rank<T> rank) {
  using Score = typename RankBits<T>::Score;
  return static_cast<int64_t>(static_cast<Score>(~static_cast<Score>(rank)));
}

template <typename T>
T score_of(Rank<T> rank) {
  using Score = typename RankBits<T>::Score;
  constexpr int kBits = sizeof(Score) * 8;
  Score bits = static_cast<Score>(rank >> kBits);
  bits = bits >> (kBits - 1) ? bits & ~(Score(1) << (kBits - 1)) : ~bits;
  T score;
  std::memcpy(&score, &bits, sizeof score);
  return score;
}

// Hands out ranks best first. They are dealt into buckets of near scores at once, and a bucket is sorted when its turn
// comes: whoever needs a thousand of fifty thousand sorts little more than a thousand.
template <typename T>
class BestFirst {
 public:
  BestFirst() : BestFirst(std::vector<Rank<T>>()) {}

  explicit BestFirst(const std::vector<Rank<T>>& ranks) : ranks_(ranks.size()), ends_(kBuckets, 0) {
    Rank<T> low = ~Rank<T>(0), high = 0;
    for (Rank<T> rank : ranks) {
      low = rank < low ? rank : low;
      high = rank > high ? rank : high;
    }
    int shift = 0;
    while (ranks.size() > 0 && (high - low) >> shift >= kBuckets) ++shift;
    for (Rank<T> rank : ranks) ++ends_[(high - rank) >> shift];
    int64_t begin = 0;
    for (int64_t& end : ends_) {
      begin += end;
      end = begin - end;
    }
    for (Rank<T> rank : ranks) ranks_[ends_[(high - rank) >> shift]++] = rank;
  }

  bool empty() const { return next_ == static_cast<int64_t>(ranks_.size()); }

  // There must be one.
  Rank<T> best() {
    if (next_ == sorted_) {
      while (ends_[bucket_] == sorted_) ++bucket_;
      std::sort(ranks_.begin() + sorted_, ranks_.begin() + ends_[bucket_], std::greater<Rank<T>>());
      sorted_ = ends_[bucket_];
    }
    return ranks_[next_];
  }

  void drop_best() { ++next_; }

 private:
  static constexpr int64_t kBuckets = 4096;

  std::vector<Rank<T>> ranks_;
  std::vector<int64_t> ends_;  // of the buckets in ranks_
  int64_t bucket_ = 0, next_ = 0, sorted_ = 0;
};

}  // namespace lhrcnn

#endif  // LHRCNN_CPU_ORDER_H_
