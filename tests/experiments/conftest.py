"""A handful of small images, and configurations that train on them in seconds."""
import json
import shutil

import pytest

from light_head_rcnn import data
from light_head_rcnn.experiments.engine.config import load_config

YAML = """
SCALES: [64, 64]
network: {NORM: batch, FIXED_PARAMS: [], ANCHOR_RATIOS: [1], ANCHOR_SCALES: [1, 2]}
dataset: {dataset: shapes, image_set: train, test_image_set: val}
TRAIN: {lr: 0.001, warmup: false, lr_step: '10', end_epoch: 2, BATCH_IMAGES: 2, NUM_WORKERS: 0, RPN_BATCH_SIZE: 16,
        RPN_PRE_NMS_TOP_N: 50, RPN_POST_NMS_TOP_N: 8, BATCH_ROIS_OHEM: 6}
TEST: {RPN_POST_NMS_TOP_N: 8}
"""


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
