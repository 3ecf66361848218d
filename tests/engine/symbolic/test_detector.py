"""Detections from a graph's own outputs, by hand, and files that do not fit."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.export import export
from light_head_rcnn.engine.deploy.exported import load_exported
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.engine.symbolic import weights
from light_head_rcnn.engine.symbolic.detector import SymbolDetector, load_symbol_detector
from light_head_rcnn.engine.symbolic.graphs import test_graph as graph_for_tests
from light_head_rcnn.engine.inference.test_time_augmentation import MultiView

CLASSES = ("a", "b", "c")
CPU = [mx.cpu()]
STDS = np.array([0.1, 0.1, 0.2, 0.2])


def save(cfg, path, folded=True):
    """Random parameters in a file; without the folded layer as a Gluon model's are saved."""
    mx.random.seed(2)
    symbol = graph_for_tests(cfg, len(CLASSES) + 1)
    shapes = weights.parameter_shapes(symbol, {"data": (cfg.TEST.BATCH_IMAGES, 3, 64, 64),
                                               "im_info": (cfg.TEST.BATCH_IMAGES, 3)})
    values = weights.initial_weights(cfg, shapes)[0]
    for name in ("cls_score_weight", "bbox_pred_weight"):
        # From NumPy: MXNet's numbers depend on how many threads draw them.
        values[name] = mx.nd.array(np.random.RandomState(0).normal(0, 0.03, shapes[name]))
    arrays = weights.file_arrays(cfg, *weights.split_weights(symbol, values))
    if not folded:
        arrays = {name: array for name, array in arrays.items() if not name.endswith("_test")}
    mx.nd.save(str(path), arrays)
    return symbol, values


def overlap(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (areas[0] + areas[1] - width * height)


def detections(rois, prob, deltas, im_info, agnostic, threshold, nms, most):
    """Of one image: rows (class, score, box), best first."""
    found = []
    for c in range(1, prob.shape[1]):
        rows = []
        for (x1, y1, x2, y2), score, delta in zip(rois, prob[:, c], deltas[:, 4:8] if agnostic else deltas[:, 4 * c:]):
            dx, dy, dw, dh = delta[:4] * STDS
            width, height = x2 - x1 + 1, y2 - y1 + 1
            x, y = (x1 + x2) / 2 + dx * width, (y1 + y2) / 2 + dy * height
            half_w, half_h = (np.exp(dw) * width - 1) / 2, (np.exp(dh) * height - 1) / 2
            box = np.clip([x - half_w, y - half_h, x + half_w, y + half_h], 0, np.array(im_info[[1, 0, 1, 0]]) - 1)
            if score > threshold:
                rows.append((score, *box))
        rows.sort(key=lambda row: -row[0])
        while rows:
            best = rows.pop(0)
            found.append((c - 1, *best))
            rows = [row for row in rows if overlap(row[1:], best[1:]) <= nms]
    return sorted(found, key=lambda row: -row[1])[:most]


@pytest.mark.parametrize("agnostic", [True, False])
@pytest.mark.parametrize("images, folded", [(1, True), (2, False)])
def test_detections_by_hand(configure, tmp_path, agnostic, images, folded):
    cfg = configure("run", "CLASS_AGNOSTIC", agnostic, "TEST.BATCH_IMAGES", images, "TEST.THRESH", 0.15,
                    "TEST.NMS", 0.7, "TEST.max_per_image", 9)
    symbol, values = save(cfg, tmp_path / "x.params", folded)
    net, problems = load_symbol_detector(cfg, CLASSES, CPU, str(tmp_path / "x.params"))
    assert isinstance(net, SymbolDetector) and net.classes == CLASSES and not problems
    x, im_info = mx.nd.random.normal(shape=(images, 3, 64, 64)), mx.nd.array([[64, 60, 1], [50, 64, 2]][:images])
    arguments, auxiliaries = weights.split_weights(symbol, values)
    graph = symbol.bind(mx.cpu(), dict(arguments, data=x, im_info=im_info), aux_states=auxiliaries)
    rois, prob, deltas = (array.asnumpy() for array in graph.forward())
    answers = [array.asnumpy() for array in net(x, im_info)]
    assert [array.shape for array in answers] == [(images, 9, 1), (images, 9, 1), (images, 9, 4)]
    total = 0
    for n in range(images):
        expected = detections(rois[8 * n:8 * n + 8, 1:], prob[n], deltas[n], im_info[n].asnumpy(), agnostic,
                              threshold=0.15, nms=0.7, most=9)
        total += len(expected)
        found = np.concatenate([array[n] for array in answers], axis=1)
        np.testing.assert_allclose(found[:len(expected)], expected, rtol=1e-3, atol=1e-2)
        assert (found[len(expected):] == -1).all()
    assert total > 3


def test_the_layer_for_tests_is_the_one_that_tests_use(configure, tmp_path):
    cfg = configure("run")
    save(cfg, tmp_path / "x.params")
    arrays = mx.nd.load(str(tmp_path / "x.params"))
    arrays["arg:bbox_pred_bias_test"] += 1
    mx.nd.save(str(tmp_path / "x.params"), arrays)
    net, _ = load_symbol_detector(cfg, CLASSES, CPU, str(tmp_path / "x.params"))
    np.testing.assert_array_equal(net.graph.collect_params()["bbox_pred_bias"].data().asnumpy(),
                                  arrays["arg:bbox_pred_bias_test"].asnumpy())


@pytest.mark.parametrize("operator", [True, "native"])
@pytest.mark.parametrize("fuse", [True, False])
def test_an_export_answers_alike_with_the_operator_of_either(configure, tmp_path, operator, fuse):
    cfg = configure("run", "TEST.CXX_PROPOSAL", operator)
    save(cfg, tmp_path / "x.params")
    net, _ = load_symbol_detector(cfg, CLASSES, CPU, str(tmp_path / "x.params"))
    export(Detector.of(cfg, net, CPU), tmp_path / "net", fuse=fuse)
    assert ("_contrib_Proposal" in (tmp_path / "net-symbol.json").read_text()) == (operator is True)
    x, im_info = mx.nd.random.normal(shape=(1, 3, 64, 64)), mx.nd.array([[64, 60, 1]])
    for one, other in zip(net(x, im_info), load_exported(tmp_path / "net").net(x, im_info)):
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), rtol=1e-3, atol=1e-2)


