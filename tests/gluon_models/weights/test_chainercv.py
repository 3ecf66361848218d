"""ChainerCV's npz: names, and the boxes and scores that its own formulas, written out here, give for random outputs."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models.rpn import RPN
from light_head_rcnn.gluon_models.weights import read_weights
from light_head_rcnn.operators.detections import class_boxes

A, CLASSES, HIDDEN, CHANNELS = 15, 3, 5, 4
SCALES, RATIOS = (2, 4, 8, 16, 32), (0.5, 1, 2)
H, W = 5, 7  # cells of the RPN's map
HEIGHT, WIDTH = 71, 105  # pixels of the image: neither is a multiple of the stride


@pytest.fixture(scope="module")
def arrays(resnet50):
    rng, found = np.random.RandomState(1), {}
    for layer in resnet50:
        unit = "a" if layer.unit == 0 else f"b{layer.unit}"
        place = "conv1" if layer.stage == 0 else f"res{layer.stage + 1}/{unit}/" + {
            "downsample": "residual_conv"}.get(layer.branch, layer.branch)
        found[f"extractor/{place}/conv/W"] = layer.weight
        for end, value in (("gamma", layer.gamma), ("beta", layer.beta), ("avg_mean", layer.mean),
                           ("avg_var", layer.var), ("N", np.int64(3))):
            found[f"extractor/{place}/bn/{end}"] = value
    for name, shape in (("rpn/conv1", (CHANNELS, 2, 3, 3)), ("rpn/loc", (4 * A, CHANNELS, 1, 1)),
                        ("rpn/score", (2 * A, CHANNELS, 1, 1)), ("head/fc1", (HIDDEN, 490)),
                        ("head/score", (CLASSES, HIDDEN)), ("head/cls_loc", (4 * CLASSES, HIDDEN)),
                        ("head/global_context_module/col_max", (3, 2, 15, 1)),
                        ("head/global_context_module/col", (490, 3, 1, 15)),
                        ("head/global_context_module/row_max", (3, 2, 1, 15)),
                        ("head/global_context_module/row", (490, 3, 15, 1))):
        found[name + "/W"] = rng.normal(0, 0.2, shape).astype("float32")
        found[name + "/b"] = rng.normal(0, 0.1, shape[0]).astype("float32")
    return found


@pytest.fixture(scope="module")
def weights(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("chainer") / "snapshot"
    np.savez(path, **arrays)
    return read_weights(f"{path}.npz")


def loc2bbox(boxes, locs):
    """Decodes (dy, dx, dh, dw) from boxes (y1, x1, y2, x2) with exclusive ends, as ChainerCV does."""
    y1, x1, y2, x2 = boxes.T
    height, width = y2 - y1, x2 - x1
    y, x = y1 + height / 2 + locs[:, 0] * height, x1 + width / 2 + locs[:, 1] * width
    height, width = height * np.exp(locs[:, 2]), width * np.exp(locs[:, 3])
    return np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)


def proposals(arrays, features):
    """ChainerCV's boxes of all anchors, clipped, and their scores; features are (CHANNELS, H, W)."""
    locs = np.einsum("oc,chw->hwo", arrays["rpn/loc/W"][:, :, 0, 0], features) + arrays["rpn/loc/b"]
    scores = np.einsum("oc,chw->hwo", arrays["rpn/score/W"][:, :, 0, 0], features) + arrays["rpn/score/b"]
    anchors = []
    for row in range(H):
        for column in range(W):
            for ratio in RATIOS:
                for scale in SCALES:
                    y, x = row * 16 + 8, column * 16 + 8
                    h, w = 16 * scale * np.sqrt(ratio), 16 * scale * np.sqrt(1 / ratio)
                    anchors.append([y - h / 2, x - w / 2, y + h / 2, x + w / 2])
    boxes = loc2bbox(np.array(anchors), locs.reshape(-1, 4))
    boxes[:, 0::2], boxes[:, 1::2] = boxes[:, 0::2].clip(0, HEIGHT), boxes[:, 1::2].clip(0, WIDTH)
    return boxes, scores.reshape(-1, 2)[:, 1]


