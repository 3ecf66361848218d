"""Parameter files of the MXNet original and of this package: which network, and the box layer that is there twice."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import get_model, registry
from light_head_rcnn.gluon_models.weights import read_weights, with_names_of


def save(path, net, **more):
    """Saves a network whose parameters are filled with the numbers 0, 1, ...; returns the path and the arrays."""
    arrays = {("aux:" if "moving" in name else "arg:") + name: mx.nd.full(parameter.shape, number)
              for number, (name, parameter) in enumerate(net.collect_params().items())}
    mx.nd.save(str(path), {**arrays, **more})
    return str(path), {name.split(":")[1]: array.asnumpy() for name, array in arrays.items()}


@pytest.mark.parametrize("name", ["light_head_rcnn_resnet50_v1_coco", "rfcn_resnet50_v1_voc",
                                  "faster_rcnn_resnet50_v1b_coco", "light_head_rcnn_fpn_xception_coco",
                                  "light_head_rcnn_s_resnet50_v1_coco"])
def test_detectors_are_recognised(tmp_path, name):
    path, arrays = save(tmp_path / "x", get_model(name, classes=("a", "b")))
    found = read_weights(path)
    assert (found.model, found.content) == (name.replace("_voc", "_coco"), "detector")
    for key, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[key], array)


@pytest.mark.parametrize("name", ["resnet50_v1", "resnet101_v1", "xception", "vovnet39", "vovnet57", "vovnetv2_39"])
def test_backbones_are_recognised(tmp_path, name):
    path, _ = save(tmp_path / "x", registry.BACKBONES.get(name).build(frozen=True),
                   **{"arg:fc1000_weight": mx.nd.ones((3, 3))})
    found = read_weights(path)
    assert (found.model, found.content) == (name, "backbone") and "fc1000_weight" in found.arrays


def test_of_a_box_layer_that_is_there_twice_the_trained_one_is_taken(tmp_path):
    more = {f"arg:bbox_pred_{end}_test": mx.nd.zeros(1) for end in ("weight", "bias")}
    path, arrays = save(tmp_path / "x", get_model("light_head_rcnn_xception_coco"), **more)
    found = read_weights(path)
    np.testing.assert_array_equal(found.arrays["bbox_pred_weight"], arrays["bbox_pred_weight"])
    assert "bbox_pred_weight_test" not in found.arrays


def test_a_file_of_tests_alone_has_the_deviations_folded_in(tmp_path):
    path, arrays = save(tmp_path / "x", get_model("light_head_rcnn_xception_coco"))
    saved = mx.nd.load(path)
    for end in ("weight", "bias"):
        saved[f"arg:bbox_pred_{end}_test"] = saved.pop(f"arg:bbox_pred_{end}")
    mx.nd.save(path, saved)
    found = read_weights(path)
    assert found.settings == {"TRAIN.BBOX_MEANS": [0.0] * 4, "TRAIN.BBOX_STDS": [1.0] * 4}
    np.testing.assert_array_equal(found.arrays["bbox_pred_weight"], arrays["bbox_pred_weight"])


def test_names_of_resnet_are_turned_into_those_of_the_network(tmp_path):
    nets = {name: registry.BACKBONES.get(name).build(frozen=True) for name in
            ("resnet50_v1", "resnet50_v1b", "resnet101_v1", "resnet101_v1b")}
    for one, other in (("resnet50_v1", "resnet50_v1b"), ("resnet101_v1b", "resnet101_v1")):
        path, arrays = save(tmp_path / "x", nets[one])
        wanted = {name: parameter.shape for name, parameter in nets[other].collect_params().items()}
        told = {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": False}  # as a checkpoint of any network says
        found = with_names_of(read_weights(path)._replace(settings=told), wanted)
        assert set(found.arrays) == set(wanted)
        assert all(found.arrays[name].shape == shape for name, shape in wanted.items())
        # Both networks list their layers in the same order.
        order = {name: i for i, name in enumerate(nets[one].collect_params())}
        for (theirs, array), ours in zip(sorted(arrays.items(), key=lambda item: order[item[0]]), wanted):
            np.testing.assert_array_equal(found.arrays[ours], array, err_msg=f"{theirs} {ours}")
        if other == "resnet101_v1":
            assert found.settings == {"network.STRIDE_IN_1X1": False, "network.PADDED_POOL": True} and not found.notes
        else:
            assert "strides in the first 1x1" in found.notes[0] and not found.settings


def test_deformable_detectors_are_taken_as_backbones(tmp_path):
    net = get_model("rfcn_resnet50_v1_voc")
    arrays = {name[len(net.prefix):] if name.startswith(net.prefix) else name: mx.nd.zeros(parameter.shape)
              for name, parameter in net.collect_params().items()}
    for layer in ("res5a_branch2b_offset", "rfcn_cls_offset_t"):
        arrays[f"{layer}_weight"] = mx.nd.zeros((2, 2, 1, 1))
    mx.nd.save(str(tmp_path / "x.params"), arrays)
    weights = read_weights(str(tmp_path / "x.params"))
    assert (weights.model, weights.content) == ("resnet50_v1", "backbone")
    assert "has offsets for res5a_branch2b, rfcn_cls, which nothing here has" in weights.notes[0]


def test_networks_of_the_symbol_zoo_are_told(tmp_path):
    mx.nd.save(str(tmp_path / "x.params"), {"arg:stage1_unit1_conv1_weight": mx.nd.zeros((1, 1, 1, 1))})
    with pytest.raises(CheckpointError, match="x.params has the names of MXNet's symbol zoo.*of version 2"):
        read_weights(str(tmp_path / "x.params"))
