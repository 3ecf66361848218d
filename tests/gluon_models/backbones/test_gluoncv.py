"""ResNet v1b, v1c, v1d and v1s: GluonCV's networks, also as it dilates them."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.compat import import_gluoncv
from light_head_rcnn.gluon_models.backbones.torch_names import gluon_name

# Endings of Gluon's parameters, and those of PyTorch's that `gluon_name` takes.
TORCH_ENDINGS = {"gamma": "weight", "beta": "bias"}


def name_here(key):
    """The name here of a parameter in GluonCV's files, which have PyTorch's paths and Gluon's endings."""
    path, _, ending = key.rpartition(".")
    is_norm = ending in TORCH_ENDINGS or ending.startswith("running")
    return gluon_name(f"{path}.{TORCH_ENDINGS.get(ending, ending)}", is_norm)


@pytest.mark.parametrize("dilated", [False, True])
@pytest.mark.parametrize("version", ["v1b", "v1c", "v1d", "v1s"])
def test_values_are_those_of_gluoncv(build_backbone, randomize, version, dilated):
    peer = import_gluoncv("gluoncv.model_zoo").get_model(f"resnet50_{version}", classes=7, pretrained=False,
                                                         dilated=dilated)
    net = build_backbone(f"resnet50_{version}", classes=7, output_stride=8 if dilated else 32)
    arrays = randomize(net)
    peer.initialize(mx.init.Zero())
    peer(mx.nd.zeros((1, 3, 64, 64)))
    own = {name_here(key): parameter for key, parameter in peer._collect_params_with_prefix().items()}
    assert {name: p.shape for name, p in own.items()} == {name: array.shape for name, array in arrays.items()}
    for name, parameter in own.items():
        parameter.set_data(mx.nd.array(arrays[name]))
    x = mx.nd.random.normal(shape=(2, 3, 75, 98))
    expected = peer(x).asnumpy()
    assert np.abs(net(x).asnumpy() - expected).max() <= 1e-4 * np.abs(expected).max()
