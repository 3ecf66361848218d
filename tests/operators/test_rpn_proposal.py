"""Proposals' numbers: a slow reference, MXNet's own operators, threads, order of images, hostile input."""
import ctypes
import importlib.util
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn.operators import rpn_proposal
from light_head_rcnn.operators.anchors import base_anchors
from light_head_rcnn.operators.native import build

spec = importlib.util.spec_from_file_location("reference_boxes", Path(__file__).with_name("reference_boxes.py"))
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

RATIOS, SCALES = (0.5, 1, 2), (1, 2)
ANCHORS = base_anchors(RATIOS, SCALES)


def random_inputs(rng, images=1, height=4, width=5, anchors=6, dtype="float32", ties=False, spread=0.4):
    """cls_prob, bbox_pred and im_info as a network makes them, of images smaller than the map."""
    score = rng.uniform(size=(images, anchors, height, width))
    if ties:
        score = np.round(score * 4) / 4
    im_info = np.stack([rng.uniform(0.6, 1, images) * height * 16, rng.uniform(0.6, 1, images) * width * 16,
                        rng.uniform(0.5, 2, images)], axis=1)
    deltas = rng.normal(scale=spread, size=(images, 4 * anchors, height, width))
    return [array.astype(dtype) for array in (np.concatenate([1 - score, score], axis=1), deltas, im_info)]


def proposals(arrays, **options):
    """rois, counts and scores, as NumPy arrays."""
    options = dict({"anchors": ANCHORS}, **options)
    arrays = [mx.nd.array(array, dtype=array.dtype) for array in arrays]
    return [result.asnumpy() for result in rpn_proposal(mx.nd, *arrays, output_score=True, **options)]


def interleaved(cls_prob):
    images, channels, height, width = cls_prob.shape
    return cls_prob.reshape(images, 2, -1, height, width).swapaxes(1, 2).reshape(cls_prob.shape)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-4)])
@pytest.mark.parametrize("options", [
    {}, {"pre_nms": 20}, {"pre_nms": 0, "post_nms": 500}, {"post_nms": 5}, {"nms_threshold": 0.3, "pad": "repeat"},
    {"min_size": 25}, {"min_size": 25, "pre_nms": 40, "pad": "repeat"}, {"min_size": 1e4, "pad": "repeat"},
    {"channels": "interleaved", "feature_size": "im_info"}, {"feature_stride": 8}, {"nms_threshold": 0},
    {"nms_threshold": 1},
])
@pytest.mark.parametrize("ties", [False, True])
def test_equals_reference(options, ties, dtype, tolerance):
    arrays = random_inputs(np.random.RandomState(1), images=2, dtype=dtype, ties=ties)
    options = dict({"post_nms": 50}, **options)
    expected = reference.rpn_proposal(*arrays, anchors=ANCHORS, **options)
    for found, wanted in zip(proposals(arrays, **options), expected):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, wanted, atol=tolerance)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("images", [1, 3])
def test_equals_mxnets_own(seed, images):
    """Equal to MXNet's operators where these find enough boxes.

    They keep boxes that are too small or outside the image as their last candidates.
    """
    rng = np.random.RandomState(seed)
    arrays = random_inputs(rng, images, 20, 30, ties=seed % 2, spread=rng.choice([0, 0.05, 0.3, 1]))
    pre_nms, post_nms = rng.choice([300, 500, 1200]), rng.choice([20, 100, 300])
    threshold = rng.choice([0.3, 0.5, 0.7])
    options = dict(feature_stride=16, scales=SCALES, ratios=RATIOS)
    rois, counts, scores = proposals(arrays, anchors=None, pre_nms=pre_nms, post_nms=post_nms, nms_threshold=threshold,
                                     pad="repeat", feature_size="im_info", **options)
    theirs = (mx.nd.contrib.Proposal if images == 1 else mx.nd.contrib.MultiProposal)(
        *map(mx.nd.array, arrays), rpn_pre_nms_top_n=pre_nms, rpn_post_nms_top_n=post_nms, threshold=threshold,
        rpn_min_size=0, output_score=True, **options)
    np.testing.assert_allclose(rois, theirs[0].asnumpy(), atol=1e-3)
    np.testing.assert_array_equal(scores, theirs[1].asnumpy())
    assert (counts > 0).all()


