"""The checkpoint of the TensorFlow original: names, orders of axes and channels; real files where it is installed."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models.backbones import ResNet
from light_head_rcnn.gluon_models.weights import read_weights
from light_head_rcnn.gluon_models.weights import tensorflow_original as reader

A, CLASSES, HIDDEN = 15, 4, 6  # anchors, classes with background, units of ps_fc_1
S = "resnet_v1_50/"


@pytest.fixture(scope="module")
def variables(resnet50):
    """Variables as the TensorFlow original saves them, in the shapes of TensorFlow, with those of an optimizer."""
    found, rng = {}, np.random.RandomState(1)
    for layer in resnet50:
        name = {"downsample": "shortcut"}.get(layer.branch, layer.branch)
        where = S + ("conv1" if layer.stage == 0 else f"block{layer.stage}/unit_{layer.unit + 1}/bottleneck_v1/{name}")
        found[where + "/weights"] = layer.weight.transpose(2, 3, 1, 0)
        for end, value in (("gamma", layer.gamma), ("beta", layer.beta), ("moving_mean", layer.mean),
                           ("moving_variance", layer.var)):
            found[f"{where}/BatchNorm/{end}"] = value
    for name, shape in (("rpn_conv/3x3", (3, 3, 2, 5)), ("rpn_cls_score", (1, 1, 5, 2 * A)),
                        ("rpn_bbox_pred", (1, 1, 5, 4 * A)), ("conv_new_1_conv15_w_pre", (15, 1, 2, 3)),
                        ("conv_new_1_conv15_w", (1, 15, 3, 490)), ("conv_new_1_conv15_h_pre", (1, 15, 2, 3)),
                        ("conv_new_1_conv15_h", (15, 1, 3, 490)), ("ps_fc_1", (490, HIDDEN)),
                        ("cls_fc", (HIDDEN, CLASSES)), ("bbox_fc", (HIDDEN, 4 * CLASSES))):
        found[f"{S}{name}/weights"] = rng.normal(size=shape).astype("float32")
        found[f"{S}{name}/biases"] = rng.normal(size=shape[-1]).astype("float32")
    return found


@pytest.fixture
def weights(variables, monkeypatch):
    monkeypatch.setattr(reader, "_variables", lambda path: dict(variables, beta1_power=np.ones(1, "float32")))
    return reader.read_tensorflow("epoch_26.ckpt")


def test_the_backbone_has_caffes_names(weights, resnet50, check_caffe):
    check_caffe(weights.arrays, resnet50)
    assert (weights.model, weights.content) == ("light_head_rcnn_resnet50_v1_coco", "detector")
    assert "beta1_power" in weights.arrays and weights.classes == ()


def test_settings_are_those_of_the_original(weights):
    assert weights.settings["network.STRIDE_IN_1X1"] is False
    assert weights.settings["network.LIGHT_HEAD_RELU"] == "after_sum"
    assert weights.settings["network.ROI_POOL"] == "psroi_align_max" and "psroi_pool" in weights.notes[0]
    assert weights.settings["CLASS_AGNOSTIC"] is False and weights.settings["TEST.NMS"] == 0.5
    assert weights.settings["network.ANCHOR_SCALES"] == [2, 4, 8, 16, 32]
    assert weights.pixels.means == (122.7717, 115.9465, 102.9801) and weights.pixels.stds == (1, 1, 1)


def test_layers_behind_the_backbone_can_be_outside_of_its_scope(variables, weights, monkeypatch):
    outside = {name if "/block" in name or "/conv1/" in name else name[len(S):]: array
               for name, array in variables.items()}
    assert "rpn_conv/3x3/weights" in outside and "cls_fc/biases" in outside
    monkeypatch.setattr(reader, "_variables", lambda path: outside)
    found = reader.read_tensorflow("epoch_26.ckpt")
    assert (found.content, found.settings, found.format) == (weights.content, weights.settings, weights.format)
    for name in set(weights.arrays) - {"beta1_power"}:
        np.testing.assert_array_equal(found.arrays[name], weights.arrays[name])


@pytest.mark.parametrize("name, shape, message", [
    ("ps_fc_1/weights", (6,), r"resnet_v1_50/ps_fc_1/weights has the shape \(6,\), but should have 2 axes"),
    ("ps_fc_1/weights", (0, 6), r"ps_fc_1/weights has the shape \(0, 6\), but should have 2 axes and not be empty"),
    ("rpn_cls_score/weights", (), r"rpn_cls_score/weights has the shape \(\), but should have 4 axes"),
    ("cls_fc/biases", (1, 4), r"cls_fc/biases has the shape \(1, 4\), but should have 1 axis"),
    ("conv1/weights", (3, 2), r"conv1/weights has the shape \(3, 2\), but should have 4 axes"),
    ("rpn_cls_score/*", 29, "rpn_cls_score has 29 outputs, which is no multiple of 2"),
    ("bbox_fc/*", 17, "bbox_fc has 17 outputs, which is no multiple of 4")])
def test_shapes_that_no_layer_has_are_told(variables, monkeypatch, name, shape, message):
    if name.endswith("*"):
        ends = {end: variables[S + name.replace("*", end)].shape[:-1] + (shape,) for end in ("weights", "biases")}
    else:
        ends = {name.rpartition("/")[2]: shape}
    wrong = {S + name.rpartition("/")[0] + "/" + end: np.zeros(size, "float32") for end, size in ends.items()}
    monkeypatch.setattr(reader, "_variables", lambda path: {**variables, **wrong})
    with pytest.raises(CheckpointError, match=f"x.ckpt (?s:.*){message}"):
        reader.read_tensorflow("x.ckpt")


@pytest.mark.parametrize("missing", [["rpn_bbox_pred/biases"], ["cls_fc/weights"],
                                     ["bbox_fc/biases", "ps_fc_1/weights"]])
def test_missing_variables_are_named(variables, monkeypatch, missing):
    left = {name: array for name, array in variables.items() if name.partition("/")[2] not in missing}
    monkeypatch.setattr(reader, "_variables", lambda path: left)
    with pytest.raises(CheckpointError, match="x.ckpt is no whole Light-Head R-CNN:\n") as caught:
        reader.read_tensorflow("x.ckpt")
    assert all(f"there is no {name}" in str(caught.value) for name in missing)


def test_the_scores_of_the_rpn(weights, variables):
    """TensorFlow: (background, foreground) of anchor 0, of anchor 1, ...; here: all background, then all foreground."""
    x = np.random.RandomState(2).normal(size=5)
    theirs = (x @ variables[S + "rpn_cls_score/weights"][0, 0] + variables[S + "rpn_cls_score/biases"]).reshape(A, 2)
    ours = weights.arrays["rpn_cls_score_weight"][:, :, 0, 0] @ x + weights.arrays["rpn_cls_score_bias"]
    np.testing.assert_allclose(ours.reshape(2, A).T, theirs, rtol=1e-5)
    boxes = x @ variables[S + "rpn_bbox_pred/weights"][0, 0] + variables[S + "rpn_bbox_pred/biases"]
    np.testing.assert_allclose(
        weights.arrays["rpn_bbox_pred_weight"][:, :, 0, 0] @ x + weights.arrays["rpn_bbox_pred_bias"], boxes, rtol=1e-5)


def test_the_head_reads_pooled_values_in_the_order_here(weights, variables):
    pooled = np.random.RandomState(3).normal(size=(7, 7, 10))  # (row, column, channel), as TensorFlow flattens them
    theirs = pooled.ravel() @ variables[S + "ps_fc_1/weights"] + variables[S + "ps_fc_1/biases"]
    ours = weights.arrays["fc_new_1_weight"] @ pooled.transpose(2, 0, 1).ravel() + weights.arrays["fc_new_1_bias"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    hidden = np.maximum(theirs, 0)
    for layer, name in (("cls_score", "cls_fc"), ("bbox_pred", "bbox_fc")):
        np.testing.assert_allclose(weights.arrays[f"{layer}_weight"] @ hidden + weights.arrays[f"{layer}_bias"],
                                   hidden @ variables[f"{S}{name}/weights"] + variables[f"{S}{name}/biases"], rtol=1e-4)


def test_the_branches_of_the_large_separable_convolution(weights, variables):
    shapes = [weights.arrays[f"conv_new_{i}_weight"].shape[2:] for i in (1, 2, 3, 4)]
    assert shapes == [(15, 1), (1, 15), (1, 15), (15, 1)]
    for i, name in ((1, "w_pre"), (2, "w"), (3, "h_pre"), (4, "h")):
        theirs = variables[f"{S}conv_new_1_conv15_{name}/weights"]
        np.testing.assert_array_equal(weights.arrays[f"conv_new_{i}_weight"], np.moveaxis(theirs, (3, 2), (0, 1)))


def test_the_classifier_of_slim(variables, monkeypatch, resnet50, check_caffe):
    slim = {name: array for name, array in variables.items() if "block" in name or S + "conv1/" in name}
    monkeypatch.setattr(reader, "_variables", lambda path: dict(slim, **{S + "logits/weights": np.ones((1, 1, 2, 3))}))
    found = reader.read_tensorflow("resnet_v1_50.ckpt")
    assert (found.model, found.content, found.pixels.means[0]) == ("resnet50_v1", "backbone", 123.68)
    check_caffe(found.arrays, resnet50)
    assert found.settings == {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": False}
    assert "strides in the 3x3" in found.notes[0]


def slim_map(x, arrays):
    """The last map of TensorFlow-Slim's resnet_v1_50, of parameters by Caffe's names.

    Its blocks stride in the 3x3 of their last unit, whose shortcut picks every second pixel (`resnet_utils.subsample`).
    """
    def conv(x, layer, norm, kernel, stride=1):
        weight = arrays[f"{layer}_weight"]
        x = mx.nd.Convolution(x, weight, num_filter=weight.shape[0], kernel=(kernel, kernel), stride=(stride, stride),
                              pad=(kernel // 2, kernel // 2), no_bias=True)
        gamma, beta, mean, var = (arrays[f"{norm}_{end}"].reshape((1, -1, 1, 1)) for end in (
            "gamma", "beta", "moving_mean", "moving_var"))
        return (x - mean) / mx.nd.sqrt(var + 1e-5) * gamma + beta

    x = mx.nd.relu(conv(x, "conv1", "bn_conv1", 7, 2))
    x = mx.nd.pad(x, mode="constant", constant_value=-1e9, pad_width=(0, 0, 0, 0, 0, 1, 0, 1))  # SAME, of even sides
    x = mx.nd.Pooling(x, kernel=(3, 3), stride=(2, 2))
    for stage, units in zip("2345", (3, 4, 6, 3)):
        for i in range(units):
            place, stride = f"{stage}{'abcdef'[i]}_branch", 2 if i == units - 1 and stage != "5" else 1
            inner = mx.nd.relu(conv(x, f"res{place}2a", f"bn{place}2a", 1))
            inner = mx.nd.relu(conv(inner, f"res{place}2b", f"bn{place}2b", 3, stride))
            short = x[:, :, ::stride, ::stride] if i else conv(x, f"res{place}1", f"bn{place}1", 1)
            x = mx.nd.relu(conv(inner, f"res{place}2c", f"bn{place}2c", 1) + short)
    return x


def test_a_resnet_with_the_settings_of_slim_computes_what_slim_does(variables, monkeypatch, randomize):
    slim = {name: array for name, array in variables.items() if "block" in name or S + "conv1/" in name}
    monkeypatch.setattr(reader, "_variables", lambda path: slim)
    settings = reader.read_tensorflow("resnet_v1_50.ckpt").settings
    net = ResNet(50, stride_in_1x1=settings["network.STRIDE_IN_1X1"], padded_pool=settings["network.PADDED_POOL"],
                 outputs="pyramid")
    arrays = {name: mx.nd.array(array) for name, array in randomize(net).items()}
    x = mx.nd.array(np.random.RandomState(0).normal(size=(1, 3, 64, 96)))
    expected, found = slim_map(x, arrays).asnumpy(), net(x)[-1].asnumpy()
    assert found.shape == expected.shape == (1, 2048, 2, 3)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_variables_of_optimizers_are_left_out(variables):
    names = {**variables, "other": 0}
    weight = f"{S}block2/unit_1/bottleneck_v1/conv1/weights"
    for name in (f"{weight}/Momentum", f"OptimizeLoss/{weight}/Momentum", f"train/run/{weight}/Adam_1",
                 f"model/{S}x/.OPTIMIZER_SLOT/optimizer/momentum/.ATTRIBUTES/VARIABLE_VALUE"):
        assert reader._is_of_optimizer(name, names), name
    assert not any(reader._is_of_optimizer(name, names) for name in (weight, f"other_{weight}", "other/x/y", "x"))


def test_other_checkpoints_are_refused(monkeypatch):
    monkeypatch.setattr(reader, "_variables", lambda path: {"dense/kernel": np.ones((2, 2))})
    with pytest.raises(CheckpointError, match="not one of the TensorFlow original.*dense/kernel"):
        reader.read_tensorflow("x.ckpt")


def test_other_layers_in_a_unit_are_refused(variables, monkeypatch):
    more = f"{S}block2/unit_1/bottleneck_v1/squeeze/weights"
    monkeypatch.setattr(reader, "_variables", lambda path: dict(variables, **{more: np.ones((1, 1, 2, 3))}))
    with pytest.raises(CheckpointError, match=f"layers of ResNet-50 and others among them.*:\n  {more}$"):
        reader.read_tensorflow("x.ckpt")


def test_without_tensorflow_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    (tmp_path / "x.ckpt.index").write_bytes(b"x" * 60)
    with pytest.raises(CheckpointError, match="pip install tensorflow-cpu"):
        read_weights(str(tmp_path / "x.ckpt"))


@pytest.mark.slow
def test_real_files(variables, tmp_path):
    """Index and data files, found by their prefix or by either of them; variables of the optimizer are left out."""
    tensorflow = pytest.importorskip("tensorflow", reason="needs TensorFlow")
    v1 = tensorflow.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        for name, array in variables.items():
            v1.get_variable(name, initializer=array)
        v1.get_variable(S + "conv1/weights/Momentum", initializer=np.ones(3, "float32"))
        v1.get_variable("global_step", initializer=np.int64(7))
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "epoch_26.ckpt"))
    first = read_weights(str(tmp_path / "epoch_26.ckpt"))
    assert first.model == "light_head_rcnn_resnet50_v1_coco"
    for end in (".index", ".data-00000-of-00001"):
        found = read_weights(str(tmp_path / "epoch_26.ckpt") + end)
        assert set(found.arrays) == set(first.arrays) and len(found.arrays) == len(variables)
    np.testing.assert_array_equal(first.arrays["conv_new_1_bias"], variables[S + "conv_new_1_conv15_w_pre/biases"])