def test_any_number_of_images_up_to_that_of_a_batch(configure, tmp_path):
    cfg = configure("run", "TEST.BATCH_IMAGES", 3)
    save(cfg, tmp_path / "x.params")
    net, _ = load_symbol_detector(cfg, CLASSES, CPU, str(tmp_path / "x.params"))
    x, im_info = mx.nd.random.normal(shape=(3, 3, 64, 96)), mx.nd.array([[64, 96, 1]] * 3)
    together = [array.asnumpy() for array in net(x, im_info)]
    for one, of_all in zip(net(x[1:2], im_info[1:2]), together):
        np.testing.assert_allclose(one.asnumpy()[0], of_all[1], rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("options", [(), ("CLASS_AGNOSTIC", False), ("TEST.USE_SOFTNMS", True)])
def test_several_views(configure, tmp_path, options):
    """A scale given twice changes nothing; another one, and mirror images, do. `views` does not know what it runs."""
    cfg = configure("run", "TEST.BATCH_IMAGES", 2, *options)
    save(cfg, tmp_path / "x.params")
    net, _ = load_symbol_detector(cfg, CLASSES, CPU, str(tmp_path / "x.params"))
    small, large = ((np.random.RandomState(height).normal(size=(2, 3, height, 96)).astype(np.float32),
                     np.array([[height, 96, height / 64], [height, 80, height / 64]], np.float32))
                    for height in (64, 80))

    def detect(inputs, flip=False):
        return [array.asnumpy() for array in MultiView(net, flip)(inputs, mx.cpu())]

    once = detect([small])
    for one, direct, twice in zip(once, net(*map(mx.nd.array, small)), detect([small, small])):
        np.testing.assert_array_equal(one, direct.asnumpy())
        np.testing.assert_array_equal(one, twice)
    for others in (detect([small, large]), detect([small], flip=True)):
        found = others[0][..., 0] >= 0
        assert not np.array_equal(once[2], others[2]) and found.sum() > 5
        assert (others[2][0][found[0]] <= [95, 63, 95, 63]).all() and (others[2][1][found[1]] <= [79, 63, 79, 63]).all()


def test_soft_suppression_is_gaussian_as_in_the_mxnet_original(module_at, configure, tmp_path):
    cfg = configure("run", "TEST.USE_SOFTNMS", True, "TEST.SOFTNMS_THRESH", 0.4, "TEST.max_per_image", 30)
    save(cfg, tmp_path / "x.params")
    net, _ = load_symbol_detector(cfg, CLASSES, CPU, str(tmp_path / "x.params"))
    inputs = mx.nd.random.normal(shape=(1, 3, 64, 64)), mx.nd.array([[64, 64, 1]])
    scores, boxes, counts = (array.asnumpy() for array in net.candidates(mx.nd, *inputs))
    assert counts == scores.shape[1] == 8
    expected, _ = module_at("operators/reference_boxes.py").multiclass_nms(
        scores, boxes, score_threshold=0.001, max_per_image=30, soft="gaussian", sigma=0.4)
    np.testing.assert_allclose(mx.nd.concat(*net(*inputs), dim=2).asnumpy(), expected, rtol=1e-4, atol=1e-4)


def test_files_that_do_not_fit(configure, tmp_path):
    cfg = configure("run")
    save(cfg, tmp_path / "x.params")
    path = str(tmp_path / "x.params")
    arrays = mx.nd.load(path)
    del arrays["arg:conv1_weight"]
    arrays["arg:more"] = mx.nd.zeros(2)
    mx.nd.save(path, arrays)
    lines = ["missing in the file: conv1_weight (24, 3, 3, 3)", "unknown to the network: more (2,)"]
    with pytest.raises(CheckpointError) as caught:
        load_symbol_detector(cfg, CLASSES, CPU, path)
    assert str(caught.value).splitlines()[1:] == ["  " + line for line in lines]
    net, problems = load_symbol_detector(cfg, CLASSES, CPU, path, allow_partial=True)
    assert problems == lines
    assert net(mx.nd.zeros((1, 3, 64, 64)), mx.nd.array([[64, 64, 1]]))[0].shape == (1, 100, 1)
