"""Fixtures for all tests: the package before MXNet, seeds, and the real data sets where they are at hand."""
import importlib.util
import os
import random
from pathlib import Path

import numpy as np
import pytest

import light_head_rcnn  # noqa: F401  (before any test module imports MXNet)

ROOT = Path(__file__).resolve().parents[1]


class PlainRoot:
    """Keeps pytest from importing the checkout as a package named after its folder: it is `light_head_rcnn`."""

    @staticmethod
    def pytest_collect_directory(path, parent):
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config):
    """Registers what must hold above this folder too, where no conftest.py may lie."""
    config.pluginmanager.register(PlainRoot())


@pytest.fixture(autouse=True)
def seeds():
    """Every test begins with the same random state in Python, NumPy and MXNet."""
    import mxnet as mx
    random.seed(0)
    np.random.seed(0)
    mx.random.seed(0)


@pytest.fixture(scope="session")
def module_at():
    """Function from the path of a Python file, from this folder, to its module: the tests are no package."""
    def load(path):
        spec = importlib.util.spec_from_file_location(Path(path).stem, Path(__file__).parent / path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def shared_data():
    """Function that gives the folder of a real data set, such as ``shared_data("bccd")``, or skips the test.

    Looks in the folder that LHRCNN_DATA names, else in ``../shared/data`` beside the checkout.
    """
    root = Path(os.environ.get("LHRCNN_DATA", ROOT.parent / "shared" / "data"))

    def locate(name):
        if not (root / name).is_dir():
            pytest.skip("no data set {} in {} (set LHRCNN_DATA to the folder that holds it)".format(name, root))
        return root / name

    return locate


def pytest_collection_modifyitems(items):
    """Skips tests marked ``gpu`` where MXNet sees none."""
    if any(item.get_closest_marker("gpu") for item in items):
        import mxnet as mx
        if not mx.context.num_gpus():
            for item in items:
                if item.get_closest_marker("gpu"):
                    item.add_marker(pytest.mark.skip(reason="MXNet sees no GPU here"))
