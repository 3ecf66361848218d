"""ResNets of GluonCV's model zoo, in both forms in which Gluon saves parameters: the outputs are the same."""
import sys

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.backbones import ResNet
from light_head_rcnn.gluon_models.weights import read_weights


@pytest.fixture(scope="module")
def model_zoo():
    if "torch" not in sys.modules:  # GluonCV's import dies where PyTorch 2 is installed
        sys.modules["torch"] = None
    from gluoncv import model_zoo
    return model_zoo


@pytest.mark.parametrize("name", ["resnet50_v1", "resnet50_v1b", "resnet50_v1c", "resnet50_v1d", "resnet50_v1s"])
def test_outputs_are_those_of_gluoncv(model_zoo, randomize, give_values, tmp_path, name):
    x = mx.nd.array(np.random.RandomState(1).normal(size=(1, 3, 65, 98)))
    net = model_zoo.get_model(name, classes=5)
    net.initialize(mx.init.Zero())
    net(x)  # only now are the shapes known
    randomize(net)
    expected = net(x).asnumpy()
    net.save_parameters(str(tmp_path / "places.bin"))
    net.collect_params().save(str(tmp_path / "names.bin"))
    for form in ("places", "names"):
        weights = read_weights(str(tmp_path / f"{form}.bin"))
        assert weights.model == name and weights.pixels.stds == (58.395, 57.12, 57.375)
        if name == "resnet50_v1":
            assert weights.settings == {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True}
            own = ResNet(50, padded_pool=True, classes=5)
        else:
            own = registry.BACKBONES.get(name).build(classes=5)
        give_values(own, {key: weights.arrays[key.replace("fc1000_", "fc_")] for key in own.collect_params()})
        found = own(x).asnumpy()
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_others_are_refused(model_zoo, tmp_path):
    net = model_zoo.get_model("resnet18_v1b")
    net.initialize()
    net(mx.nd.zeros((1, 3, 64, 64)))
    net.save_parameters(str(tmp_path / "x.params"))
    with pytest.raises(CheckpointError, match="has no counterpart here: resnet50, resnet101"):
        read_weights(str(tmp_path / "x.params"))
