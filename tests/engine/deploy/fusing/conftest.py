"""A small detector with random statistics, and the function that gives parameters such values."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.gluon_models import get_model

RANGES = {"gamma": (0.6, 1.1), "moving_var": (0.5, 2), "moving_mean": (-0.4, 0.4), "beta": (-0.4, 0.4),
          "bias": (-0.4, 0.4)}


def _randomize(net):
    rng = np.random.RandomState(0)
    net.initialize(mx.init.Xavier(factor_type="in", magnitude=2))
    for name, parameter in net.collect_params().items():
        for ending, (low, high) in RANGES.items():
            if name.endswith(ending):
                parameter.set_data(mx.nd.array(rng.uniform(low, high, parameter.shape)))
    return net


@pytest.fixture
def randomize():
    """Function that initialises a network so that every number of a normalisation counts, and returns it."""
    return _randomize


@pytest.fixture
def make_detector():
    """Function from the name of a backbone and a norm to a small detector of images of 64 to 96 pixels."""
    def make(backbone="xception", norm="batch", flip=False, scales=((64, 96),)):
        net = _randomize(get_model(f"light_head_rcnn_{backbone}_voc", classes=("cup", "spoon", "plate"), norm=norm,
                                   mid_channels=8, hidden=32, anchor_scales=(2, 4), rpn_channels=16, pre_nms=60,
                                   post_nms=12, max_per_image=15, nms=0.5))
        net.hybridize()
        return Detector(net, net.classes, InputPreparation(scales, (123.0, 117.0, 104.0), (58.0, 57.0, 57.5), 32),
                        flip=flip)

    return make


@pytest.fixture
def photo():
    """uint8 (H, W, 3), of blocks of colour: the scores of RoIs then lie further apart than in noise."""
    blocks = np.random.RandomState(1).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return blocks.repeat(16, axis=0).repeat(16, axis=1)
