"""Fixtures for all tests: the package before MXNet, seeds, the real data sets where they are at hand, and trainings on
a handful of small images."""
import importlib.util
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image, ImageFile

import light_head_rcnn  # noqa: F401  (before any test module imports MXNet)
from light_head_rcnn import data
from light_head_rcnn.engine.config import load_config

ROOT = Path(__file__).resolve().parents[1]
YAML = """
SCALES: [64, 64]
network: {NORM: batch, FIXED_PARAMS: [], ANCHOR_RATIOS: [1], ANCHOR_SCALES: [1, 2]}
dataset: {dataset: shapes, image_set: train, test_image_set: val}
TRAIN: {lr: 0.001, warmup: false, lr_step: '10', end_epoch: 2, BATCH_IMAGES: 2, NUM_WORKERS: 0, RPN_BATCH_SIZE: 16,
        RPN_PRE_NMS_TOP_N: 50, RPN_POST_NMS_TOP_N: 8, BATCH_ROIS_OHEM: 6}
TEST: {RPN_POST_NMS_TOP_N: 8}
"""


class PlainRoot:
    """Keeps pytest from importing the checkout as a package named after its folder: it is `light_head_rcnn`."""

    @staticmethod
    def pytest_collect_directory(path, parent):
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config):
    """Registers what must hold above this folder too, where no conftest.py may lie."""
    config.pluginmanager.register(PlainRoot())
    os.environ["LHRCNN_CACHE"] = "off"  # nothing is left in the user's cache
    # A busy machine may take its time, and each run tries the same examples.
    hypothesis.settings.register_profile("suite", deadline=None, derandomize=True,
                                         suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.load_profile("suite")
    # Some tests send Ctrl-C's signal, which a shell lets commands ignore that it starts in the background.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def seed_all():
    import mxnet as mx
    random.seed(0)
    np.random.seed(0)
    mx.random.seed(0)


@pytest.fixture(autouse=True)
def seeds():
    """Every test begins with the same random state in Python, NumPy and MXNet."""
    seed_all()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """So does what several tests share, which is made before `seeds`: the file that ran before does not matter."""
    if fixturedef.scope != "function":
        seed_all()


@pytest.fixture(autouse=True)
def settings_of_pillow(monkeypatch):
    """Every test begins with Pillow's own settings, which GluonCV changes for the whole process."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 89478485)


@pytest.fixture(autouse=True)
def plain_logger():
    """The logger of the package has no handlers and passes its lines on, whatever the test before set up."""
    logger = logging.getLogger("light_head_rcnn")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


@pytest.fixture(scope="session")
def fresh_python():
    """Function that runs code in a fresh interpreter, away from the checkout, and returns what it prints.

    Folders that follow the code stand in front of its module path.
    """
    def run(code, *paths):
        path = os.pathsep.join([*map(str, paths), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd="/", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, env=dict(os.environ, PYTHONPATH=path))
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    return run


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
            pytest.skip(f"no data set {name} in {root} (set LHRCNN_DATA to the folder that holds it)")
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


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """Folder of six images to train on and two to test on."""
    root = tmp_path_factory.mktemp("set") / "shapes"
    data.write_shapes(root, train=6, val=2)
    return str(root)


@pytest.fixture(scope="session")
def renamed(shapes, tmp_path_factory):
    """Folder of the same images, of which those to test on have another name for the first class."""
    root = tmp_path_factory.mktemp("renamed") / "shapes"
    shutil.copytree(shapes, root)
    path = root / "annotations" / "instances_val.json"
    content = json.loads(path.read_text())
    content["categories"][0]["name"] = "blob"
    path.write_text(json.dumps(content))
    return str(root)


@pytest.fixture(scope="session")
def configuring(shapes):
    """Function from a folder and lines of YAML, what a network adds to those above, to a function `configure`.

    That one goes from the name of a run and KEY, VALUE, ... to a configuration with a folder of its own;
    `configure.file` is the file that it reads.
    """
    def configuring(folder, lines):
        (folder / "small.yaml").write_text(YAML)
        (folder / "cfg.yaml").write_text("_BASE_: small.yaml\n" + lines)

        def configure(run, *overrides):
            return load_config(configure.file, ["dataset.dataset_path", shapes, "output_path", str(folder / run)]
                               + [str(o) for o in overrides])

        configure.file = str(folder / "cfg.yaml")
        return configure

    return configuring
