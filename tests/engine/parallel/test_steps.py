"""Two processes with half the batch end with the weights of one with two devices, and of one with one device."""
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STEPS = str(Path(__file__).with_name("steps.py"))
GLUON = "network: {model: light_head_rcnn_xception_coco, PIXEL_STDS: [57, 57, 57]}\n"
GRAPH = "symbol: xception_rfcn_light\nnetwork: {PIXEL_STDS: [57, 57, 57]}\n"


@pytest.fixture
def describe(configuring, tmp_path):
    """Function from lines of YAML and KEY, VALUE, ... to a file that `steps.py` reads."""
    def describe(lines, name, *overrides):
        configure = configuring(tmp_path, lines)
        cfg = configure("run")
        words = [configure.file, "dataset.dataset_path", cfg.dataset.dataset_path, "output_path",
                 str(tmp_path / name), "TEST.BATCH_IMAGES", 1, *overrides]
        (tmp_path / f"{name}.json").write_text(json.dumps([str(word) for word in words]))
        return str(tmp_path / f"{name}.json")
    return describe


def assert_same(one, other, tolerance=3e-5):
    one, other = np.load(one), np.load(other)
    assert set(one.files) == set(other.files)
    for name in one.files:
        if not name.startswith("detections"):
            scale = np.abs(one[name]).max() + 1e-3
            np.testing.assert_allclose(one[name] / scale, other[name] / scale, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("lines, norm, devices, images", [
    (GLUON, "batch", 2, 2), pytest.param(GLUON, "frozen", 1, 4, marks=pytest.mark.slow),
    pytest.param(GRAPH, "frozen", 1, 4, marks=pytest.mark.slow)])
def test_two_workers_of_a_kvstore(describe, start, module_at, tmp_path, lines, norm, devices, images):
    """With batch norm, a device takes the statistics of its own images, so that two workers are two devices.

    The RPN of a Gluon network takes the mean loss of a device's anchors: the images of this test have as many each.
    """
    same = ("network.NORM", norm, "TRAIN.RPN_BATCH_SIZE", 4)
    group = describe(lines, "group", *same, "TRAIN.BATCH_IMAGES", 2, "default.kvstore", "dist_sync")
    alone = describe(lines, "alone", *same, "TRAIN.BATCH_IMAGES", images)
    with start(2, [STEPS, group, str(tmp_path / "group.npz"), "kvstore", "2"]) as processes:
        module_at("engine/parallel/steps.py").main(alone, str(tmp_path / "alone.npz"), str(devices), "2")
        processes.wait()
    assert_same(tmp_path / "alone.npz", tmp_path / "group.npz")


@pytest.mark.horovod
def test_two_processes_of_horovod(describe, module_at, tmp_path):
    if importlib.util.find_spec("horovod") is None:  # its library must not come before the operators' in this process
        pytest.skip("Horovod is not installed; docs/scaling.md says how")
    horovodrun = shutil.which("horovodrun", path=str(Path(sys.executable).parent)) or shutil.which("horovodrun")
    group = describe(GLUON, "group", "network.NORM", "batch", "TRAIN.BATCH_IMAGES", 2)
    subprocess.run([horovodrun, "-np", "2", sys.executable, STEPS, group, str(tmp_path / "group.npz"), "horovod", "2"],
                   check=True, timeout=100)
    module_at("engine/parallel/steps.py").main(group, str(tmp_path / "alone.npz"), "2", "2")
    assert_same(tmp_path / "alone.npz", tmp_path / "group.npz")
