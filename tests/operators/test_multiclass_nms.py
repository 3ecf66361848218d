"""Detections' numbers: a slow reference, MXNet's own operator, threads, order of images and rows, hostile input."""
import ctypes
import importlib.util
import itertools
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn.operators import multiclass_nms
from light_head_rcnn.operators.native import build

spec = importlib.util.spec_from_file_location("reference_boxes", Path(__file__).with_name("reference_boxes.py"))
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)


def random_boxes(rng, shape, size=100):
    """Boxes (*shape, 4) that overlap often: some of few places, with small differences."""
    places = rng.uniform(0, size, (5, 4))[rng.randint(0, 5, shape)] + rng.normal(scale=size / 30, size=shape + (4,))
    a, b = places[..., :2], places[..., 2:]
    return np.concatenate([np.minimum(a, b), np.maximum(a, b)], axis=-1)


def random_inputs(rng, images=1, boxes=25, classes=4, per_class=False, ties=False, dtype="float64"):
    """scores and boxes; with ties, of few values."""
    scores = rng.uniform(size=(images, boxes, classes))
    if ties:
        scores = np.round(scores * 5) / 5
    groups = classes if per_class else 1
    places = random_boxes(rng, (images, boxes, groups))
    if ties:
        places = np.round(places / 10) * 10
    return scores.astype(dtype), places.reshape(images, boxes, 4 * groups).astype(dtype)


def detections(scores, boxes, valid=None, **options):
    """output and counts, as NumPy arrays."""
    arrays = [None if array is None else mx.nd.array(array, dtype=array.dtype) for array in (scores, boxes, valid)]
    return [result.asnumpy() for result in multiclass_nms(mx.nd, *arrays, **options)]


SOFT = [{"soft": "none"}, {"soft": "linear"}, {"soft": "gaussian"}, {"soft": "gaussian", "sigma": 0.1}]
OPTIONS = [
    {}, {"background": -1}, {"background": 2}, {"score_threshold": 0.5}, {"nms_threshold": 0.7}, {"pre_nms": 4},
    {"inclusive": False}, {"max_per_image": 7}, {"max_per_image": 500, "nms_threshold": 1},
    {"max_per_image": 500, "nms_threshold": 0, "score_threshold": 1e-20},
    {"pre_nms": 9, "max_per_image": 12, "nms_threshold": 0.6, "background": -1},
]


@pytest.mark.parametrize("soft", SOFT)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("per_class, ties, dtype", [
    (False, False, "float64"), (True, False, "float64"), (False, True, "float64"), (True, True, "float64"),
    (True, False, "float32")])
def test_equals_reference(options, soft, per_class, ties, dtype):
    rng = np.random.RandomState(1)
    scores, boxes = random_inputs(rng, 2, per_class=per_class, ties=ties, dtype=dtype)
    options = dict(options, **soft)
    output, counts = detections(scores, boxes, **options)
    expected, expected_counts = reference.multiclass_nms(scores, boxes, **options)
    assert output.dtype == counts.dtype == dtype
    np.testing.assert_array_equal(counts, expected_counts)
    np.testing.assert_allclose(output, expected, rtol=1e-12 if dtype == "float64" else 1e-5)
    assert 0 < counts.min() and (options.get("max_per_image") != 500 or counts.max() < 500)


@pytest.mark.parametrize("soft", SOFT)
def test_only_valid_boxes_count(soft):
    scores, boxes = random_inputs(np.random.RandomState(2), 4)
    valid = np.array([25.0, 7, 0, 1])
    output, counts = detections(scores, boxes, valid, **soft)
    expected, expected_counts = reference.multiclass_nms(scores, boxes, valid, **soft)
    np.testing.assert_allclose(output, expected, rtol=1e-12)
    np.testing.assert_array_equal(counts, expected_counts)
    assert counts[2] == 0 and 0 < counts[3] <= 3
    for number, count in [(np.nan, 0), (-5, 0), (7.9, 7), (1e30, 25), (np.inf, 25)]:
        found = detections(scores[:1], boxes[:1], np.array([number], dtype=float), **soft)
        np.testing.assert_array_equal(found[0], detections(scores[:1, :count], boxes[:1, :count], **soft)[0]
                                      if count else -1)


