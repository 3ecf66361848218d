"""Configurations for the graphs, dumps of the originals, and the feeding of bound graphs."""
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.config import load_config

ANCHORS = 6
CLASSES = 5


@pytest.fixture
def port_cfg(tmp_path):
    """Function from overrides to a configuration with the port's values for COCO."""
    path = tmp_path / "port.yaml"
    path.write_text("dataset: {NUM_CLASSES: 81}\n")
    return lambda *overrides: load_config(path, overrides)


@pytest.fixture
def small_cfg(tmp_path):
    """Function from overrides to a configuration for small images, few anchors, few RoIs and 4 classes."""
    path = tmp_path / "small.yaml"
    path.write_text("""
network: {ANCHOR_SCALES: [1, 3], ANCHOR_RATIOS: [0.5, 1, 2]}
dataset: {NUM_CLASSES: 5}
TRAIN: {RPN_POST_NMS_TOP_N: 16, BATCH_ROIS_OHEM: 8, RPN_BATCH_SIZE: 32}
TEST: {RPN_POST_NMS_TOP_N: 16}
""")
    return lambda *overrides: load_config(path, overrides)


@pytest.fixture(scope="session")
def dump(module_at):
    """The functions of dump.py."""
    return module_at("symbols/dump.py")


@pytest.fixture(scope="session")
def small():
    """The sizes of `small_cfg`, and the functions `bind` and `feed`."""
    return SimpleNamespace(anchors=ANCHORS, classes=CLASSES, bind=bind, feed=feed)


def bind(symbol, feed, grad_req="write"):
    """An executor on the CPU with the arrays of `feed`, and random parameters that keep activations in bounds."""
    executor = symbol.simple_bind(mx.cpu(), grad_req=grad_req, **{name: np.shape(a) for name, a in feed.items()})
    rng = np.random.RandomState(0)
    for name, array in executor.arg_dict.items():
        if name in feed:
            array[:] = feed[name]
        elif name.endswith("weight"):
            array[:] = rng.normal(0, np.sqrt(2 / np.prod(array.shape[1:])), array.shape)
        else:
            array[:] = rng.uniform(0.3, 0.5, array.shape) if name.endswith("gamma") else rng.normal(0, 0.1, array.shape)
    for name, array in executor.aux_dict.items():
        array[:] = rng.uniform(0.5, 2, array.shape) if name.endswith("var") else rng.normal(0, 0.1, array.shape)
    return executor


def feed(images=1, height=64, width=96, train=True, seed=0):
    """Inputs of a graph with `small_cfg`: images, boxes of which the last image lacks one, and RPN targets."""
    rng = np.random.RandomState(seed)
    cells = (images, 4 * ANCHORS, height // 16, width // 16)
    inputs = {"data": rng.normal(0, 1, (images, 3, height, width)), "im_info": [[height, width, 1.5]] * images}
    if train:
        gt_boxes = np.array([[[5, 5, 40, 40, 3], [50, 20, 90, 60, 1]]] * images, np.float32)
        if images > 1:
            gt_boxes[-1, 1] = -1
        inputs.update(gt_boxes=gt_boxes, label=rng.randint(-1, 2, (images, cells[1] // 4 * cells[2] * cells[3])),
                      bbox_target=rng.normal(0, 1, cells), bbox_weight=rng.randint(0, 2, cells))
    return inputs
