// Registers rpn_proposal with MXNet: reads the attributes, checks the inputs and calls the kernel.
#include <omp.h>

#include <climits>
#include <cmath>

#include "gpu.h"
#include "kernels.h"
#include "mxnet_api.h"

namespace lhrcnn {
namespace {

using mxnet::ext::MXReturnValue;
using mxnet::ext::MXTensor;
using mxnet::ext::OpResource;
using Shape = std::vector<unsigned>;

const char* const kRpnProposal = "rpn_proposal";

Attributes rpn_proposal_attributes(const AttributeMap& values) {
  return Attributes(kRpnProposal, values, {"anchors", "feature_stride", "pre_nms", "post_nms", "nms_threshold",
                                           "min_size", "channels", "feature_size", "pad", "output_score"});
}

// Returns the options that the attributes state, without the anchors; the sizes are 0.
LhrcnnRpnProposal rpn_proposal_options(const AttributeMap& values) {
  const Attributes attributes = rpn_proposal_attributes(values);
  LhrcnnRpnProposal options = {};
  options.feature_stride = attributes.integer("feature_stride", 1, 1 << 20, 16);
  options.pre_nms = attributes.integer("pre_nms", 0, INT_MAX, 6000);
  options.post_nms = attributes.integer("post_nms", 1, 1 << 24, 300);
  options.nms_threshold = attributes.number("nms_threshold", 0, 1, 0.7);
  options.min_size = attributes.number("min_size", 0, HUGE_VAL, 0);
  options.channels = attributes.choice("channels", {"split", "interleaved"}) ? LHRCNN_CHANNELS_INTERLEAVED
                                                                             : LHRCNN_CHANNELS_SPLIT;
  options.feature_size = attributes.choice("feature_size", {"map", "im_info"}) ? LHRCNN_FEATURE_IM_INFO
                                                                               : LHRCNN_FEATURE_MAP;
  options.pad = attributes.choice("pad", {"empty", "repeat"}) ? LHRCNN_PAD_REPEAT : LHRCNN_PAD_EMPTY;
  return options;
}

std::vector<double> rpn_proposal_anchors(const AttributeMap& values) {
  const Attributes attributes = rpn_proposal_attributes(values);
  const std::vector<double> anchors = attributes.numbers("anchors");
  if (anchors.empty() || anchors.size() % 4) {
    attributes.reject("anchors", "must hold four numbers for each anchor, got " + std::to_string(anchors.size()));
  }
  return anchors;
}

bool rpn_proposal_has_scores(const AttributeMap& values) {
  return rpn_proposal_attributes(values).boolean("output_score", false);
}

MXReturnValue rpn_proposal_parse(const AttributeMap& values, int* inputs, int* outputs) {
  return catch_errors([&] {
    rpn_proposal_options(values);
    rpn_proposal_anchors(values);
    *inputs = 3;
    *outputs = rpn_proposal_has_scores(values) ? 3 : 2;
  });
}

MXReturnValue rpn_proposal_types(const AttributeMap& values, std::vector<int>* inputs, std::vector<int>* outputs) {
  return catch_errors([&] {
    infer_types(rpn_proposal_attributes(values), {"cls_prob", "bbox_pred", "im_info"}, 2, false, inputs, outputs);
  });
}

MXReturnValue rpn_proposal_shapes(const AttributeMap& values, std::vector<Shape>* inputs, std::vector<Shape>* outputs) {
  return catch_errors([&] {
    const Attributes attributes = rpn_proposal_attributes(values);
    const LhrcnnRpnProposal options = rpn_proposal_options(values);
    const Shape &cls_prob = inputs->at(0), &bbox_pred = inputs->at(1);
    Shape& im_info = inputs->at(2);
    check_layout(attributes, "cls_prob", cls_prob, "(N, 2 * A, H, W)");
    check_layout(attributes, "bbox_pred", bbox_pred, "(N, 4 * A, H, W)");
    if (im_info.empty()) im_info = {cls_prob[0], 3};
    check_layout(attributes, "im_info", im_info, "(N, 3)");
    const unsigned num_anchors = static_cast<unsigned>(rpn_proposal_anchors(values).size() / 4);
    const std::string of_anchors = " of " + std::to_string(num_anchors) + " anchors, got ";
    if (cls_prob[1] != 2 * num_anchors) {
      attributes.reject("cls_prob", "must have the " + std::to_string(2 * num_anchors) + " channels" + of_anchors +
                                        std::to_string(cls_prob[1]));
    }
    const Shape deltas = {cls_prob[0], 4 * num_anchors, cls_prob[2], cls_prob[3]};
    if (bbox_pred != deltas) {
      attributes.reject("bbox_pred", "must be " + to_string(deltas) + " for cls_prob " + to_string(cls_prob) +
                                         ", got " + to_string(bbox_pred));
    }
    if (im_info != Shape{cls_prob[0], 3}) {
      attributes.reject("im_info", "must be " + to_string({cls_prob[0], 3}) + ", got " + to_string(im_info));
    }
    if (double(cls_prob[2]) * cls_prob[3] * num_anchors > LHRCNN_MAX_CANDIDATES) {
      attributes.reject("cls_prob", "has too many anchors: " + to_string(cls_prob));
    }
    if (double(cls_prob[0]) * options.post_nms > INT_MAX) {
      attributes.reject("post_nms", "is too large for " + std::to_string(cls_prob[0]) + " images");
    }
    const unsigned rows = cls_prob[0] * static_cast<unsigned>(options.post_nms);
    outputs->at(0) = {rows, 5};
    outputs->at(1) = {cls_prob[0]};
    if (rpn_proposal_has_scores(values)) outputs->at(2) = {rows, 1};
  });
}

// Returns all options of a call, the sizes included. They refer to `anchors`, which must outlive them.
LhrcnnRpnProposal rpn_proposal_sized_options(const AttributeMap& values, const std::vector<int64_t>& shape,
                                             const std::vector<double>& anchors) {
  LhrcnnRpnProposal options = rpn_proposal_options(values);
  options.images = shape[0];
  options.height = shape[2];
  options.width = shape[3];
  options.num_anchors = static_cast<int32_t>(anchors.size() / 4);
  options.anchors = anchors.data();
  return options;
}

MXReturnValue rpn_proposal_forward(const AttributeMap& values, std::vector<MXTensor>* inputs,
                                   std::vector<MXTensor>* outputs, const OpResource&) {
  return catch_errors([&] {
    const std::vector<double> anchors = rpn_proposal_anchors(values);
    const LhrcnnRpnProposal options = rpn_proposal_sized_options(values, inputs->at(0).shape, anchors);
    run_on_cpu(rpn_proposal_attributes(values), "cls_prob", inputs->at(0), lhrcnn_rpn_proposal_f32,
               lhrcnn_rpn_proposal_f64, [&](auto kernel, auto zero) {
                 using T = decltype(zero);
                 T* scores = outputs->size() > 2 ? outputs->at(2).data<T>() : nullptr;
                 return kernel(&options, inputs->at(0).data<T>(), inputs->at(1).data<T>(), inputs->at(2).data<T>(),
                               outputs->at(0).data<T>(), scores, outputs->at(1).data<T>(), omp_get_max_threads());
               });
  });
}

#ifdef LHRCNN_WITH_CUDA
MXReturnValue rpn_proposal_forward_on_gpu(const AttributeMap& values, std::vector<MXTensor>* inputs,
                                          std::vector<MXTensor>* outputs, const OpResource& resource) {
  return catch_errors([&] {
    const std::vector<double> anchors = rpn_proposal_anchors(values);
    const LhrcnnRpnProposal options = rpn_proposal_sized_options(values, inputs->at(0).shape, anchors);
    const GpuCall call(rpn_proposal_attributes(values), "cls_prob", inputs->at(0),
                       lhrcnn_cuda_rpn_proposal_workspace(&options), resource);
    float* scores = outputs->size() > 2 ? outputs->at(2).data<float>() : nullptr;
    call.check((call.half() ? lhrcnn_cuda_rpn_proposal_f16 : lhrcnn_cuda_rpn_proposal_f32)(
        &options, inputs->at(0).data_ptr, inputs->at(1).data_ptr, inputs->at(2).data<float>(),
        outputs->at(0).data<float>(), scores, outputs->at(1).data<float>(), call.workspace(), call.stream()));
  });
}
#endif

REGISTER_OP(rpn_proposal)
    .setParseAttrs(rpn_proposal_parse)
    .setInferType(rpn_proposal_types)
    .setInferShape(rpn_proposal_shapes)
    .setForward(rpn_proposal_forward, "cpu")
#ifdef LHRCNN_WITH_CUDA
    .setForward(rpn_proposal_forward_on_gpu, "gpu")
    .setBackward(zero_gradients_on_gpu, "gpu")
#endif
    .setBackward(zero_gradients, "cpu");

}  // namespace
}  // namespace lhrcnn
