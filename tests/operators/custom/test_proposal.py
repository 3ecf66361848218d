"""Operator `proposal`: a slow reference, seeds, equal scores, several images, hand-made cases, errors."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.operators.custom.proposal import ProposalProp, nms

OPTIONS = dict(scales=(4, 8, 16, 32), ratios=(0.5, 1, 2), threshold=0.7, rpn_min_size=0, feat_stride=16)


def maps(seed, anchors, height, width, images=1):
    """Scores all different, and deltas."""
    rng = np.random.RandomState(seed)
    prob = rng.permutation(images * 2 * anchors * height * width).reshape(images, 2 * anchors, height, width)
    return (prob / prob.size).astype(np.float32), rng.normal(0, 0.4, (images, 4 * anchors, height, width)).astype(
        np.float32)


@pytest.mark.parametrize("scales, ratios, size, info, pre, post, threshold, min_size", [
    ((4, 8, 16, 32), (0.5, 1, 2), (8, 10), (128, 160, 1), 6000, 40, 0.7, 0),
    ((4, 8), (1,), (9, 12), (130.4, 171.2, 1.7), 60, 30, 0.5, 16),     # cells beyond the image, small boxes
    ((0.75, 1.3), (0.75, 1.333), (6, 7), (96, 112, 0.6), 0, 200, 0.3, 20),   # repeats; all enter suppression
    ((2, 4, 8), (0.5, 1, 2), (5, 5), (80, 80, 1), 10, 12, 0.7, 0),     # repeats
])
def test_equals_the_slow_reference_with_its_draws(scales, ratios, size, info, pre, post, threshold, min_size, run,
                                                  reference):
    prob, deltas = maps(1, len(scales) * len(ratios), *size)
    info = np.array([info], np.float32)
    np.random.seed(7)
    expected = reference.proposals(prob, deltas, info, scales, ratios, 16, pre, post, threshold, min_size)
    after = np.random.rand()
    np.random.seed(7)
    found = run("proposal", prob, deltas, info, scales=scales, ratios=ratios, feat_stride=16, output_score=True,
                rpn_pre_nms_top_n=pre, rpn_post_nms_top_n=post, threshold=threshold, rpn_min_size=min_size)
    assert np.random.rand() == after
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(a, b)


def test_defaults_are_those_of_the_mxnet_original(run, reference):
    prob, deltas = maps(2, 9, 6, 9)
    info = np.array([[96, 144, 1]], np.float32)
    np.random.seed(0)
    expected = reference.proposals(prob, deltas, info, (8, 16, 32), (0.5, 1, 2), 16, 6000, 300, 0.3, 16)[0]
    np.random.seed(0)
    np.testing.assert_array_equal(run("proposal", prob, deltas, info)[0], expected)


def test_equals_mxnets_own_operator(run):
    prob, deltas = maps(3, 12, 12, 15)
    info = np.array([[180, 230, 1.2]], np.float32)
    found = run("proposal", prob, deltas, info, rpn_pre_nms_top_n=500, rpn_post_nms_top_n=20, **OPTIONS)[0]
    options = dict(OPTIONS, feature_stride=OPTIONS["feat_stride"])
    del options["feat_stride"]
    expected = mx.nd.contrib.Proposal(*map(mx.nd.array, (prob, deltas, info)), rpn_pre_nms_top_n=500,
                                      rpn_post_nms_top_n=20, **options).asnumpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def test_images_of_a_batch_one_after_the_other(run):
    """Each image as it is alone; the random draws of the first image come first."""
    prob, deltas = maps(4, 12, 6, 6, images=3)
    info = np.array([[96, 96, 1], [70, 90, 1.5], [96, 50, 2]], np.float32)
    options = dict(OPTIONS, rpn_pre_nms_top_n=100, rpn_post_nms_top_n=120, output_score=True)
    np.random.seed(3)
    rois, scores = run("proposal", prob, deltas, info, **options)
    assert rois.shape == (360, 5) and scores.shape == (360, 1)
    np.random.seed(3)
    for n in range(3):
        alone, score = run("proposal", prob[n:n + 1], deltas[n:n + 1], info[n:n + 1], **options)
        part = slice(120 * n, 120 * (n + 1))
        np.testing.assert_array_equal(rois[part, 1:], alone[:, 1:])
        assert (rois[part, 0] == n).all() and (alone[:, 0] == 0).all()
        np.testing.assert_array_equal(scores[part], score)


def test_box_by_hand(run):
    """One anchor of 16 x 16 at a cell, moved by a quarter of its width and doubled in height."""
    prob, deltas = np.zeros((1, 2, 3, 4), np.float32), np.zeros((1, 4, 3, 4), np.float32)
    prob[0, 1, 1, 2] = 1
    deltas[0, :, 1, 2] = 0.25, 0, 0, np.log(2)
    options = dict(scales=(1,), ratios=(1,), feat_stride=16, rpn_post_nms_top_n=1, threshold=0.5, rpn_min_size=0)
    rois = run("proposal", prob, deltas, [[48, 64, 1]], **options)[0]
    np.testing.assert_allclose(rois, [[0, 36, 8, 51, 39]], atol=1e-5)
    rois = run("proposal", prob, deltas, [[36, 48, 1]], **options)[0]  # clipped to 36 x 48
    np.testing.assert_allclose(rois, [[0, 36, 8, 47, 35]], atol=1e-5)


def test_box_as_small_as_allowed_stays(run):
    """One anchor of 16 x 16 in an image at scale 2: 8 pixels of the original image."""
    prob, deltas = np.ones((1, 2, 1, 1), np.float32), np.zeros((1, 4, 1, 1), np.float32)
    rois = run("proposal", prob, deltas, [[16, 16, 2]], scales=(1,), ratios=(1,), rpn_post_nms_top_n=1, rpn_min_size=8)
    np.testing.assert_array_equal(rois[0], [[0, 0, 0, 15, 15]])


def test_suppression_keeps_what_overlaps_by_the_threshold():
    boxes = np.array([[0, 0, 9, 9], [0, 5, 9, 14], [0, 0, 9, 4], [20, 20, 29, 29]], np.float32)
    scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    assert nms(boxes, scores, 0.5) == [0, 1, 2, 3]     # 50 / 150 and 50 / 100
    assert nms(boxes, scores, 0.49) == [0, 1, 3]
    assert nms(boxes, scores, 0.3) == [0, 3]
    assert nms(boxes[:0], scores[:0], 0.5) == []


def test_equal_scores_are_taken_from_the_last_row_on():
    boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]], np.float32)
    assert nms(boxes, np.full(3, 0.5, np.float32), 0.5) == [2, 1, 0]


def test_the_last_of_equal_scores_enters_suppression(run):
    """Of equal scores the last ones enter suppression, which then begins with the last of them again."""
    prob, deltas = np.full((1, 2, 2, 3), 0.5, np.float32), np.zeros((1, 4, 2, 3), np.float32)
    rois = run("proposal", prob, deltas, [[32, 48, 1]], scales=(1,), ratios=(1,), rpn_min_size=0, rpn_pre_nms_top_n=2,
               rpn_post_nms_top_n=2)[0]
    np.testing.assert_array_equal(rois[:, 1:], [[16, 16, 31, 31], [32, 16, 47, 31]])


@pytest.mark.parametrize("seed", range(30))
def test_overlaps_are_of_single_precision(seed, run):
    """A box stays at a threshold that equals its overlap in float32, whatever float64 says."""
    prob = np.array([0.1, 0.2, 0.9, 0.8], np.float32).reshape(1, 4, 1, 1)
    deltas = np.random.RandomState(seed).normal(0, 0.1, (1, 8, 1, 1)).astype(np.float32)
    options = dict(scales=(1, 1.5), ratios=(1,), rpn_min_size=0, rpn_post_nms_top_n=2)
    info = [[1000, 1000, 1]]
    prob, deltas = (np.pad(array, ((0, 0), (0, 0), (30, 31), (30, 31))) for array in (prob, deltas))
    options.update(rpn_pre_nms_top_n=2)
    first, second = run("proposal", prob, deltas, info, threshold=1, **options)[0][:, 1:]
    width, height = (min(first[k + 2], second[k + 2]) - max(first[k], second[k]) + np.float32(1) for k in (0, 1))
    areas = [(box[2] - box[0] + np.float32(1)) * (box[3] - box[1] + np.float32(1)) for box in (first, second)]
    value = width * height / (areas[0] + areas[1] - width * height)
    assert value.dtype == np.float32 and 0.1 < value < 1
    kept = run("proposal", prob, deltas, info, threshold=repr(float(value)), **options)[0][:, 1:]
    np.testing.assert_array_equal(kept, [first, second])


def test_defaults_of_the_attributes():
    assert ProposalProp()._function.keywords["pre_nms"] == 6000


def test_shape_of_im_info_follows_from_the_scores():
    symbol = mx.sym.Custom(*map(mx.sym.Variable, "abc"), op_type="proposal", scales=(4, 8, 16, 32))
    inputs, outputs, _ = symbol.infer_shape(a=(2, 24, 4, 4), b=(2, 48, 4, 4))
    assert inputs[2] == (2, 3) and outputs == [(600, 5)]


def test_no_gradient(run):
    prob, deltas, info = map(mx.nd.array, (*maps(5, 12, 4, 4), [[64, 64, 1]]))
    for array in (prob, deltas, info):
        array.attach_grad()
        array.grad[:] = 1
    with mx.autograd.record():
        rois = mx.nd.Custom(prob, deltas, info, op_type="proposal", rpn_post_nms_top_n=5, **OPTIONS)
    rois.backward()
    assert not any(array.grad.asnumpy().any() for array in (prob, deltas, info))


@pytest.mark.parametrize("attributes, message", [
    ({"scales": "8"}, "scales must be some numbers such as (0.5, 1, 2), got 8"),
    ({"ratios": "import"}, "ratios must be some numbers"),
    ({"output_score": "maybe"}, "output_score must be True or False, got maybe"),
    ({"rpn_post_nms_top_n": 0}, "rpn_post_nms_top_n must be an integer of at least 1, got 0"),
    ({"feat_stride": 0}, "feat_stride must be an integer of at least 1, got 0"),
    ({"rpn_pre_nms_top_n": "many"}, "rpn_pre_nms_top_n must be an integer, got many"),
    ({"scales": (8, 16)}, "cls_prob must have the shape (1, 12, 4, 4) for 6 anchors, got (1, 24, 4, 4)"),
    ({"speed": 3}, "unexpected keyword argument 'speed'"),
])
def test_wrong_attributes_are_named(attributes, message, capfd):
    symbol = mx.sym.Custom(*map(mx.sym.Variable, "abc"), op_type="proposal", **dict(OPTIONS, **attributes))
    with pytest.raises(mx.MXNetError):
        symbol.infer_shape(a=(1, 24, 4, 4), b=(1, 48, 4, 4), c=(1, 3))
    assert message in capfd.readouterr().out


def test_no_box_large_enough_is_an_error(capfd, run):
    with pytest.raises(mx.MXNetError):
        run("proposal", *maps(0, 12, 4, 4), [[64, 64, 1]], **dict(OPTIONS, rpn_min_size=100))
    assert "no box has sides of rpn_min_size 100 pixels or more" in capfd.readouterr().out
