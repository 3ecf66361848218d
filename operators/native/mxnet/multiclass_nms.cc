// Registers multiclass_nms with MXNet: reads the attributes, checks the inputs and calls the kernel.
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

const char* const kMulticlassNms = "multiclass_nms";

Attributes multiclass_nms_attributes(const AttributeMap& values) {
  return Attributes(kMulticlassNms, values, {"background", "score_threshold", "nms_threshold", "pre_nms",
                                             "max_per_image", "soft", "sigma", "inclusive", "with_valid"});
}

// Returns the options that the attributes state; the sizes are 0.
LhrcnnMulticlassNms multiclass_nms_options(const AttributeMap& values) {
  const Attributes attributes = multiclass_nms_attributes(values);
  LhrcnnMulticlassNms options = {};
  options.background = attributes.integer("background", -1, INT_MAX, 0);
  options.score_threshold = attributes.number("score_threshold", -HUGE_VAL, HUGE_VAL, 0.001);
  options.nms_threshold = attributes.number("nms_threshold", 0, 1, 0.3);
  options.pre_nms = attributes.integer("pre_nms", 0, INT_MAX, 0);
  options.max_per_image = attributes.integer("max_per_image", 1, 1 << 24, 100);
  const int soft = attributes.choice("soft", {"none", "linear", "gaussian"});
  options.soft = soft == 0 ? LHRCNN_SOFT_NONE : soft == 1 ? LHRCNN_SOFT_LINEAR : LHRCNN_SOFT_GAUSSIAN;
  options.sigma = attributes.number("sigma", 0, HUGE_VAL, 0.5);
  if (options.sigma == 0) attributes.reject("sigma", "must be above 0");
  options.inclusive = attributes.boolean("inclusive", true);
  if (soft && options.score_threshold < 0) {
    attributes.reject("score_threshold",
                      "must be at least 0 unless soft is 'none', because soft suppression multiplies scores");
  }
  return options;
}

bool multiclass_nms_has_valid(const AttributeMap& values) {
  return multiclass_nms_attributes(values).boolean("with_valid", false);
}

MXReturnValue multiclass_nms_parse(const AttributeMap& values, int* inputs, int* outputs) {
  return catch_errors([&] {
    multiclass_nms_options(values);
    *inputs = multiclass_nms_has_valid(values) ? 3 : 2;
    *outputs = 2;
  });
}

MXReturnValue multiclass_nms_types(const AttributeMap& values, std::vector<int>* inputs, std::vector<int>* outputs) {
  return catch_errors([&] {
    std::vector<std::string> names = {"scores", "boxes", "valid"};
    names.resize(inputs->size());
    infer_types(multiclass_nms_attributes(values), names, 1, false, inputs, outputs);
  });
}

MXReturnValue multiclass_nms_shapes(const AttributeMap& values, std::vector<Shape>* inputs,
                                    std::vector<Shape>* outputs) {
  return catch_errors([&] {
    const Attributes attributes = multiclass_nms_attributes(values);
    const LhrcnnMulticlassNms options = multiclass_nms_options(values);
    const Shape &scores = inputs->at(0), &boxes = inputs->at(1);
    check_layout(attributes, "scores", scores, "(N, R, C)");
    check_layout(attributes, "boxes", boxes, "(N, R, 4)");
    const Shape shared = {scores[0], scores[1], 4}, per_class = {scores[0], scores[1], 4 * scores[2]};
    if (boxes != shared && boxes != per_class) {
      attributes.reject("boxes", "must be " + to_string(shared) + " or, with a box for each class, " +
                                     to_string(per_class) + " for scores " + to_string(scores) + ", got " +
                                     to_string(boxes));
    }
    if (options.background >= int64_t(scores[2])) {
      attributes.reject("background", "must be one of the " + std::to_string(scores[2]) + " classes or -1, got " +
                                          std::to_string(options.background));
    }
    if (double(scores[1]) * scores[2] > LHRCNN_MAX_CANDIDATES) {
      attributes.reject("scores", "has too many boxes and classes: " + to_string(scores));
    }
    if (inputs->size() > 2) {
      check_layout(attributes, "valid", inputs->at(2), "(N,)");
      if (inputs->at(2)[0] != scores[0]) {
        attributes.reject("valid", "must be " + to_string({scores[0]}) + ", got " + to_string(inputs->at(2)));
      }
    }
    outputs->at(0) = {scores[0], static_cast<unsigned>(options.max_per_image), 6};
    outputs->at(1) = {scores[0]};
  });
}

// Returns all options of a call, the sizes included.
LhrcnnMulticlassNms multiclass_nms_sized_options(const AttributeMap& values, const std::vector<MXTensor>& inputs) {
  const std::vector<int64_t>& shape = inputs[0].shape;
  LhrcnnMulticlassNms options = multiclass_nms_options(values);
  options.images = shape[0];
  options.boxes = shape[1];
  options.classes = static_cast<int32_t>(shape[2]);
  options.box_classes = inputs[1].shape[2] == 4 ? 1 : options.classes;
  return options;
}

MXReturnValue multiclass_nms_forward(const AttributeMap& values, std::vector<MXTensor>* inputs,
                                     std::vector<MXTensor>* outputs, const OpResource&) {
  return catch_errors([&] {
    const LhrcnnMulticlassNms options = multiclass_nms_sized_options(values, *inputs);
    run_on_cpu(multiclass_nms_attributes(values), "scores", inputs->at(0), lhrcnn_multiclass_nms_f32,
               lhrcnn_multiclass_nms_f64, [&](auto kernel, auto zero) {
                 using T = decltype(zero);
                 const T* valid = inputs->size() > 2 ? inputs->at(2).data<T>() : nullptr;
                 return kernel(&options, inputs->at(0).data<T>(), inputs->at(1).data<T>(), valid,
                               outputs->at(0).data<T>(), outputs->at(1).data<T>(), omp_get_max_threads());
               });
  });
}

#ifdef LHRCNN_WITH_CUDA
MXReturnValue multiclass_nms_forward_on_gpu(const AttributeMap& values, std::vector<MXTensor>* inputs,
                                            std::vector<MXTensor>* outputs, const OpResource& resource) {
  return catch_errors([&] {
    const LhrcnnMulticlassNms options = multiclass_nms_sized_options(values, *inputs);
    const GpuCall call(multiclass_nms_attributes(values), "scores", inputs->at(0),
                       lhrcnn_cuda_multiclass_nms_workspace(&options), resource);
    const float* valid = inputs->size() > 2 ? inputs->at(2).data<float>() : nullptr;
    call.check((call.half() ? lhrcnn_cuda_multiclass_nms_f16 : lhrcnn_cuda_multiclass_nms_f32)(
        &options, inputs->at(0).data_ptr, inputs->at(1).data<float>(), valid, outputs->at(0).data<float>(),
        outputs->at(1).data<float>(), call.workspace(), call.stream()));
  });
}
#endif

REGISTER_OP(multiclass_nms)
    .setParseAttrs(multiclass_nms_parse)
    .setInferType(multiclass_nms_types)
    .setInferShape(multiclass_nms_shapes)
    .setForward(multiclass_nms_forward, "cpu")
#ifdef LHRCNN_WITH_CUDA
    .setForward(multiclass_nms_forward_on_gpu, "gpu")
    .setBackward(zero_gradients_on_gpu, "gpu")
#endif
    .setBackward(zero_gradients, "cpu");

}  // namespace
}  // namespace lhrcnn
