// Calls the CPU kernels with random and hostile inputs. It is built with sanitizers, which end it at any read or write
// out of bounds.
//
// Arrays have exactly the sizes that kernels.h asks for. The program also checks what must hold for every input:
// `require` prints what does not hold and ends it. Usage: hostile SEED ROUNDS
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "kernels.h"

namespace {

std::mt19937_64 generator;

int integer(int least, int most) { return std::uniform_int_distribution<int>(least, most)(generator); }

double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(generator); }

bool chance(double probability) { return uniform(0, 1) < probability; }

void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("does not hold: %s\n", what);
  std::exit(1);
}

// Returns a number that a kernel should not get but may: NaN, infinity, or one of an unusual magnitude.
double hostile() {
  const double infinity = std::numeric_limits<double>::infinity();
  const double values[] = {std::nan(""), infinity, -infinity, 0, -0.0, 1e-45, 1e-310, -1, 0.5, 1e6, -1e6, 2147483648.0,
                           -2147483649.0, 9.3e18, -9.3e18, 3e38, -3e38, 1e300};
  return values[integer(0, sizeof(values) / sizeof(values[0]) - 1)];
}

template <typename T>
std::vector<T> numbers(size_t count, double low, double high, double share_hostile) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(chance(share_hostile) ? hostile() : uniform(low, high));
  return values;
}

