"""The detector: names and shapes of the MXNet original, GluonCV's manner of answering, detection output, export."""
import mxnet as mx
import numpy as np
import pytest

import light_head_rcnn
from light_head_rcnn.errors import ModelError
from light_head_rcnn.operators import boxes as box_ops
from light_head_rcnn.operators import detections

XCEPTION = "light_head_rcnn_xception_coco"


def small_net(**options):
    net = light_head_rcnn.get_model(XCEPTION, classes=("a", "b", "c"), pre_nms=200, post_nms=20, max_per_image=15,
                                    anchor_scales=(1, 2), **options)
    net.initialize(mx.init.Normal(0.05))
    # Large enough outputs that boxes move and scores differ.
    for block in (net.rpn.score, net.rpn.box, net.head.cls_score, net.head.bbox_pred):
        block.initialize(mx.init.Normal(0.3), force_reinit=True)
    return net


def images(n=2, height=96, width=128):
    return mx.nd.random.normal(shape=(n, 3, height, width)) * 50


def test_l_has_the_parameters_of_the_mxnet_original(original_parameters):
    net = light_head_rcnn.get_model("light_head_rcnn_resnet101_v1_coco")
    assert {name: (p.shape, p.lr_mult) for name, p in net.collect_params().items()} == original_parameters


@pytest.mark.parametrize("options", [
    {}, {"class_agnostic": False}, {"roi_pool": "psroi_align"}, {"relu": "after_sum"}, {"roi_pool": "psroi_align_max"},
    {"neck": "pointwise", "hidden": 0}, {"neck": "pointwise", "hidden": 0, "roi_pool": "roi_pool"}])
def test_answers_like_a_gluoncv_detector(options):
    net = small_net(**options)
    x = images()
    ids, scores, boxes = (output.asnumpy() for output in net(x))
    assert ids.shape == (2, 15, 1) and scores.shape == (2, 15, 1) and boxes.shape == (2, 15, 4)
    found = ids[..., 0] >= 0
    assert found.any(axis=1).all()
    assert set(np.unique(ids)) <= {-1, 0, 1, 2}
    assert (scores[~found] == -1).all() and (boxes[~found] == -1).all()
    for n in range(2):
        assert (np.diff(scores[n, found[n], 0]) <= 0).all()
        kept = boxes[n, found[n]]
        assert (kept[:, :2] >= 0).all() and (kept[:, 2] <= 127).all() and (kept[:, 3] <= 95).all()
        assert (kept[:, 2:] - kept[:, :2] + 1 >= 0).all()  # a box may be thinner than a pixel


def test_hybridized_equals_imperative():
    net, x = small_net(), images()
    before = [output.asnumpy() for output in net(x)]
    net.hybridize()
    for a, b in zip(before, net(x)):
        np.testing.assert_allclose(a, b.asnumpy(), rtol=1e-4, atol=1e-4)


def test_hybridized_with_and_without_im_info():
    """In turns: one graph serves both. A graph by hand may have the images alone as input."""
    net, x = small_net(), images(1)
    info = mx.nd.array([[64, 80, 1]])
    before = [net(x)[2].asnumpy(), net(x, info)[2].asnumpy()]
    assert not np.array_equal(*before)
    net.hybridize()
    for expected, inputs in zip(before * 2, [(x,), (x, info)] * 2):
        np.testing.assert_allclose(net(*inputs)[2].asnumpy(), expected, rtol=1e-4, atol=1e-3)
    assert mx.sym.Group(net(mx.sym.var("x"))).list_inputs()[0] == "x"


@pytest.mark.parametrize("smaller", [None, 0, 1])
def test_image_alone_equals_image_in_a_batch(smaller):
    net, x = small_net(), images()
    info = np.array([[96, 128, 1], [96, 128, 1]], np.float32)
    if smaller is not None:
        info[smaller] = (64, 80, 2)
    together = [output.asnumpy() for output in (net(x) if smaller is None else net(x, mx.nd.array(info)))]
    for n in range(2):
        for a, b in zip(together, net(x[n:n + 1], mx.nd.array(info[n:n + 1]))):
            np.testing.assert_allclose(a[n], b.asnumpy()[0], rtol=1e-3, atol=1e-3)
        assert (together[2][n, :, 2].max() <= 79) == (n == smaller)


def test_im_info_bounds_the_boxes_of_padded_images():
    net, x = small_net(), images(1)
    boxes = net(x, mx.nd.array([[64, 80, 1]]))[2].asnumpy()
    assert boxes[..., 2].max() <= 79 and boxes[..., 3].max() <= 63


