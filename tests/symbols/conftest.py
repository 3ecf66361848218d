"""Options of small graphs, dumps of the MXNet original, and functions that bind a graph and make its inputs."""
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest

ANCHORS = 6
CLASSES = 5
# Small images, few anchors, few RoIs and four classes. Other options keep their default values.
OPTIONS = dict(num_classes=CLASSES, anchor_scales=(1, 3), anchor_ratios=(0.5, 1, 2), post_nms=16, ohem=8,
               rpn_batch_size=32)


@pytest.fixture(scope="session")
def dump(module_at):
    """The functions of dump.py."""
    return module_at("symbols/dump.py")


@pytest.fixture(scope="session")
def small():
    """The options of a small graph, sizes that follow from them, and the functions `bind` and `feed`."""
    return SimpleNamespace(options=OPTIONS, anchors=ANCHORS, classes=CLASSES, bind=bind, feed=feed)


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


def feed(images=1, height=64, width=96, train=True, seed=0, smaller=None):
    """Inputs of a graph with `OPTIONS`: images, and for training ground truths and targets of the anchors.

    Args:
        images: N.
        height, width: of the batch in pixels.
        train: whether to make ground truths and targets, too.
        seed: of the random numbers.
        smaller: index of the image that is smaller than the batch and has one ground truth, not two; by default no
            image is smaller, and the last of several has one ground truth.
    """
    rng = np.random.RandomState(seed)
    cells = (images, 4 * ANCHORS, height // 16, width // 16)
    inputs = {"data": rng.normal(0, 1, (images, 3, height, width)),
              "im_info": np.array([[height, width, 1.5]] * images)}
    if smaller is not None:
        inputs["im_info"][smaller] = (height - 20, width - 30, 1.5)
    if train:
        gt_boxes = np.array([[[5, 5, 40, 40, 3], [50, 20, 90, 60, 1]]] * images, np.float32)
        if images > 1:
            gt_boxes[images - 1 if smaller is None else smaller, 1] = -1
        inputs.update(gt_boxes=gt_boxes, label=rng.randint(-1, 2, (images, cells[1] // 4 * cells[2] * cells[3])),
                      bbox_target=rng.normal(0, 1, cells), bbox_weight=rng.randint(0, 2, cells))
    return inputs