@pytest.mark.parametrize("seed", range(10))
def test_equals_mxnets_own(seed):
    rng = np.random.RandomState(seed)
    scores, boxes = random_inputs(rng, 2, 60, 6, ties=seed % 2, dtype="float32")
    # MXNet orders equal scores in another way.
    scores += rng.permutation(scores.size).reshape(scores.shape).astype("float32") * 1e-6
    threshold, score_threshold = rng.choice([0.3, 0.5, 0.7]), rng.choice([0.001, 0.4])
    output, _ = detections(scores, boxes, background=-1, nms_threshold=threshold, score_threshold=score_threshold,
                           max_per_image=360, inclusive=False)
    ids = np.broadcast_to(np.arange(6, dtype="float32")[None, None, :, None], (2, 60, 6, 1))
    rows = np.concatenate([ids, scores[..., None], np.broadcast_to(boxes[:, :, None], (2, 60, 6, 4))], axis=3)
    theirs = mx.nd.contrib.box_nms(mx.nd.array(rows.reshape(2, 360, 6)), overlap_thresh=threshold, id_index=0,
                                   valid_thresh=score_threshold, score_index=1, coord_start=2).asnumpy()
    np.testing.assert_array_equal(output, theirs)


@pytest.mark.parametrize("inclusive, threshold, count", [
    (True, 0.5, 2), (True, 0.49, 1), (False, 36 / 81, 2), (False, 0.44, 1)])
def test_overlap_at_the_threshold_stays(inclusive, threshold, count):
    boxes = np.array([[[0.0, 0, 9, 9], [0, 0, 9, 4]]])
    assert detections(np.ones((1, 2, 1)), boxes, background=-1, nms_threshold=threshold,
                      inclusive=inclusive)[1] == count


def test_classes_are_numbered_without_the_background():
    scores, boxes = np.array([[[0.9, 0.8, 0.7]]]), np.array([[[1.0, 2, 3, 4]]])
    for background, ids in [(0, [0, 1]), (1, [0, 1]), (2, [0, 1]), (-1, [0, 1, 2])]:
        output, counts = detections(scores, boxes, background=background, max_per_image=4)
        assert counts == len(ids)
        np.testing.assert_array_equal(output[0, :, 0], ids + [-1] * (4 - len(ids)))
        assert (output[0, :len(ids), 2:] == [1, 2, 3, 4]).all() and (output[0, len(ids):] == -1).all()


def test_threshold_is_exceeded():
    scores, boxes = np.array([[[0.25], [0.5], [-1]]]), np.arange(12.0).reshape(1, 3, 4) * 10
    for threshold, count in [(0.5, 0), (0.25, 1), (0, 2), (-1, 2), (-2, 3)]:
        assert detections(scores, boxes, background=-1, score_threshold=threshold)[1] == count


def test_both_zeros_are_one_score():
    scores, boxes = np.array([[[-0.0], [0.0], [-0.0]]]), np.arange(12.0).reshape(1, 3, 4) * 10
    output, _ = detections(scores, boxes, background=-1, score_threshold=-1, max_per_image=3)
    np.testing.assert_array_equal(output[0, :, 2:], boxes[0])


@pytest.mark.parametrize("soft", SOFT)
@pytest.mark.parametrize("images, rows, classes", [(2, 0, 3), (2, 4, 0), (0, 4, 3)])
def test_no_boxes_classes_and_images(images, rows, classes, soft):
    with mx.util.np_shape(True):
        output, counts = detections(np.ones((images, rows, classes)), np.ones((images, rows, 4)), max_per_image=5,
                                    background=-1, **soft)
    np.testing.assert_array_equal(output, np.full((images, 5, 6), -1))
    np.testing.assert_array_equal(counts, np.zeros(images))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_hostile_input(draw):
    """With values of any kind, detections are boxes of the input, in order, and NaN does not affect other boxes."""
    rng = np.random.RandomState(draw.draw(st.integers(0, 1000)))
    dtype = draw.draw(st.sampled_from(["float32", "float64"]))
    scores, boxes = random_inputs(rng, 2, 12, 3, per_class=draw.draw(st.booleans()), dtype=dtype)
    value = st.one_of(st.floats(width=32), st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0, -0.0]))
    for array in (scores, boxes):
        for place in draw.draw(st.lists(st.integers(0, array.size - 1), max_size=20)):
            array.flat[place] = draw.draw(value)
    options = dict(draw.draw(st.sampled_from(SOFT)), inclusive=draw.draw(st.booleans()),
                   pre_nms=draw.draw(st.sampled_from([0, 3])), max_per_image=draw.draw(st.sampled_from([5, 40])))
    output, counts = detections(scores, boxes, **options)
    for n in range(2):
        count = int(counts[n])
        found = output[n, :count]
        assert (output[n, count:] == -1).all()
        assert not np.isnan(found).any() and (found[:, 1] > np.array(0.001, dtype)).all()
        assert (found[:-1, 1] >= found[1:, 1]).all() and np.isin(found[:, 0], [0, 1]).all()
        for c, score, *box in found:
            own = boxes[n] if boxes.shape[2] == 4 else boxes[n, :, 4 * int(c) + 4:4 * int(c) + 8]
            rows = (own == np.array(box, dtype)).all(axis=1)
            assert (scores[n, rows, int(c) + 1] >= score).any()
    lost = np.isnan(scores)
    scores[lost] = -1
    np.testing.assert_array_equal(detections(scores, boxes, **options)[0], output)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10000), st.permutations(range(3)), st.sampled_from(SOFT), st.booleans())