template <typename T>
bool all_finite(const std::vector<T>& values) {
  for (T value : values) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

// Outputs are full of NaN at first, so that one which a kernel does not write is noticed.
template <typename T>
std::vector<T> unwritten(size_t count) {
  return std::vector<T>(count, std::numeric_limits<T>::quiet_NaN());
}

template <typename T>
std::vector<T> hostile_rois(int64_t count, int images, double extent) {
  std::vector<T> rois(count * 5);
  for (int64_t r = 0; r < count; ++r) {
    const bool wild = chance(0.3);
    rois[r * 5] = static_cast<T>(wild && chance(0.5) ? hostile() : integer(-1, images));
    for (int i = 1; i < 5; ++i) {
      rois[r * 5 + i] = static_cast<T>(wild && chance(0.5) ? hostile() : uniform(-extent, 2 * extent));
    }
    if (chance(0.1)) rois[r * 5 + 3] = rois[r * 5 + 1];
  }
  return rois;
}

struct F32 {
  using Type = float;
  static constexpr auto align = lhrcnn_ps_roi_align_forward_f32;
  static constexpr auto align_backward = lhrcnn_ps_roi_align_backward_f32;
  static constexpr auto pool = lhrcnn_ps_roi_pool_forward_f32;
  static constexpr auto pool_backward = lhrcnn_ps_roi_pool_backward_f32;
  static constexpr auto max_pool = lhrcnn_roi_max_pool_forward_f32;
  static constexpr auto max_pool_backward = lhrcnn_roi_max_pool_backward_f32;
  static constexpr auto proposal = lhrcnn_rpn_proposal_f32;
  static constexpr auto nms = lhrcnn_multiclass_nms_f32;
};

struct F64 {
  using Type = double;
  static constexpr auto align = lhrcnn_ps_roi_align_forward_f64;
  static constexpr auto align_backward = lhrcnn_ps_roi_align_backward_f64;
  static constexpr auto pool = lhrcnn_ps_roi_pool_forward_f64;
  static constexpr auto pool_backward = lhrcnn_ps_roi_pool_backward_f64;
  static constexpr auto max_pool = lhrcnn_roi_max_pool_forward_f64;
  static constexpr auto max_pool_backward = lhrcnn_roi_max_pool_backward_f64;
  static constexpr auto proposal = lhrcnn_rpn_proposal_f64;
  static constexpr auto nms = lhrcnn_multiclass_nms_f64;
};

const double kScales[] = {1.0 / 16, 1, 1e-6, 1e6, 1e-300, 1e300};

// Pools RoIs forward and backward with one of the operators. `options` holds the options that only this operator has;
// forward(options, data, rois, output) and backward(options, output_grad, data, rois, data_grad) call its kernels.
template <typename T, typename Options, typename Forward, typename Backward>
void pool_rois(Options options, const Forward& forward, const Backward& backward) {
  options.images = integer(1, 3);
  options.height = integer(1, 9);
  options.width = integer(1, 9);
  options.rois = integer(0, 40);
  options.output_dim = integer(1, 18);
  options.pooled_size = integer(1, 4);
  options.spatial_scale = kScales[chance(0.7) ? integer(0, 1) : integer(0, 5)];
  const size_t bins = size_t(options.output_dim) * options.pooled_size * options.pooled_size;
  const auto data = numbers<T>(options.images * bins * options.height * options.width, -1, 1, 0);
  const auto rois = hostile_rois<T>(options.rois, options.images, chance(0.5) ? 10 : 160);
  auto output = unwritten<T>(options.rois * bins);
  require(forward(&options, data.data(), rois.data(), output.data()) == 0, "pooling: memory");
  require(all_finite(output), "pooling: every output is written and finite");
  const auto grad = numbers<T>(output.size(), -1, 1, 0);
  auto data_grad = unwritten<T>(data.size());
  require(backward(&options, grad.data(), data.data(), rois.data(), data_grad.data()) == 0,
          "pooling backward: memory");
  require(all_finite(data_grad), "pooling: every gradient is written and finite");
}

template <typename Kernels>
void ps_roi_align(int threads) {
  using T = typename Kernels::Type;
  LhrcnnPsRoiAlign options = {};
  options.sampling_ratio = integer(0, 3);
  options.mode = integer(0, 1);
  options.aligned = integer(0, 1);
  options.border = integer(0, 1);
  pool_rois<T>(
      options,
      [=](const LhrcnnPsRoiAlign* all, const T* data, const T* rois, T* output) {
        return Kernels::align(all, data, rois, output, threads);
      },
      [=](const LhrcnnPsRoiAlign* all, const T* grad, const T* data, const T* rois, T* data_grad) {
        return Kernels::align_backward(all, grad, all->mode == LHRCNN_MODE_MAX ? data : nullptr, rois, data_grad,
                                       threads);
      });
}

template <typename Kernels>
void ps_roi_pool(int threads) {
  using T = typename Kernels::Type;
  pool_rois<T>(
      LhrcnnPsRoiPool(),
      [=](const LhrcnnPsRoiPool* all, const T* data, const T* rois, T* output) {
        return Kernels::pool(all, data, rois, output, threads);
      },
      [=](const LhrcnnPsRoiPool* all, const T* grad, const T*, const T* rois, T* data_grad) {
        return Kernels::pool_backward(all, grad, rois, data_grad, threads);
      });
}

template <typename Kernels>
void roi_max_pool(int threads) {
  using T = typename Kernels::Type;
  LhrcnnRoiMaxPool options = {};
  options.images = integer(1, 3);
  options.height = integer(1, 9);
  options.width = integer(1, 9);
  options.rois = integer(0, 40);
  options.channels = integer(1, 40);
  options.pooled_height = integer(1, 4);
  options.pooled_width = integer(1, 4);
  options.spatial_scale = kScales[chance(0.7) ? integer(0, 1) : integer(0, 5)];
  const size_t values = size_t(options.rois) * options.channels * options.pooled_height * options.pooled_width;
  const double share = chance(0.3) ? 0.1 : 0;
  const auto data = numbers<T>(options.images * options.channels * options.height * options.width, -1, 1, share);
  const auto rois = hostile_rois<T>(options.rois, options.images, chance(0.5) ? 10 : 160);
  auto output = unwritten<T>(values);
  require(Kernels::max_pool(&options, data.data(), rois.data(), output.data(), threads) == 0, "max pooling: memory");
  if (share == 0) require(all_finite(output), "max pooling: every output is written and finite");
  const auto grad = numbers<T>(values, -1, 1, 0);
  auto data_grad = unwritten<T>(data.size());
  require(Kernels::max_pool_backward(&options, grad.data(), data.data(), rois.data(), data_grad.data(), threads) == 0,
          "max pooling backward: memory");
  require(all_finite(data_grad), "max pooling: every gradient is written and finite");
}

template <typename Kernels>
void rpn_proposal(int threads) {
  using T = typename Kernels::Type;
  LhrcnnRpnProposal options = {};
  options.images = integer(1, 3);
  options.height = integer(1, 9);
  options.width = integer(1, 9);
  options.num_anchors = integer(1, 5);
  options.feature_stride = integer(1, 32);
  options.pre_nms = chance(0.3) ? 0 : integer(1, 300);
  options.post_nms = integer(1, 60);
  options.channels = integer(0, 1);
  options.feature_size = integer(0, 1);
  options.pad = integer(0, 1);
  options.nms_threshold = chance(0.2) ? 0 : uniform(0, 1);
  options.min_size = chance(0.5) ? 0 : uniform(0, 40);
  const auto anchors = numbers<double>(options.num_anchors * 4, -100, 100, chance(0.2) ? 0.1 : 0);
  options.anchors = anchors.data();
  const double share = chance(0.5) ? 0.1 : 0;
  const size_t cells = options.images * options.num_anchors * options.height * options.width;
  const auto prob = numbers<T>(cells * 2, 0, 1, share);
  const auto deltas = numbers<T>(cells * 4, -1, 1, share);
  std::vector<T> info;
  for (int64_t n = 0; n < options.images; ++n) {
    for (double value : {options.height * 16.0, options.width * 16.0, 1.0}) {
      info.push_back(static_cast<T>(chance(share) ? hostile() : value));
    }
  }
  auto rois = unwritten<T>(options.images * options.post_nms * 5);
  auto scores = unwritten<T>(options.images * options.post_nms);
  auto counts = unwritten<T>(options.images);
  require(Kernels::proposal(&options, prob.data(), deltas.data(), info.data(), rois.data(),
                            chance(0.5) ? scores.data() : nullptr, counts.data(), threads) == 0, "proposal: memory");
  for (int64_t n = 0; n < options.images; ++n) {
    require(counts[n] >= 0 && counts[n] <= options.post_nms, "proposal: counts lie in 0 .. post_nms");
    for (int64_t k = 0; k < options.post_nms; ++k) {
      const T* row = rois.data() + (n * options.post_nms + k) * 5;
      const bool valid = k < counts[n] || (options.pad == LHRCNN_PAD_REPEAT && counts[n] > 0);
      require(row[0] == (valid ? T(n) : T(-1)), "proposal: rows name their image, or -1");
      for (int i = 1; i < 5; ++i) require(!std::isnan(row[i]), "proposal: no NaN");
    }
  }
}

template <typename Kernels>
void multiclass_nms(int threads) {
  using T = typename Kernels::Type;
  LhrcnnMulticlassNms options = {};
  options.images = integer(1, 3);
  options.boxes = integer(0, 60);
  options.classes = integer(1, 6);
  options.box_classes = chance(0.5) ? 1 : options.classes;
  options.background = integer(-1, 0);
  options.pre_nms = chance(0.5) ? 0 : integer(1, 70);
  options.max_per_image = integer(1, 80);
  options.soft = integer(0, 2);
  options.inclusive = integer(0, 1);
  options.score_threshold = chance(0.3) ? 0 : uniform(-0.1, 0.9);
  options.nms_threshold = uniform(0, 1);
  options.sigma = uniform(0.01, 1);
  const double share = chance(0.5) ? 0.1 : 0;
  const size_t rows = options.images * options.boxes;
  const auto scores = numbers<T>(rows * options.classes, 0, 1, share);
  const auto boxes = numbers<T>(rows * options.box_classes * 4, 0, 50, share);
  const auto valid = numbers<T>(options.images, -2, 65, 0.2);
  auto output = unwritten<T>(options.images * options.max_per_image * 6);
  auto counts = unwritten<T>(options.images);
  require(Kernels::nms(&options, scores.data(), boxes.data(), chance(0.5) ? valid.data() : nullptr, output.data(),
                       counts.data(), threads) == 0, "nms: memory");
  for (int64_t n = 0; n < options.images; ++n) {
    require(counts[n] >= 0 && counts[n] <= options.max_per_image, "nms: counts lie in 0 .. max_per_image");
    for (int64_t k = 0; k < options.max_per_image; ++k) {
      const T* row = output.data() + (n * options.max_per_image + k) * 6;
      if (k >= counts[n]) {
        for (int i = 0; i < 6; ++i) require(row[i] == T(-1), "nms: rows beyond the count are -1");
        continue;
      }
      require(row[0] >= 0 && row[0] < options.classes, "nms: classes are there");
      require(row[1] > options.score_threshold, "nms: scores exceed the threshold");
      require(k == 0 || row[1] <= row[1 - 6], "nms: best first");
    }
  }
}

}  // namespace

int main(int, char** arguments) {
  generator.seed(std::strtoull(arguments[1], nullptr, 10));
  const int rounds = std::atoi(arguments[2]);
  for (int round = 0; round < rounds; ++round) {
    const int threads = integer(1, 4);
    ps_roi_align<F32>(threads);
    ps_roi_align<F64>(threads);
    ps_roi_pool<F32>(threads);
    ps_roi_pool<F64>(threads);
    roi_max_pool<F32>(threads);
    roi_max_pool<F64>(threads);
    rpn_proposal<F32>(threads);
    rpn_proposal<F64>(threads);
    multiclass_nms<F32>(threads);
    multiclass_nms<F64>(threads);
  }
  std::printf("%d rounds\n", rounds);
  return 0;
}