@pytest.mark.parametrize("class_agnostic", [True, False])
def test_detection_output_against_a_slow_loop(class_agnostic):
    """Boxes, threshold, suppression by class and the best of the image, by hand, from the same RoIs and logits."""
    net = small_net(class_agnostic=class_agnostic, nms=0.4, score_threshold=0.2, box_means=(0.1, -0.2, 0.05, -0.05),
                    box_stds=(0.1, 0.2, 0.15, 0.25))
    rng = np.random.RandomState(0)
    corners = rng.uniform(0, 90, (20, 2, 2))
    rois = np.concatenate([np.zeros((20, 1)), corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    logits = rng.normal(0, 2, (20, 4)).astype(np.float32)
    deltas = rng.normal(0, 1, (20, 8 if class_agnostic else 16)).astype(np.float32)
    count = 18  # the two others are padding
    candidates = net._decode(mx.nd, *map(mx.nd.array, (rois, logits, deltas, [[70, 80, 1]])))
    outputs = net.suppress(mx.nd, *candidates, mx.nd.array([count]))
    ids, scores, boxes = (output.asnumpy()[0] for output in outputs)

    prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = []
    for c in range(3):
        column = 4 if class_agnostic else 4 * (c + 1)
        moved = box_ops.decode(rois[:, 1:], deltas[:, column:column + 4] * [0.1, 0.2, 0.15, 0.25]
                               + [0.1, -0.2, 0.05, -0.05])
        moved = np.clip(moved, 0, [79, 69, 79, 69])
        left = [i for i in np.argsort(-prob[:, c + 1]) if prob[i, c + 1] > 0.2 and i < count]
        while left:
            i = left.pop(0)
            expected.append((prob[i, c + 1], c, moved[i]))
            left = [j for j in left if box_ops.iou(moved[None, i:i + 1], moved[None, j:j + 1])[0, 0, 0] <= 0.4]
    expected = sorted(expected, key=lambda row: -row[0])[:15]
    assert len(expected) == (ids >= 0).sum() >= 5
    for n, (score, c, box) in enumerate(expected):
        assert ids[n, 0] == c
        np.testing.assert_allclose(scores[n, 0], score, rtol=1e-4)
        np.testing.assert_allclose(boxes[n], box, rtol=1e-3, atol=1e-3)


def test_options_reach_proposals_and_suppression(monkeypatch):
    net = light_head_rcnn.get_model(
        XCEPTION, ["a"], anchor_ratios=(1, 3), anchor_scales=(1, 2), pre_nms=90, post_nms=20, rpn_nms=0.6,
        rpn_min_size=3, score_threshold=0.1, nms=0.4, max_per_image=7, soft_nms="linear", soft_nms_sigma=0.8)
    net.initialize()
    seen = []

    def spy(function):
        def call(*args, **kwargs):
            seen.append(kwargs)
            return function(*args, **kwargs)
        return call

    monkeypatch.setattr(net.rpn, "propose", spy(net.rpn.propose))
    monkeypatch.setattr(detections, "suppress", spy(detections.suppress))
    net(images())
    assert seen == [dict(pre_nms=90, post_nms=20, nms_threshold=0.6, min_size=3),
                    dict(score_threshold=0.1, nms=0.4, max_per_image=7, soft_nms="linear", soft_nms_sigma=0.8)]
    assert (net.rpn.ratios, net.rpn.scales, net.rpn.stride) == ((1, 3), (1, 2), 16)


def test_default_values_are_those_of_the_mxnet_original():
    """Of its tests on COCO: SCALES and RATIOS of the anchors, TEST.RPN_*, TEST.NMS, BBOX_STDS and others."""
    net = light_head_rcnn.get_model("light_head_rcnn_resnet101_v1_coco")
    assert (net.rpn.ratios, net.rpn.scales, net.rpn.stride) == ((0.5, 1, 2), (4, 8, 16, 32), 16)
    assert (net.box_means, net.box_stds) == ((0, 0, 0, 0), (0.1, 0.1, 0.2, 0.2))
    assert net._proposals == dict(pre_nms=6000, post_nms=300, nms_threshold=0.7, min_size=0)
    assert net._suppression == dict(score_threshold=0.001, nms=0.3, max_per_image=100, soft_nms="none",
                                    soft_nms_sigma=0.5)
    assert net.class_agnostic


def test_reset_class():
    net = small_net()
    net.hybridize()
    net(images())
    net.reset_class(["x", "y"])
    net.head.cls_score.initialize()
    net.head.bbox_pred.initialize()
    assert net.classes == ("x", "y")
    assert net(images())[0].max().asscalar() <= 1
    assert net.collect_params()["cls_score_weight"].shape == (3, 2048)
    assert net.collect_params()["bbox_pred_weight"].shape == (8, 2048)


@pytest.mark.parametrize("classes", ["dog", [], ["a", "b", "a"]])
def test_classes_are_names(classes):
    for give in (lambda names: light_head_rcnn.get_model(XCEPTION, names), small_net().reset_class):
        with pytest.raises(ModelError, match="^classes is .*: it must be a list of one or more names, none .* twice$"):
            give(classes)


@pytest.mark.parametrize("name", ["box_means", "box_stds"])
def test_numbers_of_boxes_are_four(name):
    with pytest.raises(ModelError, match=fr"^{name} is \[0.1, 0.1\]: it must be four numbers, of dx, dy, dw and dh$"):
        light_head_rcnn.get_model(XCEPTION, **{name: (0.1, 0.1)})


def test_export_and_import(reimported):
    net, x = small_net(roi_pool="psroi_align"), images()
    info = mx.nd.array([[96, 128, 1], [80, 100, 1]])
    net.hybridize()
    expected = net(x, info)
    for a, b in zip(expected, reimported(net)(x, info)):
        np.testing.assert_array_equal(a.asnumpy(), b.asnumpy())