def test_minimum_size_of_mxnets_own():
    arrays = random_inputs(np.random.RandomState(3), height=30, width=40)
    rois, counts, _ = proposals(arrays, pre_nms=300, post_nms=100, min_size=16, feature_size="im_info", pad="repeat")
    theirs = mx.nd.contrib.Proposal(*map(mx.nd.array, arrays), rpn_pre_nms_top_n=300, rpn_post_nms_top_n=100,
                                    threshold=0.7, rpn_min_size=16, feature_stride=16, scales=SCALES, ratios=RATIOS)
    np.testing.assert_allclose(rois, theirs.asnumpy(), atol=1e-3)
    assert counts == 100 and (rois[:, 3:] - rois[:, 1:3] + 1).min() >= 16 * arrays[2][0, 2]


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_anchors_grow_with_the_stride(stride):
    arrays = random_inputs(np.random.RandomState(2))
    options = dict(feature_stride=stride, post_nms=20)
    found = proposals(arrays, anchors=None, ratios=RATIOS, scales=SCALES, **options)
    wanted = reference.rpn_proposal(*arrays, anchors=base_anchors(RATIOS, SCALES, stride), **options)
    for one, other in zip(found, wanted):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_ties_go_by_row_column_and_anchor():
    cls_prob, bbox_pred = np.full((1, 4, 2, 2), 0.5), np.zeros((1, 8, 2, 2))
    anchors = [[0, 0, 9, 9], [5, 5, 9, 9]]
    rois, counts, _ = proposals([cls_prob, bbox_pred, np.array([[100.0, 100, 1]])], anchors=anchors, feature_stride=20,
                                post_nms=9)
    expected = [[x + inset, y + inset, x + 9, y + 9] for y in (0, 20) for x in (0, 20) for inset in (0, 5)]
    assert counts == 8
    np.testing.assert_array_equal(rois[:8, 1:], expected)
    np.testing.assert_array_equal(rois[8], [-1, 0, 0, 0, 0])


def test_overlap_at_the_threshold_stays():
    """Only a box that overlaps by more than the threshold is suppressed."""
    cls_prob, bbox_pred = np.array([0.1, 0.2, 0.9, 0.8]).reshape(1, 4, 1, 1), np.zeros((1, 8, 1, 1))
    arrays = [cls_prob, bbox_pred, np.array([[100.0, 100, 1]])]
    anchors = [[0, 0, 9, 9], [0, 0, 9, 4]]  # areas 100 and 50, one in the other
    assert proposals(arrays, anchors=anchors, nms_threshold=0.5)[1] == 2
    assert proposals(arrays, anchors=anchors, nms_threshold=0.499)[1] == 1


@pytest.mark.parametrize("width, height, count", [(10, 10, 1), (9, 10, 0), (10, 9, 0)])
def test_smallest_box_that_stays(width, height, count):
    """Sides are of the network input: 5 pixels at scale 2 are 10."""
    arrays = [np.full((1, 2, 1, 1), 0.5), np.zeros((1, 4, 1, 1)), np.array([[100.0, 100, 2]])]
    assert proposals(arrays, anchors=[[0, 0, width - 1, height - 1]], min_size=5)[1] == count


def test_no_survivors():
    arrays = random_inputs(np.random.RandomState(4), images=2)
    arrays[2][1] = [64, 64, 1]
    arrays[2][0] = [64, 64, 1e6]
    rois, counts, scores = proposals(arrays, min_size=1, post_nms=10, pad="repeat")
    assert counts[0] == 0 and counts[1] > 0
    np.testing.assert_array_equal(rois[:10], [[-1, 0, 0, 0, 0]] * 10)
    np.testing.assert_array_equal(scores[:10], 0)
    assert (rois[10:, 0] == 1).all()


