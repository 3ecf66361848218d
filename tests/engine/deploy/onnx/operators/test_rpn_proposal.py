"""The proposals of an ONNX graph are those of the native operator."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn import operators
from light_head_rcnn.engine.deploy.onnx.operators import rpn_proposal
from light_head_rcnn.errors import ModelError
from light_head_rcnn.operators.anchors import base_anchors

SCALES = (4, 8)


def _inputs(images=1, height=9, width=12, levels=0, moves=True, im_info=None, seed=0):
    """Outputs of an RPN with 6 anchors; scores have `levels` steps, if any, and without `moves` boxes stay anchors."""
    rng = np.random.RandomState(seed)
    scores = rng.uniform(0, 1, (images, 6, height, width))
    if levels:
        scores = np.round(scores * levels) / levels
    deltas = rng.randn(images, 24, height, width) * 0.3 * moves
    im_info = [[height * 16, width * 16, 1]] * images if im_info is None else im_info
    return {"cls_prob": np.concatenate([1 - scores, scores], axis=1).astype("float32"),
            "bbox_pred": deltas.astype("float32"), "im_info": np.array(im_info, "float32")}


def _check(run_operator, inputs, **options):
    options = {"pre_nms": 300, "post_nms": 40, **options}
    expected = operators.rpn_proposal(mx.nd, *map(mx.nd.array, inputs.values()), scales=SCALES, output_score=True,
                                      **options)
    anchors = base_anchors(scales=SCALES).ravel()
    actual = run_operator(lambda g, *names: rpn_proposal(g, *names, anchors=anchors, **options), inputs, (2, 1, 2))
    for one, other in zip(actual, expected):
        np.testing.assert_allclose(one, other.asnumpy(), atol=1e-3, rtol=0)
    return actual


@pytest.mark.parametrize("options", [
    {}, {"nms_threshold": 0}, {"pre_nms": 0}, {"channels": "interleaved"}, {"pre_nms": 30, "post_nms": 60}],
    ids=["plain", "no overlap", "all anchors", "interleaved", "more rows than boxes"])
def test_proposals_are_those_of_the_operator(run_operator, options):
    _check(run_operator, _inputs(), **options)


@pytest.mark.parametrize("feature_size", ["map", "im_info"])
@pytest.mark.parametrize("min_size", [0, 25])
def test_every_image_has_its_own_size(run_operator, feature_size, min_size):
    inputs = _inputs(3, im_info=[[144, 192, 1], [100, 75, 2], [143.5, 40, 0.5]])
    _check(run_operator, inputs, feature_size=feature_size, min_size=min_size)


def test_images_without_proposals_have_empty_rows(run_operator):
    inputs = _inputs(4, im_info=[[144, 192, 1], [np.nan, 192, 1], [10, 10, 1], [144, np.inf, 1]])
    rois, counts, _ = _check(run_operator, inputs, feature_size="im_info")
    assert counts[0] > 0 and not counts[1:].any()
    np.testing.assert_array_equal(rois[40:], [[-1, 0, 0, 0, 0]] * 120)


@pytest.mark.parametrize("levels", [1, 5])
def test_equal_scores_are_in_the_order_of_anchors(run_operator, levels):
    _check(run_operator, _inputs(2, levels=levels, moves=False), pre_nms=9 * 12 * 6, nms_threshold=0.5)


def test_numbers_that_are_not_numbers_propose_nothing(run_operator):
    inputs = _inputs()
    inputs["bbox_pred"][0, ::5, 3, 4] = np.nan
    inputs["cls_prob"][0, 7:9, 5, 5] = np.nan
    _check(run_operator, inputs, pre_nms=9 * 12 * 6)


def test_repeated_rows_cannot_be_written():
    with pytest.raises(ModelError, match="pad='repeat' of rpn_proposal cannot be written in ONNX"):
        rpn_proposal(None, "", "", "", anchors=[0, 0, 15, 15], pad="repeat")
