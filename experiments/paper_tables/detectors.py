"""The detectors that are measured: rows as their YAML files say with random weights, and GluonCV's beside them."""
import mxnet as mx
import numpy as np

from ...engine.building.build import build_net, initialize
from ...engine.config import test_scales, with_values
from .stages import DATA, IM_INFO, STAGES, StagedGraph

# GluonCV's: name there, what it is, side of its input in pixels.
PEERS = {
    "ssd_300_vgg16": ("ssd_300_vgg16_atrous_coco", "SSD300, VGG-16 (GluonCV)", 300),
    "yolo3_darknet53": ("yolo3_darknet53_coco", "YOLOv3, Darknet-53 (GluonCV)", 416),
}


def input_size(cfg):
    """(height, width) in pixels of the largest network input that the first of a configuration's test scales allows."""
    return tuple(test_scales(cfg)[0])


def row_net(cfg, classes=None):
    """A row's detector, its parameters without values.

    Batch norms are those of training from scratch: with random weights no number overflows then however deep the
    network is, and they cost what frozen ones do.

    Args:
        classes: how many to detect, background counted; default: the data set's.
    """
    names = None if classes is None else tuple("class%d" % number for number in range(1, classes))
    return build_net(with_values(cfg, {"network.NORM": "batch"}), names)


def randomize(cfg, net):
    """Gives a row's detector random weights."""
    initialize(with_values(cfg, {"network.pretrained": ""}), net, mx.cpu())


class StagedDetector:
    """A row's detector that runs stage by stage on one random picture."""

    def __init__(self, cfg, size=None):
        height, width = size or input_size(cfg)
        net = row_net(cfg)
        randomize(cfg, net)
        self.parameters = net.collect_params()
        self.graph = StagedGraph(net, height, width)
        self._blocks = {stage: self.graph.block(stage) for stage in STAGES}
        self._given = {DATA: mx.nd.array(np.random.RandomState(0).standard_normal((1, 3, height, width))),
                       IM_INFO: mx.nd.array([[height, width, 1]])}

    def run(self, after_stage=lambda stage: None):
        """Detects; calls `after_stage` with the name of each stage once all its results are there."""
        values = dict(self._given)
        for stage, block in self._blocks.items():
            outputs = block(*[values[self.graph.name(pair)] for pair in self.graph.inputs(stage)])
            mx.nd.waitall()
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            values.update(zip(map(self.graph.name, self.graph.outputs(stage)), outputs))
            after_stage(stage)
        return [values[self.graph.name(pair)] for pair in self.graph.outputs(STAGES[-1])]


class PeerDetector:
    """A detector of GluonCV with random weights on one random picture.

    Args:
        name: of `PEERS`.
        nms: False leaves out its suppression.
    """

    def __init__(self, name, nms=True):
        from gluoncv.model_zoo import get_model
        full_name, _, side = PEERS[name]
        self.net = get_model(full_name, pretrained_base=False)
        if not nms:
            self.net.set_nms(nms_thresh=0)
        self.net.initialize(ctx=mx.cpu())
        self.net.hybridize()
        self.parameters = self.net.collect_params()
        self.size = side, side
        self._x = mx.nd.array(np.random.RandomState(0).standard_normal((1, 3, side, side)))

    def run(self, after_stage=lambda stage: None):
        """Detects; calls `after_stage` once, with "network"."""
        self.net(self._x)
        mx.nd.waitall()
        after_stage("network")