def test_proposals_are_those_of_chainercv(arrays, weights):
    """All boxes in the order of their scores, from cells that lie only partly within the image, too."""
    features = np.random.RandomState(5).normal(0, 0.6, (CHANNELS, H, W)).astype("float32")
    boxes, scores = proposals(arrays, features)
    has_area = ((boxes[:, 2:] - boxes[:, :2]) > 1).all(axis=1)
    boxes, scores = boxes[has_area], scores[has_area]
    expected = boxes[np.argsort(-scores)][:, [1, 0, 3, 2]] - [0, 0, 1, 1]
    rpn = RPN(CHANNELS, CHANNELS, RATIOS, SCALES, 16, all_cells=True)
    rpn.initialize()
    for layer, name in ((rpn.score, "rpn_cls_score"), (rpn.box, "rpn_bbox_pred")):
        layer.weight.set_data(mx.nd.array(weights.arrays[name + "_weight"]))
        layer.bias.set_data(mx.nd.array(weights.arrays[name + "_bias"]))
    x, info = mx.nd.array(features[None]), mx.nd.array([[HEIGHT, WIDTH, 1]])
    rois, counts = rpn.propose(mx.nd, rpn.score(x), rpn.box(x), info, 10 ** 6, len(expected), 1.0, min_size=1.01)
    found = rois.asnumpy()[:int(counts.asscalar()), 1:]
    assert len(found) > 300
    np.testing.assert_allclose(found, expected[:len(found)], atol=2e-3)


def test_boxes_of_classes_are_those_of_chainercv(arrays, weights):
    rng = np.random.RandomState(6)
    hidden = rng.normal(size=(4, HIDDEN))
    rois = np.array([[3, 4, 40, 60], [0, 0, 71, 105], [10.5, 20.5, 30, 30], [50, 2, 70, 33]])  # (y1, x1, y2, x2)
    locs = (hidden @ arrays["head/cls_loc/W"].T + arrays["head/cls_loc/b"]).reshape(4, CLASSES, 4)
    locs = locs * (0.1, 0.1, 0.2, 0.2)
    expected = np.stack([loc2bbox(rois, locs[:, i]) for i in range(CLASSES)], axis=1)
    expected[..., 0::2], expected[..., 1::2] = expected[..., 0::2].clip(0, HEIGHT), expected[..., 1::2].clip(0, WIDTH)
    deltas = hidden @ weights.arrays["bbox_pred_weight"].T + weights.arrays["bbox_pred_bias"]
    ours = np.concatenate([np.zeros((4, 1)), rois[:, [1, 0, 3, 2]] - [0, 0, 1, 1]], axis=1)
    found = class_boxes(mx.nd, mx.nd.array(ours), mx.nd.array(deltas), mx.nd.array([[HEIGHT, WIDTH, 1]]), 4, CLASSES,
                        False, (0, 0, 0, 0), (0.1, 0.1, 0.2, 0.2)).asnumpy().reshape(4, CLASSES, 4)
    np.testing.assert_allclose(found, expected[..., [1, 0, 3, 2]] - [0, 0, 1, 1], atol=1e-3)


def test_all_other_layers_keep_their_values(arrays, weights, resnet50, check_caffe):
    check_caffe(weights.arrays, [layer for layer in resnet50 if layer.stage])
    for theirs, ours in (("rpn/conv1", "rpn_conv_3x3"), ("head/fc1", "fc_new_1"), ("head/score", "cls_score"),
                         ("head/global_context_module/col_max", "conv_new_1"),
                         ("head/global_context_module/col", "conv_new_2"),
                         ("head/global_context_module/row_max", "conv_new_3"),
                         ("head/global_context_module/row", "conv_new_4")):
        np.testing.assert_array_equal(weights.arrays[ours + "_weight"], arrays[theirs + "/W"])
        np.testing.assert_array_equal(weights.arrays[ours + "_bias"], arrays[theirs + "/b"])
    assert not [name for name in weights.arrays if "/" in name]


