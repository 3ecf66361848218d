// The functions of roi_pooling.h that do not depend on the operator.
#include "roi_pooling.h"

#include <climits>

namespace lhrcnn {

void check_pooled_inputs(const Attributes& attributes, const std::vector<std::vector<unsigned>>& inputs) {
  const std::vector<unsigned> &data = inputs.at(0), &rois = inputs.at(1);
  check_layout(attributes, "data", data, "(N, C, H, W)");
  check_layout(attributes, "rois", rois, "(R, 5)");
  for (unsigned size : data) {
    if (size == 0) attributes.reject("data", "has an empty axis: " + to_string(data));
  }
  if (data[2] > INT_MAX / 2 || data[3] > INT_MAX / 2) attributes.reject("data", "is too large: " + to_string(data));
  if (rois[1] != 5) attributes.reject("rois", "must be (R, 5), got " + to_string(rois));
}

std::vector<unsigned> position_sensitive_shape(const Attributes& attributes, int output_dim, int pooled_size,
                                               const std::vector<unsigned>& data) {
  const int64_t channels = int64_t(output_dim) * pooled_size * pooled_size;
  if (data[1] != channels) {
    attributes.reject("data", "must have output_dim * pooled_size^2 = " + std::to_string(channels) + " channels, got " +
                                  std::to_string(data[1]));
  }
  const unsigned side = static_cast<unsigned>(pooled_size);
  return {static_cast<unsigned>(output_dim), side, side};
}

void fill_zero(mxnet::ext::MXTensor* tensor) {
  memset(tensor->data<char>(), 0, tensor->size() * (tensor->dtype == mxnet::ext::kFloat64 ? 8 : 4));
}

}  // namespace lhrcnn
