"""The parameters of the MXNet original's Light-Head R-CNN for COCO, slow references, random values, memory."""
import gc
import json
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def networks_are_freed():
    """Frees the networks of a test when it ends: their blocks point to each other, so that they would stay for long."""
    gc.freeze()  # what was there before the test is not looked at
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture(scope="session")
def original_parameters():
    """{parameter: (shape, multiplier of the learning rate)}, 12 anchors and 81 classes."""
    rows = json.loads((Path(__file__).parent / "mxnet_original_parameters.json").read_text())
    return {name: (tuple(shape), lr_mult) for name, (shape, lr_mult) in rows.items()}


@pytest.fixture
def reimported(tmp_path):
    """Function that exports a hybridized detector, which has run on its inputs, by default images and im_info, and
    imports the files."""
    def imported(net, inputs=2):
        net.export(str(tmp_path / "net"))
        names = [f"data{number}" for number in range(inputs)]
        return mx.gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), names,
                                            str(tmp_path / "net-0000.params"))

    return imported


@pytest.fixture(scope="session")
def reference(module_at):
    """The slow versions of the operators on RoIs."""
    return module_at("operators/reference.py")


@pytest.fixture(scope="session")
def give_values():
    """Function that gives the parameters of a network their values from arrays by name; none of them is trained."""
    def give(net, arrays):
        net.collect_params().setattr("grad_req", "null")  # no memory for gradients
        net.initialize(mx.init.Zero(), force_reinit=True)
        for name, parameter in net.collect_params().items():
            parameter.set_data(mx.nd.array(arrays[name]))

    return give


@pytest.fixture(scope="session")
def randomize(give_values):
    """Function that gives all parameters of a network random values, the statistics included, and returns them.

    They keep the values of deep networks in bounds.
    """
    # Weights are drawn from a store of a prime number of values: drawing the millions of a network takes seconds.
    normal = np.random.RandomState(0).normal(size=1_000_003).astype("float32")

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
                values = np.resize(normal[rng.randint(500_000):], shape) * np.float32(np.sqrt(2 / np.prod(shape[1:])))
            arrays[name] = values.astype("float32", copy=False)
        give_values(net, arrays)
        return arrays

    return fill