def normalised(arrays, layer, x, epsilon):
    """What a normalisation of a layer named by Caffe returns for a number."""
    gamma, beta, mean, var = (arrays[f"{layer}_{end}"].astype("float64") for end in
                              ("gamma", "beta", "moving_mean", "moving_var"))
    return (x - mean) / np.sqrt(var + epsilon) * gamma + beta


@pytest.mark.parametrize("is_detector", [True, False])
def test_normalisations_have_the_epsilon_of_chainer(arrays, tmp_path, is_detector):
    """ChainerCV's detector has Chainer's epsilon, 2e-5, in its first layer alone; its classifiers everywhere."""
    small = {name: np.abs(array) * 1e-5 if name.endswith("avg_var") else array for name, array in arrays.items()
             if is_detector or name.startswith("extractor")}
    np.savez(tmp_path / "x.npz", **small)
    found = read_weights(str(tmp_path / "x.npz")).arrays
    for theirs, ours, epsilon in (("conv1", "bn_conv1", 2e-5),
                                  ("res3/b1/conv2", "bn3b_branch2b", 1e-5 if is_detector else 2e-5)):
        named = {f"x_{end}": small[f"extractor/{theirs}/bn/{name}"] for end, name in
                 (("gamma", "gamma"), ("beta", "beta"), ("moving_mean", "avg_mean"), ("moving_var", "avg_var"))}
        np.testing.assert_allclose(normalised(found, ours, 0.3, 1e-5), normalised(named, "x", 0.3, epsilon), rtol=1e-5)


@pytest.mark.parametrize("missing", [["rpn/loc/b"], ["head/score/W"], ["head/cls_loc/b", "rpn/score/b"],
                                     ["head/score/W", "head/score/b"]])
def test_missing_entries_are_named_as_in_the_file(arrays, tmp_path, missing):
    np.savez(tmp_path / "x.npz", **{name: array for name, array in arrays.items() if name not in missing})
    with pytest.raises(CheckpointError, match="x.npz is no whole Light-Head R-CNN:\n") as caught:
        read_weights(str(tmp_path / "x.npz"))
    assert all(f"there is no {name}" in str(caught.value) for name in missing)


def test_a_bias_of_another_length_is_told(arrays, tmp_path):
    np.savez(tmp_path / "x.npz", **{**arrays, "rpn/loc/b": np.zeros(7, "float32")})
    with pytest.raises(CheckpointError, match=r"rpn/loc/b is \(7,\), but rpn/loc/W has \(60,\) outputs"):
        read_weights(str(tmp_path / "x.npz"))


@pytest.mark.parametrize("shapes, message", [
    ({"head/cls_loc/W": (13, HIDDEN), "head/cls_loc/b": (13,)}, "head/cls_loc has 13 outputs, which is no mult.* of 4"),
    ({"rpn/score/W": (29, CHANNELS, 1, 1), "rpn/score/b": (29,)}, "rpn/score has 29 outputs, which is no mult.* of 2"),
    ({"rpn/loc/W": (60, CHANNELS)}, r"rpn/loc/W has the shape \(60, 4\), but should have 4 axes and not be empty"),
    ({"rpn/loc/W": (), "rpn/loc/b": ()}, r"rpn/loc/W has the shape \(\), but should have 4 axes"),
    ({"head/cls_loc/W": (4, 0), "head/cls_loc/b": (4,)}, r"head/cls_loc/W has the shape \(4, 0\), but should have 2"),
    ({"extractor/res2/a/conv1/bn/gamma": ()}, r"conv1/bn/gamma has the shape \(\), but should have 1 axis")])
def test_shapes_that_no_layer_has_are_told(arrays, tmp_path, shapes, message):
    np.savez(tmp_path / "x.npz", **{**arrays, **{name: np.ones(shape) for name, shape in shapes.items()}})
    with pytest.raises(CheckpointError, match=f"x.npz (?s:.*){message}"):
        read_weights(str(tmp_path / "x.npz"))