@pytest.mark.parametrize("pad", ["empty", "repeat"])
def test_more_rows_than_anchors(pad):
    arrays = random_inputs(np.random.RandomState(5), height=2, width=2)
    rois, counts, scores = proposals(arrays, post_nms=100, pad=pad)
    count = int(counts[0])
    assert 0 < count <= 24
    rest = np.resize(rois[:count], (100 - count, 5)) if pad == "repeat" else np.array([[-1, 0, 0, 0, 0]])
    np.testing.assert_array_equal(rois[count:], np.broadcast_to(rest, (100 - count, 5)))
    assert (scores[count:] > 0).all() == (pad == "repeat")


@pytest.mark.parametrize("images, height, width", [(0, 4, 5), (2, 0, 5), (2, 4, 0)])
@pytest.mark.parametrize("feature_size", ["map", "im_info"])
def test_no_images_and_no_cells(images, height, width, feature_size):
    arrays = [np.ones((images, 12, height, width)), np.ones((images, 24, height, width)), np.full((images, 3), 64.0)]
    with mx.util.np_shape(True):
        rois, counts, scores = proposals(arrays, post_nms=3, pad="repeat", feature_size=feature_size)
    np.testing.assert_array_equal(rois, [[-1, 0, 0, 0, 0]] * 3 * images if images else np.zeros((0, 5)))
    np.testing.assert_array_equal(counts, [0] * images)
    assert scores.shape == (3 * images, 1) and not scores.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(3))
def test_im_info_that_is_not_finite(value, column):
    arrays = random_inputs(np.random.RandomState(6), images=2)
    whole = proposals(arrays, post_nms=20, min_size=1)
    arrays[2][0, column] = value
    rois, counts, scores = proposals(arrays, post_nms=20, min_size=1)
    assert counts[0] == 0 and (rois[:20, 0] == -1).all()
    np.testing.assert_array_equal(rois[20:], whole[0][20:])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_hostile_input(draw):
    """With values of any kind, kept boxes are finite, inside their image, at least min_size large and in order."""
    rng = np.random.RandomState(draw.draw(st.integers(0, 1000)))
    arrays = random_inputs(rng, images=2, dtype=draw.draw(st.sampled_from(["float32", "float64"])))
    value = st.one_of(st.floats(width=32), st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0, -0.0]))
    for array in arrays[:2]:
        for place in draw.draw(st.lists(st.integers(0, array.size - 1), max_size=40)):
            array.flat[place] = draw.draw(value)
    for place in draw.draw(st.lists(st.integers(0, 5), max_size=2)):
        arrays[2].flat[place] = draw.draw(value)
    min_size = draw.draw(st.sampled_from([0, 5.5]))
    feature_size = draw.draw(st.sampled_from(["map", "im_info"]))
    rois, counts, scores = proposals(arrays, post_nms=50, pre_nms=draw.draw(st.sampled_from([0, 30])),
                                     min_size=min_size, feature_size=feature_size)
    for n, (height, width, scale) in enumerate(arrays[2]):
        count = int(counts[n])
        own, own_scores = rois[50 * n:50 * n + 50], scores[50 * n:50 * n + 50, 0]
        assert 0 <= count <= 50 and (own[:count, 0] == n).all() and (own[count:] == [-1, 0, 0, 0, 0]).all()
        if count == 0:
            continue
        boxes = own[:count, 1:]
        assert np.isfinite(boxes).all() and boxes.min() >= 0
        assert boxes[:, 2].max() <= max(width - 1, 0) and boxes[:, 3].max() <= max(height - 1, 0)
        assert (boxes[:, 2:] - boxes[:, :2] + 1 >= arrays[0].dtype.type(min_size) * scale).all()
        assert (own_scores[1:count] <= own_scores[:count - 1]).all()  # infinite ones too


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10000), st.permutations(range(4)))
def test_order_of_images_does_not_matter(seed, order):
    arrays = random_inputs(np.random.RandomState(seed), images=4, ties=seed % 2)
    rois, counts, scores = proposals(arrays, post_nms=40)
    moved, moved_counts, moved_scores = proposals([array[order] for array in arrays], post_nms=40)
    np.testing.assert_array_equal(moved_counts, counts[order])
    np.testing.assert_array_equal(moved.reshape(4, 40, 5)[..., 1:], rois.reshape(4, 40, 5)[order][..., 1:])
    np.testing.assert_array_equal(moved_scores.reshape(4, 40), scores.reshape(4, 40)[order])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10000), st.sampled_from([0.1, 0.5, 0.7]))
