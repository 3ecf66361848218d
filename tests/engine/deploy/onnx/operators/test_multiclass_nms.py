"""The detections of an ONNX graph are those of the native operator."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn import operators
from light_head_rcnn.engine.deploy.onnx.operators import multiclass_nms
from light_head_rcnn.errors import ModelError


def _inputs(images=2, rows=60, classes=5, class_agnostic=True, levels=0, seed=0):
    """Scores, rounded to `levels` steps, and boxes with whole corners, many of which overlap."""
    rng = np.random.RandomState(seed)
    scores = rng.dirichlet([0.2] * classes, (images, rows))
    if levels:
        scores = np.round(scores * levels) / levels
    near = rng.randint(0, 40, (images, rows, 1 if class_agnostic else classes, 2))
    boxes = np.concatenate([near, near + rng.randint(5, 60, near.shape)], axis=-1)
    return {"scores": scores.astype("float32"), "boxes": boxes.reshape(images, rows, -1).astype("float32")}


def _check(run_operator, inputs, **options):
    classes, class_agnostic = inputs["scores"].shape[2], inputs["boxes"].shape[2] == 4
    expected = operators.multiclass_nms(mx.nd, *map(mx.nd.array, inputs.values()), **options)

    def write(g, scores, boxes, valid=None):
        return multiclass_nms(g, scores, boxes, valid, classes, class_agnostic, **options)

    actual = run_operator(write, inputs, (3, 1))
    for one, other in zip(actual, expected):
        np.testing.assert_allclose(one, other.asnumpy(), atol=1e-6, rtol=0)
    return actual


CLASSES = pytest.mark.parametrize("classes", [2, 5, 81])
BOXES = pytest.mark.parametrize("class_agnostic", [True, False], ids=["shared boxes", "boxes by class"])
SOFT = pytest.mark.parametrize("soft", ["none", "linear", "gaussian"])


@CLASSES
@BOXES
@SOFT
def test_detections_are_those_of_the_operator(run_operator, classes, class_agnostic, soft):
    _check(run_operator, _inputs(classes=classes, class_agnostic=class_agnostic), soft=soft, max_per_image=30)


@SOFT
def test_rows_that_are_no_boxes_are_left_out(run_operator, soft):
    inputs = {**_inputs(3), "valid": np.array([60, 0, 7], "float32")}
    _, counts = _check(run_operator, inputs, soft=soft)
    assert counts[1] == 0 < counts[2]


@SOFT
def test_equal_scores_are_in_the_order_of_classes_and_rows(run_operator, soft):
    _check(run_operator, _inputs(levels=4), soft=soft, nms_threshold=0.5, max_per_image=300)


@SOFT
def test_no_score_above_the_threshold(run_operator, soft):
    output, _ = _check(run_operator, _inputs(), soft=soft, score_threshold=1.5)
    assert (output == -1).all()


@pytest.mark.parametrize("options", [{"background": -1}, {"background": 2}, {"inclusive": False}], ids=str)
def test_options(run_operator, options):
    _check(run_operator, _inputs(), **options)


def test_boxes_without_area_and_numbers_that_are_not_numbers(run_operator):
    inputs = _inputs()
    inputs["boxes"][0, :30, 2:] = inputs["boxes"][0, :30, :2] - 1
    inputs["boxes"][1, 3, 1] = np.nan
    inputs["scores"][1, 10:20, 2] = np.nan
    _check(run_operator, inputs)


def test_pre_nms_cannot_be_written():
    with pytest.raises(ModelError, match="pre_nms=10 of multiclass_nms cannot be written in ONNX"):
        multiclass_nms(None, "", "", None, 5, True, pre_nms=10)
