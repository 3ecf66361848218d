// PS-RoIAlign on the CPU.
//
// Bin (i, j) reads only the channels c * pooled_size^2 + i * pooled_size + j. A task is one bin of one image: it packs
// these planes so that the values of all c at one pixel lie side by side, and then each bilinear tap of each RoI is one
// short vector operation over c. A task alone writes what it writes, in the order of the RoIs, so the sums in the
// gradient are the same for any number of threads.
#include <new>
#include <vector>

#include "geometry.h"
#include "kernels.h"

namespace lhrcnn {
namespace {

constexpr int kLanes = 4;

template <typename T>
struct Tap {
  int64_t offset;  // in the packed planes
  T weight;
};

template <typename T>
class PsRoiAlign {
 public:
  PsRoiAlign(const LhrcnnPsRoiAlign& options, const T* rois)
      : options_(options), bins_(int64_t(options.pooled_size) * options.pooled_size),
        pixels_(options.height * options.width),
        lanes_((options.output_dim + kLanes - 1) / kLanes * kLanes),
        share_(T(1) / (T(options.sampling_ratio) * T(options.sampling_ratio))),
        border_(options.border == LHRCNN_BORDER_ZERO ? Border::kZero : Border::kClamp),
        grids_(options.rois), first_(options.images + 1, 0) {
    // RoIs by image, in their own order.
    for (int64_t r = 0; r < options.rois; ++r) {
      grids_[r] = bin_grid(rois + r * 5, options.images, T(options.spatial_scale), options.pooled_size,
                           options.aligned != 0, border_);
      if (grids_[r].image >= 0) ++first_[grids_[r].image + 1];
    }
    for (int64_t image = 0; image < options.images; ++image) first_[image + 1] += first_[image];
    order_.resize(first_[options.images]);
    std::vector<int64_t> next(first_.begin(), first_.end() - 1);
    for (int64_t r = 0; r < options.rois; ++r) {
      if (grids_[r].image >= 0) order_[next[grids_[r].image]++] = r;
    }
  }

  void forward(const T* data, T* output, int threads) const {
    for (int64_t r = 0; r < options_.rois; ++r) {
      if (grids_[r].image >= 0) continue;
      T* row = output + r * options_.output_dim * bins_;
      for (int64_t i = 0; i < options_.output_dim * bins_; ++i) row[i] = T(0);
    }
    run(threads, [=](int64_t image, int64_t bin, T* packed, Tap<T>* taps) {
      if (first_[image] == first_[image + 1]) return;
      pack(data, image, bin, packed);
      for (int64_t k = first_[image]; k < first_[image + 1]; ++k) {
        const int64_t r = order_[k];
        const int count = bin_taps(grids_[r], bin, taps);
        T* out = output + r * options_.output_dim * bins_ + bin;
        for (int64_t c = 0; c < lanes_; c += kLanes) {
          T sum[kLanes] = {};
          for (int t = 0; t < count; ++t) {
            const T* values = packed + taps[t].offset + c;
            for (int lane = 0; lane < kLanes; ++lane) sum[lane] += taps[t].weight * values[lane];
          }
          for (int lane = 0; lane < kLanes && c + lane < options_.output_dim; ++lane) {
            out[(c + lane) * bins_] = sum[lane] * share_;
          }
        }
      }
    });
  }

  void backward(const T* output_grad, T* data_grad, int threads) const {
    run(threads, [=](int64_t image, int64_t bin, T* packed, Tap<T>* taps) {
      for (int64_t i = 0; i < pixels_ * lanes_; ++i) packed[i] = T(0);
      for (int64_t k = first_[image]; k < first_[image + 1]; ++k) {
        const int64_t r = order_[k];
        const int count = bin_taps(grids_[r], bin, taps);
        const T* grad = output_grad + r * options_.output_dim * bins_ + bin;
        for (int64_t c = 0; c < lanes_; c += kLanes) {
          T part[kLanes] = {};
          for (int lane = 0; lane < kLanes && c + lane < options_.output_dim; ++lane) {
            part[lane] = grad[(c + lane) * bins_] * share_;
          }
          for (int t = 0; t < count; ++t) {
            T* values = packed + taps[t].offset + c;
            for (int lane = 0; lane < kLanes; ++lane) values[lane] += taps[t].weight * part[lane];
          }
        }
      }
      unpack(packed, image, bin, data_grad);
    });
  }