def test_kept_boxes_do_not_overlap(seed, threshold):
    rois, counts, _ = proposals(random_inputs(np.random.RandomState(seed), dtype="float64"), nms_threshold=threshold)
    kept = rois[:int(counts[0]), 1:]
    for i, box in enumerate(kept):
        assert all(reference.overlap(box, other, 1) <= threshold for other in kept[:i])


def test_moves_with_the_map():
    """Away from the borders, moving the map by whole cells moves the boxes by whole strides."""
    cls_prob, bbox_pred = np.zeros((1, 12, 20, 20)), np.zeros((1, 24, 20, 20))
    rng = np.random.RandomState(7)
    cls_prob[:, :, 6:10, 6:10] = rng.uniform(size=(1, 12, 4, 4))
    bbox_pred[:, :, 6:10, 6:10] = rng.normal(scale=0.2, size=(1, 24, 4, 4))
    im_info = np.array([[320.0, 320, 1]])
    options = dict(pre_nms=96, post_nms=40)
    rois = proposals([cls_prob, bbox_pred, im_info], **options)[0]
    moved = proposals([np.roll(cls_prob, (2, 3), (2, 3)), np.roll(bbox_pred, (2, 3), (2, 3)), im_info], **options)[0]
    np.testing.assert_allclose(moved[:, 1:], rois[:, 1:] + [48, 32, 48, 32], atol=1e-9)


class Options(ctypes.Structure):
    """LhrcnnRpnProposal of kernels.h."""

    _fields_ = [(name, kind) for kind, names in [
        (ctypes.c_int64, ("images", "height", "width")),
        (ctypes.c_int32, ("num_anchors", "feature_stride", "pre_nms", "post_nms", "channels", "feature_size", "pad")),
        (ctypes.c_double, ("nms_threshold", "min_size")), (ctypes.POINTER(ctypes.c_double), ("anchors",))]
        for name in names]


@pytest.mark.parametrize("dtype, suffix", [("float32", "f32"), ("float64", "f64")])
@pytest.mark.parametrize("images", [1, 5])
def test_same_for_any_number_of_threads(images, dtype, suffix):
    """The kernel called without MXNet, and without scores."""
    arrays = random_inputs(np.random.RandomState(8), images, 20, 30, dtype=dtype, ties=True)
    anchors = (ctypes.c_double * 24)(*ANCHORS.ravel())
    options = Options(images, 20, 30, 6, 16, 2000, 300, 0, 0, 0, 0.7, 8, anchors)
    kernel = getattr(ctypes.CDLL(build.LIBRARY), "lhrcnn_rpn_proposal_" + suffix)

    def results(threads):
        rois, counts = np.full((images * 300, 5), np.nan, dtype), np.full(images, np.nan, dtype)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays + [rois]]
        assert kernel(ctypes.byref(options), *pointers, None, counts.ctypes.data_as(ctypes.c_void_p), threads) == 0
        return rois, counts

    expected = results(1)
    assert np.isfinite(expected[0]).all() and (expected[1] > 100).all()
    np.testing.assert_array_equal(expected[0], proposals(arrays, pre_nms=2000, post_nms=300, min_size=8)[0])
    for threads in (0, 2, 3, 16, 1000):
        for found, once in zip(results(threads), expected):
            np.testing.assert_array_equal(found, once)