def test_order_of_images_does_not_matter(seed, order, soft, per_class):
    scores, boxes = random_inputs(np.random.RandomState(seed), 3, per_class=per_class, ties=seed % 2)
    output, counts = detections(scores, boxes, **soft)
    moved, moved_counts = detections(scores[order], boxes[order], **soft)
    np.testing.assert_array_equal(moved, output[order])
    np.testing.assert_array_equal(moved_counts, counts[order])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10000), st.sampled_from(SOFT), st.booleans())
def test_order_of_rows_does_not_matter(seed, soft, per_class):
    rng = np.random.RandomState(seed)
    scores, boxes = random_inputs(rng, per_class=per_class)
    order = rng.permutation(25)
    np.testing.assert_array_equal(detections(scores[:, order], boxes[:, order], **soft)[0],
                                  detections(scores, boxes, **soft)[0])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10000), st.sampled_from([0.1, 0.5, 0.7]), st.booleans())
def test_kept_boxes_of_a_class_do_not_overlap(seed, threshold, inclusive):
    scores, boxes = random_inputs(np.random.RandomState(seed))
    output, counts = detections(scores, boxes, nms_threshold=threshold, inclusive=inclusive)
    for a, b in itertools.combinations(output[0, :int(counts[0])], 2):
        assert a[0] != b[0] or reference.overlap(a[2:], b[2:], int(inclusive)) <= threshold


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10000), st.sampled_from(SOFT))
def test_fewer_rows_are_the_first_of_more(seed, soft):
    scores, boxes = random_inputs(np.random.RandomState(seed), ties=seed % 2)
    many, few = (detections(scores, boxes, max_per_image=rows, **soft)[0] for rows in (200, 9))
    np.testing.assert_array_equal(few, many[:, :9])


class Options(ctypes.Structure):
    """LhrcnnMulticlassNms of kernels.h."""

    _fields_ = [(name, kind) for kind, names in [
        (ctypes.c_int64, ("images", "boxes")),
        (ctypes.c_int32, ("classes", "box_classes", "background", "pre_nms", "max_per_image", "soft", "inclusive")),
        (ctypes.c_double, ("score_threshold", "nms_threshold", "sigma"))] for name in names]


@pytest.mark.parametrize("soft", [0, 1, 2])
@pytest.mark.parametrize("dtype, suffix", [("float32", "f32"), ("float64", "f64")])
@pytest.mark.parametrize("images", [1, 5])
def test_same_for_any_number_of_threads(images, dtype, suffix, soft):
    """The kernel called without MXNet."""
    scores, boxes = random_inputs(np.random.RandomState(3), images, 300, 21, ties=True, dtype=dtype)
    options = Options(images, 300, 21, 1, 0, 50, 100, soft, 1, 0.01, 0.5, 0.5)
    kernel = getattr(ctypes.CDLL(build.LIBRARY), "lhrcnn_multiclass_nms_" + suffix)

    def results(threads):
        output, counts = np.full((images, 100, 6), np.nan, dtype), np.full(images, np.nan, dtype)
        scores_, boxes_, output_, counts_ = (array.ctypes.data_as(ctypes.c_void_p)
                                             for array in (scores, boxes, output, counts))
        assert kernel(ctypes.byref(options), scores_, boxes_, None, output_, counts_, threads) == 0
        return output, counts

    expected = results(1)
    assert np.isfinite(expected[0]).all() and (expected[1] > 50).all()
    for threads in (0, 2, 3, 16, 1000):
        for found, once in zip(results(threads), expected):
            np.testing.assert_array_equal(found, once)