 private:
  // Calls work(image, bin, packed, taps) for every bin of every image, each thread with scratch of its own.
  template <typename Work>
  void run(int threads, const Work& work) const {
    const int64_t tasks = options_.images * bins_;
    if (threads > tasks) threads = static_cast<int>(tasks);
    if (threads < 1) threads = 1;
    const int64_t samples = int64_t(options_.sampling_ratio) * options_.sampling_ratio;
    std::vector<std::vector<T>> packed(threads, std::vector<T>(pixels_ * lanes_));
    std::vector<std::vector<Tap<T>>> taps(threads, std::vector<Tap<T>>(4 * samples));
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; ++thread) {
      const int64_t begin = tasks * thread / threads, end = tasks * (thread + 1) / threads;
      for (int64_t task = begin; task < end; ++task) {
        work(task / bins_, task % bins_, packed[thread].data(), taps[thread].data());
      }
    }
  }

  // Fills `taps` with the pixels that a bin reads and returns how many; pixels outside the map are left out.
  int bin_taps(const BinGrid<T>& grid, int64_t bin, Tap<T>* taps) const {
    const int samples = options_.sampling_ratio;
    const int row = static_cast<int>(bin / options_.pooled_size), column = static_cast<int>(bin % options_.pooled_size);
    int count = 0;
    for (int i = 0; i < samples; ++i) {
      const Taps<T> y = taps_at(sample_position(grid.y, grid.bin_height, row, i, samples), options_.height, border_);
      for (int j = 0; j < samples; ++j) {
        const Taps<T> x = taps_at(sample_position(grid.x, grid.bin_width, column, j, samples), options_.width, border_);
        const Tap<T> corners[4] = {{y.low * options_.width + x.low, y.low_weight * x.low_weight},
                                   {y.low * options_.width + x.high, y.low_weight * x.high_weight},
                                   {y.high * options_.width + x.low, y.high_weight * x.low_weight},
                                   {y.high * options_.width + x.high, y.high_weight * x.high_weight}};
        for (const Tap<T>& corner : corners) {
          if (corner.weight != T(0)) taps[count++] = {corner.offset * lanes_, corner.weight};
        }
      }
    }
    return count;
  }

  void pack(const T* data, int64_t image, int64_t bin, T* packed) const {
    const T* planes = data + (image * options_.output_dim * bins_ + bin) * pixels_;
    for (int64_t pixel = 0; pixel < pixels_; ++pixel) {
      for (int64_t c = 0; c < options_.output_dim; ++c) packed[pixel * lanes_ + c] = planes[c * bins_ * pixels_ + pixel];
    }
  }

  void unpack(const T* packed, int64_t image, int64_t bin, T* data) const {
    T* planes = data + (image * options_.output_dim * bins_ + bin) * pixels_;
    for (int64_t c = 0; c < options_.output_dim; ++c) {
      for (int64_t pixel = 0; pixel < pixels_; ++pixel) planes[c * bins_ * pixels_ + pixel] = packed[pixel * lanes_ + c];
    }
  }

  const LhrcnnPsRoiAlign options_;
  const int64_t bins_, pixels_, lanes_;
  const T share_;  // of one sample in its bin
  const Border border_;
  std::vector<BinGrid<T>> grids_;
  std::vector<int64_t> first_, order_;  // the RoIs of image n are order_[first_[n]] .. order_[first_[n + 1] - 1]
};

template <typename T>
int forward(const LhrcnnPsRoiAlign* options, const T* data, const T* rois, T* output, int threads) {
  try {
    PsRoiAlign<T>(*options, rois).forward(data, output, threads);
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}

template <typename T>
int backward(const LhrcnnPsRoiAlign* options, const T* output_grad, const T* rois, T* data_grad, int threads) {
  try {
    PsRoiAlign<T>(*options, rois).backward(output_grad, data_grad, threads);
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace lhrcnn

int lhrcnn_ps_roi_align_forward_f32(const LhrcnnPsRoiAlign* options, const float* data, const float* rois,
                                    float* output, int threads) {
  return lhrcnn::forward(options, data, rois, output, threads);
}

int lhrcnn_ps_roi_align_forward_f64(const LhrcnnPsRoiAlign* options, const double* data, const double* rois,
                                    double* output, int threads) {
  return lhrcnn::forward(options, data, rois, output, threads);
}

int lhrcnn_ps_roi_align_backward_f32(const LhrcnnPsRoiAlign* options, const float* output_grad, const float*,
                                     const float* rois,
                                     float* data_grad, int threads) {
  return lhrcnn::backward(options, output_grad, rois, data_grad, threads);
}

int lhrcnn_ps_roi_align_backward_f64(const LhrcnnPsRoiAlign* options, const double* output_grad, const double*,
                                     const double* rois,
                                     double* data_grad, int threads) {
  return lhrcnn::backward(options, output_grad, rois, data_grad, threads);
}
