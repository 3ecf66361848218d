"""Light-Head R-CNN on a feature pyramid: levels, proposals and pooling against slow references; training; export."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

import light_head_rcnn
from light_head_rcnn import operators
from light_head_rcnn.gluon_models import LightHeadFPN, DetectorLosses, registry
from light_head_rcnn.gluon_models.backbones import PyramidResNet, PyramidXception, Xception, resnet
from light_head_rcnn.gluon_models.light_head_fpn import rois_by_level
from light_head_rcnn.gluon_models.necks import FeaturePyramid
from light_head_rcnn.gluon_models.roi_pools import ROI_POOLS, pool_rois
from light_head_rcnn.gluon_models.rpn import PyramidRPN
from light_head_rcnn.operators.anchor_targets import AnchorTargets

STRIDES = (4, 8, 16, 32, 64)
HEIGHT, WIDTH = 128, 160


@pytest.fixture(autouse=True)
def shallow(monkeypatch):
    """A ResNet of one unit a stage."""
    monkeypatch.setitem(resnet.DEPTHS, 14, ((1, 1, 1, 1), ()))


def pyramid(frozen=True):
    return FeaturePyramid(PyramidResNet(14, frozen=frozen), 16)


def detector(frozen=True, **options):
    net = LightHeadFPN(pyramid(frozen=frozen), ("a", "b", "c"), mid_channels=8, rpn_channels=16, anchor_scales=(2,),
                       hidden=32, pre_nms=100, post_nms=30, max_per_image=15, **options)
    net.initialize(mx.init.Xavier(magnitude=2))
    return net


def images(n=2):
    return mx.nd.random.normal(shape=(n, 3, HEIGHT, WIDTH))


@pytest.mark.parametrize("height, width", [(128, 160), (75, 131), (97, 196)])
def test_levels_against_numpy(height, width):
    net = pyramid()
    net.initialize(mx.init.Xavier())
    for conv in net.smooth:
        conv.weight.set_data(mx.nd.zeros(conv.weight.shape))
        conv.weight.data()[:, :, 1, 1] = mx.nd.eye(16)
    x = mx.nd.random.normal(shape=(2, 3, height, width))
    levels, for_head = net(x)
    assert [level.shape for level in levels] == [
        (2, 16, h, w) for h, w in zip(net.feature_size(height), net.feature_size(width))]
    assert len(levels) == len(net.stride) and len(for_head) == 4

    parts = [lateral(part).asnumpy() for lateral, part in zip(net.lateral, net.backbone(x))]
    expected = parts[3:]
    for part in parts[2::-1]:
        above = expected[0].repeat(2, axis=2).repeat(2, axis=3)[:, :, :part.shape[2], :part.shape[3]]
        expected.insert(0, part + above)
    expected.append(expected[-1][:, :, ::2, ::2])
    for level, of_head, wanted in zip(levels, for_head + (levels[-1],), expected):
        np.testing.assert_allclose(level.asnumpy(), wanted, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(of_head.asnumpy(), level.asnumpy())


@pytest.mark.parametrize("name", ["vovnetv2_19_slim_dw", "densenet121"])
def test_backbones_that_round_sides_down(name):
    """The last row and column of the coarser map count for those that it lacks."""
    net = FeaturePyramid(registry.PYRAMID_BACKBONES.get(name).build(frozen=True), 2)
    net.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 3, 100, 79))
    fine, coarse = (lateral(part).asnumpy() for lateral, part in zip(list(net.lateral)[2:], list(net.backbone(x))[2:]))
    sums = []
    net.smooth[2].register_forward_pre_hook(lambda block, inputs: sums.append(inputs[0].asnumpy()))
    levels, _ = net(x)
    assert [level.shape[2:] for level in levels] == list(zip(net.feature_size(100), net.feature_size(79)))
    doubled = coarse.repeat(2, axis=2).repeat(2, axis=3)
    padded = np.pad(doubled, ((0, 0), (0, 0), (0, 1), (0, 1)), mode="edge")
    np.testing.assert_allclose(sums[0], fine + padded[:, :, :fine.shape[2], :fine.shape[3]], rtol=1e-4, atol=1e-5)


def test_smoothing_is_3x3_at_every_level():
    shapes = {name: p.shape for name, p in pyramid().collect_params().items() if name.startswith("fpn")}
    for level, channels in zip("2345", (256, 512, 1024, 2048)):
        assert shapes.pop(f"fpn_p{level}_1x1_weight") == (16, channels, 1, 1)
        assert shapes.pop(f"fpn_p{level}_weight") == (16, 16, 3, 3)
        assert shapes.pop(f"fpn_p{level}_1x1_bias") == shapes.pop(f"fpn_p{level}_bias") == (16,)
    assert not shapes


def boxes_of_all_sizes():
    """RoIs (R, 5): of sides at and beside those where levels change, of random sizes, long ones, and padding."""
    rng = np.random.RandomState(0)
    sides = [[side + d] * 2 for side in (112, 224, 448) for d in (-1, 0, 1)]
    sides += np.exp(rng.uniform(0, np.log(900), (60, 2))).round().tolist() + [[56, 896], [448, 112], [1, 1]]
    corner = rng.randint(0, 60, (len(sides), 2))
    rois = np.concatenate([rng.randint(0, 2, (len(sides), 1)), corner, corner + np.array(sides) - 1], axis=1)
    return np.concatenate([rois, [[-1, 0, 0, 0, 0], [-1, 0, 0, 299, 299]]]).astype(np.float32)


def level_of(roi, side=224):
    """Lin et al., equation 1, from 0."""
    width, height = roi[3] - roi[1] + 1, roi[4] - roi[2] + 1
    return int(np.clip(np.floor(4 + np.log2(np.sqrt(float(width) * float(height)) / side)), 2, 5)) - 2


@pytest.mark.parametrize("side", [224, 36])
def test_level_of_every_roi(side):
    rois = boxes_of_all_sizes()
    split = [part.asnumpy() for part in rois_by_level(mx.nd, mx.nd.array(rois), STRIDES[:4], side)]
    for r, roi in enumerate(rois):
        for level, part in enumerate(split):
            image = roi[0] if level == level_of(roi, side) else -1
            np.testing.assert_array_equal(part[r], [image, *roi[1:]])
    assert {level_of(roi, side) for roi in rois} == {0, 1, 2, 3}


@pytest.mark.parametrize("side", [224, 100])
@pytest.mark.parametrize("roi_pool", ROI_POOLS)
def test_each_roi_is_pooled_from_its_level(roi_pool, side):
    net = detector(roi_pool=roi_pool, canonical_side=side)
    maps = tuple(mx.nd.random.normal(shape=(2, 16, 256 // stride, 320 // stride)) for stride in STRIDES[:4])
    rois = boxes_of_all_sizes()
    pooled = []
    net.head.register_forward_pre_hook(lambda block, inputs: pooled.append(inputs[0].asnumpy()))
    net.classify(mx.nd, maps, mx.nd.array(rois))
    thin_maps = [net.neck(level) for level in maps]
    for roi, found in zip(rois, pooled[0]):
        level = level_of(roi, side)
        alone = pool_rois(mx.nd, roi_pool, thin_maps[level], mx.nd.array(roi[None]), STRIDES[level])
        np.testing.assert_allclose(found, alone.asnumpy()[0], rtol=1e-4, atol=1e-5)
        assert found.any() == (roi[0] >= 0)


def rpn_outputs(shift=0.0):
    """Logits and deltas, tuples of a level's, of 2 images of 128x160 with 3 anchors a cell."""
    rng = np.random.RandomState(1)
    logits, deltas = ([mx.nd.array(rng.normal(0, scale, (2, channels, HEIGHT // stride, WIDTH // stride)))
                       for stride in (4, 8, 16, 32, 64)] for channels, scale in ((6, 3), (12, 0.3)))
    for level in logits:
        level[:, 3:] -= shift
    return tuple(logits), tuple(deltas)


@pytest.mark.parametrize("shift", [0, 1000])  # by 1000 all scores are 0, as those of empty rows
@pytest.mark.parametrize("info", [[HEIGHT, WIDTH, 1], [60, 70, 1], [np.nan, WIDTH, 1]])
@pytest.mark.parametrize("pre_nms, post_nms", [(500, 60), (12, 40), (3, 80)])
def test_proposals_are_the_best_of_all_levels(shift, info, pre_nms, post_nms):
    rpn = PyramidRPN(16, 16, scales=(2,), stride=STRIDES)
    logits, deltas = rpn_outputs(shift)
    infos = mx.nd.array([[HEIGHT, WIDTH, 1], info])
    rois, counts = rpn.propose(mx.nd, logits, deltas, infos, pre_nms, post_nms, nms_threshold=0.5, min_size=4)
    rois, found = rois.asnumpy().reshape(2, post_nms, 5), [{}, {}]  # score of a box
    for level, (score, delta) in enumerate(zip(logits, deltas)):
        prob = mx.nd.softmax(score.reshape((2, 2, -1)), axis=1).reshape(score.shape)
        outputs = operators.rpn_proposal(
            mx.nd, prob, delta, infos, scales=(2,), feature_stride=STRIDES[level], pre_nms=pre_nms, post_nms=post_nms,
            nms_threshold=0.5, min_size=4, feature_size="im_info", output_score=True)
        boxes, level_counts, scores = (output.asnumpy() for output in outputs)
        for n in range(2):
            rows = slice(n * post_nms, n * post_nms + int(level_counts[n]))
            found[n].update(zip(map(tuple, boxes[rows]), scores[rows, 0]))
    for n in range(2):
        best = sorted(found[n].values(), reverse=True)[:post_nms]
        assert counts[n].asscalar() == len(best)
        boxes = list(map(tuple, rois[n, :len(best)]))
        assert [found[n][box] for box in boxes] == best and len(set(boxes)) == len(boxes)
        assert (rois[n, len(best):] == [-1, 0, 0, 0, 0]).all()


def test_rpn_is_the_same_at_all_levels():
    rpn = PyramidRPN(16, 16, scales=(2,), stride=STRIDES)
    rpn.initialize(mx.init.Normal(0.1))
    maps = tuple(mx.nd.random.normal(shape=(2, 16, HEIGHT // stride, WIDTH // stride)) for stride in STRIDES)
    logits, deltas = rpn(maps)
    flat = [array.asnumpy() for array in rpn.join_levels(mx.nd, logits, deltas)]
    for outputs, together, layer, channels in zip((logits, deltas), flat, (rpn.score, rpn.box), (6, 12)):
        for output, level in zip(outputs, maps):
            hidden = mx.nd.relu(rpn.conv(level))
            np.testing.assert_allclose(output.asnumpy(), layer(hidden).asnumpy(), rtol=1e-4, atol=1e-5)
        expected = np.concatenate([output.asnumpy().reshape(2, channels, -1) for output in outputs], axis=2)
        np.testing.assert_array_equal(together, expected)


def test_answers_like_the_other_detectors():
    net, x = detector(), images()
    before = [output.asnumpy() for output in net(x)]
    assert [array.shape for array in before] == [(2, 15, 1), (2, 15, 1), (2, 15, 4)]
    assert (before[0] >= 0).any(axis=(1, 2)).all()
    net.hybridize()
    for a, b in zip(before, net(x)):
        np.testing.assert_allclose(a, b.asnumpy(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("smaller", [0, 1])
def test_image_alone_equals_image_in_a_batch(smaller):
    net, x = detector(), images()
    info = np.array([[HEIGHT, WIDTH, 1]] * 2, np.float32)
    info[smaller] = (90, 70, 1)
    together = [output.asnumpy() for output in net(x, mx.nd.array(info))]
    for n in range(2):
        for a, b in zip(together, net(x[n:n + 1], mx.nd.array(info[n:n + 1]))):
            np.testing.assert_allclose(a[n], b.asnumpy()[0], rtol=1e-3, atol=1e-3)
        assert (together[2][n, :, 2].max() <= 69) == (n == smaller)


@pytest.mark.parametrize("roi_pool", ROI_POOLS)
def test_export_and_import(reimported, roi_pool):
    net, x = detector(roi_pool=roi_pool), images()
    info = mx.nd.array([[HEIGHT, WIDTH, 1], [80, 100, 1]])
    net.hybridize()
    expected = net(x, info)
    for a, b in zip(expected, reimported(net)(x, info)):
        np.testing.assert_array_equal(a.asnumpy(), b.asnumpy())


def training(**options):
    """Detector, its losses, and a batch with targets of all levels."""
    net = detector(frozen=False)
    graph = DetectorLosses(net, pre_nms=100, post_nms=30, rpn_batch_size=64, ohem=16, **options)
    gt = np.array([[[8, 8, 40, 40, 1], [50, 10, 159, 127, 2]], [[60, 20, 100, 90, 3], [-1] * 5]], np.float32)
    targets = AnchorTargets(net.features.feature_size, net.stride, net.rpn.ratios, net.rpn.scales, batch_size=64)
    rows = [targets((HEIGHT, WIDTH, 1), boxes[boxes[:, 4] > 0], HEIGHT, WIDTH, np.random.RandomState(n))
            for n, boxes in enumerate(gt)]
    arrays = [images(), mx.nd.array([[HEIGHT, WIDTH, 1]] * 2), mx.nd.array(gt)]
    return net, graph, arrays + [mx.nd.array(np.stack(column)) for column in zip(*rows)]


def step(graph, batch, trainer):
    with autograd.record():
        outputs = graph(*batch)
        loss = sum(outputs[:4])
    loss.backward()
    trainer.step(1)
    return [float(output.asscalar()) for output in outputs]


def test_losses_of_the_rpn_are_over_all_levels():
    net, graph, batch = training()
    outputs = []
    net.rpn.register_forward_hook(lambda block, inputs, answer: outputs.append(answer))
    with autograd.record():
        found = [float(loss.asscalar()) for loss in graph(*batch)]
    label, target, weight = (array.asnumpy() for array in batch[3:])
    logits, deltas = (np.concatenate([level.asnumpy().reshape(2, channels, -1) for level in maps], axis=2)
                      for maps, channels in zip(outputs[0], (6, 12)))
    cells = logits.shape[2]
    assert label.shape == (2, 3 * cells) and target.shape == weight.shape == (2, 12, cells)
    logits = logits.reshape(2, 2, -1)
    losses = np.log(np.exp(logits).sum(axis=1)) - np.where(label == 1, logits[:, 1], logits[:, 0])
    off = np.abs(deltas - target) * weight
    box = np.where(off < 1 / 9, 4.5 * off ** 2, off - 0.5 / 9).sum() / 64 / 2
    assert found[:2] == pytest.approx([losses[label >= 0].mean(), box], rel=1e-4)


def test_hybridized_losses_equal_imperative_ones():
    net, graph, batch = training()
    results = []
    for hybridize in (False, True):
        graph.hybridize(hybridize)
        with autograd.record():
            outputs = graph(*batch)
            loss = sum(outputs[:4])
        loss.backward()
        results.append(([float(o.asscalar()) for o in outputs], {
            p.name: p.grad().asnumpy().copy() for p in net.collect_params().values() if p.grad_req != "null"}))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-4)
    for name, gradient in results[0][1].items():
        np.testing.assert_allclose(results[1][1][name], gradient, rtol=1e-2,
                                   atol=1e-3 * np.abs(gradient).max() + 1e-6, err_msg=name)


def test_a_step_changes_every_parameter_that_is_not_fixed_and_no_other():
    net, graph, batch = training()
    for name, parameter in net.collect_params().items():
        if name.endswith("branch2c_gamma"):
            parameter.set_data(mx.nd.ones(parameter.shape))  # residual branches begin at zero
        if "res2" in name:
            parameter.grad_req = "null"
    learning = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
    before = {name: p.data().asnumpy().copy() for name, p in net.collect_params().items()}
    step(graph, batch, gluon.Trainer(learning, "sgd", {"learning_rate": 1.0}))
    moved = {name for name, p in net.collect_params().items() if (p.data().asnumpy() != before[name]).any()}
    assert {name for name in moved if "moving" not in name} == set(learning)


def test_loss_falls_on_one_batch():
    net, graph, batch = training()
    graph.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 1e-3})
    losses = [sum(step(graph, batch, trainer)[:4]) for _ in range(20)]
    assert np.mean(losses[-3:]) < 0.5 * losses[0]


@pytest.mark.parametrize("name, depth", [("light_head_rcnn_fpn_resnet50_v1_coco", 50),
                                         ("light_head_rcnn_fpn_resnet101_v1_voc", 101)])
def test_models_by_name(name, depth):
    net = light_head_rcnn.get_model(name)
    assert len(net.classes) == (80 if name.endswith("coco") else 20)
    assert isinstance(net, LightHeadFPN) and net.stride == STRIDES
    shapes = {key: p.shape for key, p in net.collect_params().items()}
    assert shapes["rpn_cls_score_weight"] == (6, 256, 1, 1) and shapes["conv_new_1_weight"] == (256, 256, 15, 1)
    backbone = {key: p.shape for key, p in resnet.ResNet(depth).collect_params().items()}
    assert {key: p.shape for key, p in net.backbone.collect_params().items()} == backbone


@pytest.mark.parametrize("height, width", [(128, 160), (75, 131)])
def test_small_backbone_is_that_of_setting_s(height, width):
    net = light_head_rcnn.get_model("light_head_rcnn_fpn_xception_coco")
    assert isinstance(net, LightHeadFPN) and isinstance(net.backbone, PyramidXception)
    own = {key: p.shape for key, p in net.backbone.collect_params().items()}
    assert own == {key: p.shape for key, p in Xception().collect_params().items()}

    backbone, dilated = PyramidXception(), Xception()
    dilated.initialize(mx.init.Xavier())
    backbone.initialize()
    values = dilated.collect_params()
    for name, parameter in backbone.collect_params().items():
        parameter.set_data(values[name].data())
    x = mx.nd.random.normal(shape=(1, 3, height, width))
    maps = backbone(x)
    assert [part.shape for part in maps] == [
        (1, channels, h, w) for channels, h, w in zip(backbone.out_channels, backbone.feature_size(height),
                                                      backbone.feature_size(width))]
    np.testing.assert_array_equal(maps[2].asnumpy(), dilated(x)[0].asnumpy())
    expected = dilated.res3(dilated.res2(maps[0]))
    np.testing.assert_array_equal(expected.asnumpy(), maps[2].asnumpy())
