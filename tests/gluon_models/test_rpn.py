"""The region proposal network of one map: its layers by hand, its anchors, and the arguments of its proposals."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn import operators
from light_head_rcnn.gluon_models.rpn import RPN

HEIGHT, WIDTH = 96, 128
DEFAULTS = dict(pre_nms=60, post_nms=30, nms_threshold=0.6, min_size=12)


def rpn_of(**options):
    rpn = RPN(5, 7, ratios=(0.5, 2), scales=(1, 2, 3), **options)
    rpn.initialize(mx.init.Normal(0.5))
    return rpn


def test_layers_by_hand():
    rpn, x = rpn_of(), mx.nd.random.normal(shape=(2, 5, 6, 8))
    values = {name: p.data().asnumpy() for name, p in rpn.collect_params().items()}
    padded = np.pad(x.asnumpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    hidden = sum(np.einsum("oc,nchw->nohw", values["rpn_conv_3x3_weight"][:, :, i, j], padded[:, :, i:i + 6, j:j + 8])
                 for i in range(3) for j in range(3)).clip(0)
    for found, name, channels in zip(rpn(x), ("rpn_cls_score", "rpn_bbox_pred"), (12, 24)):
        expected = np.einsum("oc,nchw->nohw", values[f"{name}_weight"][:, :, 0, 0], hidden)
        assert expected.shape == (2, channels, 6, 8)
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-3, atol=1e-4)


def outputs():
    """Logits and box deltas of two images with six anchors at each of 6x8 cells."""
    rng = np.random.RandomState(0)
    return (mx.nd.array(rng.normal(0, scale, (2, channels, 6, 8))) for channels, scale in ((12, 3), (24, 0.3)))


@pytest.mark.parametrize("changed", [{}, {"pre_nms": 25}, {"post_nms": 10}, {"nms_threshold": 0.2}, {"min_size": 40}])
def test_proposals_are_those_of_the_operator(changed):
    """The operator gets every argument; none of the changes leaves the proposals as they were."""
    rpn, (logits, deltas) = rpn_of(stride=16), outputs()
    info, options = mx.nd.array([[HEIGHT, WIDTH, 2], [80, 100, 1]]), dict(DEFAULTS, **changed)
    rois, counts = (array.asnumpy() for array in rpn.propose(mx.nd, logits, deltas, info, **options))
    foreground = 1 / (1 + np.exp(logits.asnumpy()[:, :6] - logits.asnumpy()[:, 6:]))
    prob = mx.nd.array(np.concatenate([1 - foreground, foreground], axis=1))
    expected = operators.rpn_proposal(mx.nd, prob, deltas, info, ratios=(0.5, 2), scales=(1, 2, 3), feature_stride=16,
                                      feature_size="im_info", **options)
    np.testing.assert_allclose(rois, expected[0].asnumpy(), rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(counts, expected[1].asnumpy())
    if changed:
        before = rpn.propose(mx.nd, logits, deltas, info, **DEFAULTS)[0].asnumpy()
        assert rois.shape != before.shape or np.abs(rois - before).max() > 1


def test_outputs_have_the_layout_of_the_targets_already():
    logits, deltas = outputs()
    for given, found in zip((logits, deltas), rpn_of().join_levels(mx.nd, logits, deltas)):
        assert found is given
