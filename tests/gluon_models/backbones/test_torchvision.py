"""ResNet v1b, ResNeXt, DenseNet, VGG-16, AlexNet: names and values of torchvision's networks, run by another Python."""
import os
import subprocess
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.gluon_models.backbones import torch_names

PYTHON = os.environ.get("LHRCNN_TORCH_PYTHON", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="needs PyTorch and torchvision in a Python of their own, which the "
                                                   "variable LHRCNN_TORCH_PYTHON names")
RESNETS = ["resnet50_v1b", "resnet101_v1b", "resnext50_32x4d", "resnext101_32x4d", "resnext101_64x4d",
           "resnext101_32x8d"]


@pytest.mark.parametrize("name", [*RESNETS, "densenet121", "densenet169"])
def test_values_are_those_of_torchvision(build_backbone, randomize, give_values, tmp_path, name):
    classifier = build_backbone(name, classes=7)
    arrays = randomize(classifier)
    x = np.random.RandomState(1).normal(size=(2, 3, 75, 98)).astype("float32")
    np.savez(tmp_path / "in.npz", x=x, **arrays)
    program = Path(__file__).with_name("torchvision_network.py")
    subprocess.run([PYTHON, str(program), torch_names.__file__, name, str(tmp_path / "in.npz"),
                    str(tmp_path / "out.npz")], check=True)
    expected = dict(np.load(tmp_path / "out.npz"))
    found = {"logits": classifier(mx.nd.array(x))}
    if name in RESNETS:
        net = build_backbone(name)
        give_values(net, arrays)
        found["rpn"], found["head"] = net(mx.nd.array(x))
    assert set(found) == set(expected)
    for key, values in expected.items():
        assert found[key].shape == values.shape
        assert np.abs(found[key].asnumpy() - values).max() <= 1e-4 * np.abs(values).max(), key


@pytest.mark.parametrize("name, classes", [("vgg16", 0), ("alexnet", 7)])
def test_plain_networks_are_those_of_torchvision(build_backbone, randomize, give_values, tmp_path, name, classes):
    """Of VGG-16 the convolutions alone: the hidden layers, of 480 MB, are in the order of AlexNet's."""
    net = build_backbone(name, classes=classes)
    arrays = randomize(net)
    x = np.random.RandomState(1).normal(size=(2, 3, 107, 98)).astype("float32")
    np.savez(tmp_path / "in.npz", x=x, **arrays)
    program = Path(__file__).with_name("torchvision_network.py")
    subprocess.run([PYTHON, str(program), torch_names.__file__, name, str(tmp_path / "in.npz"),
                    str(tmp_path / "out.npz")], check=True)
    found = {"logits": net(mx.nd.array(x))} if classes else {}
    detector = build_backbone(name)
    give_values(detector, arrays)
    found["head"] = detector(mx.nd.array(x))[1]
    expected = dict(np.load(tmp_path / "out.npz"))
    assert set(found) == set(expected)
    for key, values in expected.items():
        assert found[key].shape == values.shape
        assert np.abs(found[key].asnumpy() - values).max() <= 1e-4 * np.abs(values).max(), key
