"""State dicts of timm's own networks, run by another Python: those that are taken give the same maps here."""
import os
import subprocess
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.weights.torch_models import weights_of

PYTHON = os.environ.get("LHRCNN_TORCH_PYTHON", "")
HAS_TIMM = bool(PYTHON) and subprocess.run([PYTHON, "-c", "import timm"], stderr=subprocess.DEVNULL).returncode == 0
pytestmark = pytest.mark.skipif(not HAS_TIMM, reason="needs timm in a Python of its own, which the variable "
                                                     "LHRCNN_TORCH_PYTHON names")
MODELS = {
    "ese_vovnet19b_dw": "vovnetv2_19_dw", "ese_vovnet19b_slim": "vovnetv2_19_slim",
    "ese_vovnet19b_slim_dw": "vovnetv2_19_slim_dw", "ese_vovnet39b": "vovnetv2_39", "ese_vovnet57b": "vovnetv2_57",
    "ese_vovnet99b": "vovnetv2_99", "res2net50_26w_4s": "res2net50", "res2net101_26w_4s": "res2net101",
    "tf_efficientnet_lite0": "efficientnet_lite0", "resnet50": "resnet50_v1b", "resnet50c": "resnet50_v1c",
    "resnet50d": "resnet50_v1d", "resnet50s": "resnet50_v1s", "resnext50_32x4d": "resnext50_32x4d",
    "densenet121": "densenet121"}


def of_timm(name, folder):
    path = folder / "network.npz"
    subprocess.run([PYTHON, str(Path(__file__).with_name("timm_network.py")), name, str(path)], check=True)
    with np.load(path) as arrays:
        tensors = {key[len("tensor:"):]: arrays[key] for key in arrays.files if key.startswith("tensor:")}
        return arrays["x"], arrays["map"], tensors


@pytest.mark.parametrize("name", MODELS)
def test_maps_are_those_of_timm(give_values, tmp_path, name):
    x, expected, tensors = of_timm(name, tmp_path)
    weights = weights_of("x.safetensors", tensors)
    assert weights.model == MODELS[name]
    net = registry.PYRAMID_BACKBONES.get(weights.model).build(frozen=True)
    give_values(net, {key: weights.arrays[key] for key in net.collect_params()})
    found = net(mx.nd.array(x))[-1].asnumpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["seresnet50", "efficientnet_b0", "vovnet39a", "resnet200", "res2net50d"])
def test_networks_that_are_like_one_here_are_refused(tmp_path, name):
    with pytest.raises(CheckpointError, match="holds none of the backbones of this package"):
        weights_of("x.safetensors", of_timm(name, tmp_path)[2])
