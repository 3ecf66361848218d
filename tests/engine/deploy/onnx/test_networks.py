"""Backbones, necks, heads and RPNs: MXNet's answers against those of ONNX Runtime and of the reference evaluator.

The evaluator takes seconds for a small convolution and a minute for a small Resize: it is asked about small maps alone.
"""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.heads import FastRCNNHead, LightHead, RFCNHead, TwoFCHead
from light_head_rcnn.gluon_models.model_zoo import backbone_names
from light_head_rcnn.gluon_models.necks import FeaturePyramid, LargeSeparableConv, PointwiseConv
from light_head_rcnn.gluon_models.rpn import RPN, PyramidRPN

# One of each family and of each odd operator: SAME padding, mish, attention, grouped convolutions, averages.
FAST = ("efficientnet_lite0", "vovnetv2_19_slim_dw", "xception")
# Longer chains of the blocks that a smaller network of the same family has.
DEEPER = ("101", "152", "169", "vovnet57", "vovnetv2_57", "vovnetv2_99")
IMAGE = {"x": ((1, 3, 256, 256), ("N", 3, "H", "W"))}


def flat(outputs):
    if isinstance(outputs, (list, tuple)):
        return [array for part in outputs for array in flat(part)]
    return [outputs.asnumpy()]


def images(n, height, width):
    return np.random.RandomState(n).uniform(-120, 120, (n, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("norm", ["frozen", "batch"])
@pytest.mark.parametrize("name", FAST)
def test_backbones(name, norm, randomize, as_model, run_onnx, assert_close):
    net = randomize(registry.BACKBONES.get(name).build(frozen=norm == "frozen"))
    model = as_model(net, IMAGE)
    for x in (images(1, 64, 96), images(2, 75, 66)):
        assert_close(run_onnx(model, {"x": x}), flat(net(mx.nd.array(x))))
    left = {node.op_type for node in model.graph.node}
    assert not left & {"BatchNormalization", "Slice", "Sqrt", "Pad"}


@pytest.mark.slow
@pytest.mark.parametrize("name, kind, norm", [
    (name, kind, norm) for kind, norm in (("BACKBONES", "frozen"), ("PYRAMID_BACKBONES", "batch"))
    for name in backbone_names() if name in getattr(registry, kind).entries and not any(
        mark in name for mark in DEEPER)])
def test_every_family_of_backbones(name, kind, norm, randomize, as_model, run_onnx, run_reference, assert_close):
    net = randomize(getattr(registry, kind).get(name).build(frozen=norm == "frozen"))
    model = as_model(net, IMAGE)
    for x in (images(1, 131, 107), images(2, 75, 66)):
        assert_close(run_onnx(model, {"x": x}), flat(net(mx.nd.array(x))))
    # The reference evaluator takes images for channels in LRN.
    if norm == "frozen" and "LRN" not in {node.op_type for node in model.graph.node}:
        x = images(1, 48, 50)
        assert_close(run_reference(model, {"x": x}), flat(net(mx.nd.array(x))))


@pytest.mark.parametrize("make", [
    lambda: LargeSeparableConv(12, 8, 49), lambda: LargeSeparableConv(12, 8, 49, relu="after_sum"),
    lambda: PointwiseConv(12, 16), lambda: RPN(12, 16), lambda: RFCNHead(12, 3, bins=4)])
def test_parts_that_read_a_map(make, randomize, as_model, run_onnx, run_reference, assert_close):
    net = randomize(make())
    model = as_model(net, {"x": ((1, 12, 16, 16), ("N", 12, "h", "w"))})
    for shape in ((1, 12, 16, 16), (2, 12, 7, 9), (3, 12, 1, 5)):
        x = np.random.RandomState(0).uniform(-1, 1, shape).astype(np.float32)
        for run in (run_onnx, run_reference):
            assert_close(run(model, {"x": x}), flat(net(mx.nd.array(x))))


@pytest.mark.parametrize("make", [
    lambda: LightHead(4, in_units=3 * 49, hidden=20), lambda: LightHead(4, False, 3 * 49, hidden=0),
    lambda: TwoFCHead(4, True, 3 * 49, 16), lambda: FastRCNNHead(4, False, 3 * 49, (20, 10))])
def test_heads_of_pooled_rois(make, randomize, as_model, run_onnx, run_reference, assert_close):
    net = randomize(make())
    model = as_model(net, {"x": ((5, 3, 7, 7), ("R", 3, 7, 7))})
    for rois in (1, 6):
        x = np.random.RandomState(0).uniform(-1, 1, (rois, 3, 7, 7)).astype(np.float32)
        for run in (run_onnx, run_reference):
            assert_close(run(model, {"x": x}), flat(net(mx.nd.array(x))))


class PyramidMaps(mx.gluon.HybridBlock):
    """The pyramid and its RPN."""

    def __init__(self):
        super().__init__(prefix="")
        backbone = registry.PYRAMID_BACKBONES.get("efficientnet_lite0").build(frozen=True)
        self.pyramid = FeaturePyramid(backbone, 16)
        self.rpn = PyramidRPN(16, 16, (1,), (8,), FeaturePyramid.stride)

    def hybrid_forward(self, F, x):
        rpn_maps, head_maps = self.pyramid(x)
        return head_maps, self.rpn(rpn_maps)


def test_pyramids_and_their_rpn(randomize, as_model, run_onnx, assert_close):
    net = randomize(PyramidMaps())
    model = as_model(net, IMAGE)
    for x in (images(1, 64, 96), images(2, 75, 66)):
        assert_close(run_onnx(model, {"x": x}), flat(net(mx.nd.array(x))))
