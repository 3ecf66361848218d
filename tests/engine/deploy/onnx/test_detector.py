"""Whole detectors of every kind: raw images to boxes, MXNet against ONNX Runtime."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.onnx.detector import detector_model
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models import faster_rcnn, get_model, model_zoo
from light_head_rcnn.gluon_models.necks import FeaturePyramid

LIGHT, SMALL = "light_head_rcnn_vovnetv2_19_slim_dw_voc", dict(mid_channels=8, hidden=32)
KINDS = {
    "psroi_pool": (LIGHT, SMALL),
    "psroi_align, a box a class": (LIGHT, dict(SMALL, roi_pool="psroi_align", class_agnostic=False)),
    "psroi_align_max, all cells": (LIGHT, dict(SMALL, roi_pool="psroi_align_max", all_cells=True)),
    "psroi_align_max_clamp, after_sum": (LIGHT, dict(SMALL, roi_pool="psroi_align_max_clamp", relu="after_sum")),
    "roi_pool, pointwise, no hidden layer": (LIGHT, dict(roi_pool="roi_pool", neck="pointwise", hidden=0)),
    "soft suppression": (LIGHT, dict(SMALL, soft_nms="gaussian", rpn_min_size=12)),
    "rfcn": ("rfcn_vovnetv2_19_slim_dw_voc", dict(class_agnostic=False)),
    "faster_rcnn": ("faster_rcnn_vovnetv2_19_slim_dw_voc", {}),
    "fast_rcnn": ("fast_rcnn_vovnetv2_19_slim_dw_voc", dict(hidden=(32, 24))),
    "fast_rcnn, several levels, one box": ("fast_rcnn_vovnetv2_19_slim_dw_voc", dict(
        hidden=(32,), pool_levels=(4, 2, 1), class_agnostic=True)),
    "fast_rcnn, local normalisation": ("fast_rcnn_caffenet_voc", dict(hidden=(32,), pool_levels=(2,))),
    "pyramid": ("light_head_rcnn_fpn_vovnetv2_19_slim_dw_voc", dict(SMALL, canonical_side=64)),
}
MEANS, STDS = (123.0, 117.0, 104.0), (58.0, 57.0, 57.5)
NAMES = ["boxes", "scores", "classes", "counts"]


def build(kind, randomize):
    pytest.importorskip("onnx", reason="needs the package onnx")
    name, options = KINDS[kind]
    with pytest.MonkeyPatch.context() as patch:  # what has no option: fewer channels, which take less time
        patch.setattr(faster_rcnn, "REDUCED_CHANNELS", 16)
        patch.setattr(model_zoo, "FeaturePyramid", lambda backbone: FeaturePyramid(backbone, 16))
        if not name.startswith("fast"):
            options = dict(options, anchor_scales=(2, 4), rpn_channels=16, pre_nms=60, post_nms=12)
        net = randomize(get_model(name, classes=("cup", "spoon", "plate"), max_per_image=15, nms=0.5, **options))
    if net.needs_proposals:  # small at first, as the paper wants them
        net.head.bbox_pred.weight.set_data(mx.nd.random.normal(0, 0.3, net.head.bbox_pred.weight.shape))
    # Detections of all scores: logits and deltas of a trained detector are as large.
    for layer in (*net.head.output_layers, *(() if net.needs_proposals else (net.rpn.score,))):
        layer.weight.set_data(layer.weight.data() * 3)
    return net


def proposals(net, count, height, width):
    """The third input where a network has one: RoIs of a batch of images, with padding below and between them."""
    if not net.needs_proposals:
        return {}
    corners = np.random.RandomState(width).uniform(0, 1, (count, 12, 2, 2)) * [width - 1, height - 1]
    boxes = np.concatenate([corners.min(axis=2), corners.max(axis=2)], axis=2).astype(np.float32)
    boxes[:, 3::8] = boxes[-1, 9:] = -1
    return {"proposals": boxes}


def answers_of_mxnet(net, images, im_info, stride, proposals=None):
    """MXNet's answers on what `InputPreparation` makes of raw images."""
    means, stds = (np.array(numbers, np.float32).reshape(1, 3, 1, 1) for numbers in (MEANS, STDS))
    sides = [-(-side // stride) * stride for side in images.shape[2:]]
    x = np.zeros(images.shape[:2] + tuple(sides), np.float32)
    for image, (height, width, _), place in zip(images, im_info.astype(int), x):
        place[:, :height, :width] = ((image - means[0]) / stds[0])[:, :height, :width]
    given = [] if proposals is None else [mx.nd.array(proposals)]
    ids, scores, boxes = (array.asnumpy() for array in net(mx.nd.array(x), mx.nd.array(im_info), *given))
    return boxes, scores[..., 0], ids[..., 0]


def steady_images(net, height, width, im_info, given):
    """Images of noise on which no decision hangs on rounding, as no two engines round alike, and MXNet's answers.

    These are the first ones whose detections stay where they are when every pixel changes by up to a thousandth: on
    others, an overlap of 0.5 or the least proposal that is kept may be a millionth from being decided otherwise.
    """
    for seed in range(20):
        rng = np.random.RandomState(seed)
        images = rng.randint(0, 256, (len(im_info), 3, height, width)).astype(np.float32)
        changed = images + rng.uniform(-1e-3, 1e-3, images.shape).astype(np.float32)
        expected, moved = (answers_of_mxnet(net, raw, im_info, 32, **given) for raw in (images, changed))
        if agree(moved, expected):
            return images, expected
    raise AssertionError("rounding decides on every image")


def agree(one, other):
    """Whether boxes, scores and classes are the same but for rounding."""
    (boxes, scores, classes), (other_boxes, other_scores, other_classes) = one, other
    return ((classes == other_classes).all() and abs(scores - other_scores).max() < 1e-4
            and abs(boxes - other_boxes).max() < 0.05)


def check(answers, expected):
    boxes, scores, classes, counts = answers
    assert classes.dtype == counts.dtype == np.int32 and (counts == (expected[2] >= 0).sum(axis=1)).all()
    assert counts.min() > 0
    assert agree((boxes, scores, classes), expected)


@pytest.fixture(scope="module", params=KINDS)
def detector(request, randomize):
    """A network of each kind and its ONNX model."""
    net = build(request.param, randomize)
    return net, detector_model(net, InputPreparation(((64, 96),), MEANS, STDS, 32), {"classes": "cup"})


def test_every_kind_answers_as_mxnet_does(detector, run_onnx):
    net, model = detector
    assert {node.domain for node in model.graph.node} == {""}
    assert [(entry.key, entry.value) for entry in model.metadata_props] == [("classes", "cup")]
    for count, height, width in ((1, 64, 96), (2, 75, 101)):
        whole = np.tile(np.array([[height, width, 1]], np.float32), (count, 1))
        given = proposals(net, count, height, width)
        images, expected = steady_images(net, height, width, whole, given)
        check(run_onnx(model, {"images": images, **given}), expected)
    # Of a batch of images of several sizes, one says that it fills the batch.
    im_info, given = np.array([[60, 90, 1.5], [0, 0, 0]], np.float32), proposals(net, 2, 60, 90)
    images, expected = steady_images(net, 75, 101, np.array([[60, 90, 1.5], [75, 101, 1]], np.float32), given)
    check(run_onnx(model, {"images": images, "im_info": im_info, **given}), expected)


def test_openvino_answers_as_mxnet_does(detector, tmp_path):
    openvino = pytest.importorskip("openvino", reason="needs the package openvino")
    net, model = detector
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    compiled = openvino.Core().compile_model(str(tmp_path / "model.onnx"), "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    for count, height, width in ((1, 64, 96), (2, 75, 101)):
        whole = np.tile(np.array([[height, width, 1]], np.float32), (count, 1))
        given = proposals(net, count, height, width)
        images, expected = steady_images(net, height, width, whole, given)
        answers = compiled({"images": images, **given})
        check([answers[name] for name in NAMES], expected)


def test_a_network_of_stride_one_is_not_padded(randomize):
    net = build("psroi_pool", randomize)
    model = detector_model(net, InputPreparation(((64, 96),), MEANS, (1.0, 1.0, 1.0), 1))
    assert not [node.name for node in model.graph.node if node.name.startswith("preparation/") and node.op_type in (
        "Pad", "Div")]


def test_an_operator_without_translation_is_named(randomize):
    class Odd(mx.gluon.HybridBlock):
        def hybrid_forward(self, F, x, im_info):
            return F.sin(x, name="odd"), im_info, im_info

    pytest.importorskip("onnx", reason="needs the package onnx")
    with pytest.raises(ModelError, match=r"Odd cannot be exported to ONNX: the operator sin \(node .*odd\)"):
        detector_model(Odd(), InputPreparation(((64, 96),), MEANS, STDS, 1))
