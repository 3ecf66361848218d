"""Backbones by name, with random weights that keep the values of deep networks in bounds."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.gluon_models import registry


@pytest.fixture(scope="session")
def build_backbone():
    """Function of a registered name and of `outputs`, `output_stride`, `classes` and so on that gives the network."""
    def build(name, **options):
        return registry.BACKBONES.get(name).build(**options)

    return build


@pytest.fixture(scope="session")
def randomize():
    """Function that gives all parameters of a network random values, the statistics included, and returns them."""
    def fill(net, seed=0):
        rng = np.random.RandomState(seed)
        arrays = {}
        for name, parameter in net.collect_params().items():
            kind, shape = name.rpartition("_")[2], parameter.shape
            if kind in ("gamma", "var"):
                values = rng.uniform(0.5, 1.0, shape)
            elif kind in ("beta", "mean", "bias"):
                values = rng.normal(0, 0.2, shape)
            else:
                values = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
            arrays[name] = values.astype("float32")
        net.initialize()
        for name, parameter in net.collect_params().items():
            parameter.set_data(mx.nd.array(arrays[name]))
        return arrays

    return fill
