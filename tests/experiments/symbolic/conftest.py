"""A handful of small images, and a configuration that trains the symbolic graph of setting S on them."""
import logging

import pytest

from light_head_rcnn import data
from light_head_rcnn.experiments.engine.config import load_config

YAML = """
SCALES: [64, 64]
symbol: xception_rfcn_light
network: {NORM: batch, FIXED_PARAMS: [], PIXEL_STDS: [57, 57, 57], ANCHOR_RATIOS: [1], ANCHOR_SCALES: [1, 2]}
dataset: {dataset: shapes, image_set: train, test_image_set: val}
TRAIN: {lr: 0.001, warmup: false, lr_step: '10', end_epoch: 2, BATCH_IMAGES: 2, NUM_WORKERS: 0, RPN_BATCH_SIZE: 16,
        RPN_PRE_NMS_TOP_N: 50, RPN_POST_NMS_TOP_N: 8, BATCH_ROIS_OHEM: 6}
TEST: {RPN_POST_NMS_TOP_N: 8}
"""


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    root = tmp_path_factory.mktemp("set") / "shapes"
    data.write_shapes(root, train=6, val=2)
    return str(root)


@pytest.fixture(scope="session")
def configure(shapes, tmp_path_factory):
    """Function from the name of a run and KEY, VALUE, ... to a configuration with a folder of its own."""
    root = tmp_path_factory.mktemp("runs")
    (root / "cfg.yaml").write_text(YAML)

    def load(run, *overrides):
        return load_config(root / "cfg.yaml", ["dataset.dataset_path", shapes, "output_path", str(root / run)]
                           + [str(o) for o in overrides])

    load.file = str(root / "cfg.yaml")
    return load


@pytest.fixture(scope="session")
def logger():
    return logging.getLogger("test")