def test_settings_are_those_of_chainercv(weights):
    assert weights.model == "light_head_rcnn_resnet50_v1_coco" and weights.classes == ()
    wanted = {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True, "network.LIGHT_HEAD_RELU": "after_sum",
              "network.ROI_POOL": "psroi_align_max_clamp", "network.RPN_ALL_CELLS": True, "CLASS_AGNOSTIC": False}
    assert {key: weights.settings[key] for key in wanted} == wanted
    assert weights.pixels.means == (122.7717, 115.9465, 102.9801)


def test_the_classifier_of_facebook_strides_in_the_3x3(arrays, tmp_path):
    """Of ResNet-50 it has no bias in the first convolution."""
    np.savez(tmp_path / "x.npz", **{name[len("extractor/"):]: array for name, array in arrays.items() if "ext" in name})
    assert read_weights(str(tmp_path / "x.npz")).settings == {"network.STRIDE_IN_1X1": False}


def test_the_classifier(arrays, resnet50, tmp_path):
    """Its names have no prefix, and its first convolution has a bias."""
    bias = np.array([0.5, -1, 2], "float32")
    found = {name.replace("extractor/", ""): array for name, array in arrays.items() if "extractor" in name}
    found["conv1/bn/avg_mean"] = found["conv1/bn/avg_mean"] + bias
    np.savez(tmp_path / "resnet50.npz", **found, **{"conv1/conv/b": bias, "fc6/W": np.ones((3, 3))})
    weights = read_weights(str(tmp_path / "resnet50.npz"))
    assert (weights.model, weights.pixels.means) == ("resnet50_v1", (123.15, 115.90, 103.06))
    assert weights.settings == {"network.STRIDE_IN_1X1": True}
    layer = next(layer for layer in resnet50 if layer.caffe[1] == "bn2a_branch1")
    np.testing.assert_allclose(weights.arrays["bn2a_branch1_moving_var"], layer.var + 1e-5, rtol=1e-6)
    np.testing.assert_allclose(weights.arrays["bn_conv1_moving_mean"], resnet50[0].mean, atol=1e-5)


def test_a_damaged_classifier_is_told(arrays, tmp_path):
    found = {name[len("extractor/"):]: array for name, array in arrays.items() if "ext" in name}
    np.savez(tmp_path / "x.npz", **{**found, "conv1/conv/b": np.zeros(3), "conv1/bn/avg_mean": np.zeros(2)})
    with pytest.raises(CheckpointError, match=r"x.npz is damaged: bn1_moving_mean, .* has the shape \(2,\), and"):
        read_weights(str(tmp_path / "x.npz"))


def test_others_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(2))
    with pytest.raises(CheckpointError, match="not one of ChainerCV's.*first arrays: a"):
        read_weights(str(tmp_path / "x.npz"))


def test_snapshots_of_a_training_are_read(arrays, tmp_path):
    """They hold the optimizer's states, texts and objects beside the weights."""
    more = {"updater/optimizer:main/extractor/res2/a/conv1/conv/W/v": np.ones((3, 2)), "epoch": np.array(3),
            "extensions/LogReport/_log": np.array("[]"), "updater/iterator:main/_order": np.array(None)}
    found = {f"updater/model:main/{name}": array for name, array in arrays.items()}
    np.savez(tmp_path / "x.npz", **found, **more)
    weights = read_weights(str(tmp_path / "x.npz"))
    assert weights.content == "detector" and not any("optimizer" in name for name in weights.arrays)


@pytest.mark.parametrize("more", [np.ones((2, 2)), np.array(1.0)])
def test_a_resnet_with_attention_is_refused(arrays, tmp_path, more):
    """ChainerCV's SEResNet has all layers of its ResNet; a layer may be a single number."""
    np.savez(tmp_path / "x.npz", **{name[len("extractor/"):]: array for name, array in arrays.items() if "ext" in name},
             **{"res2/a/se/fc1/W": more})
    with pytest.raises(CheckpointError, match="layers of ResNet-50 and others among them.*:\n  res2/a/se/fc1/W$"):
        read_weights(str(tmp_path / "x.npz"))
