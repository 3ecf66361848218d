"""The detectors that are measured: rows with random weights, and two of GluonCV's beside them."""
from typing import Callable, List, NamedTuple, Optional, Tuple

import mxnet as mx
import numpy as np
from yacs.config import CfgNode

from ...compat import import_gluoncv
from ...engine.building.initialization import initialize
from ...engine.building.network import build_net
from ...engine.config import test_scales, with_values
from ...gluon_models import TwoStageDetector
from .stages import DATA, IM_INFO, STAGES, StagedGraph

# (height, width) in pixels.
Size = Tuple[int, int]


class Peer(NamedTuple):
    """One of GluonCV's detectors.

    Attributes:
        model: its name in GluonCV's model zoo.
        label: what it is called here.
        side: of its input, in pixels.
    """

    model: str
    label: str
    side: int


PEERS = {
    "ssd_300_vgg16": Peer("ssd_300_vgg16_atrous_coco", "SSD300, VGG-16 (GluonCV)", 300),
    "yolo3_darknet53": Peer("yolo3_darknet53_coco", "YOLOv3, Darknet-53 (GluonCV)", 416),
}


def input_size(cfg: CfgNode) -> Size:
    """Returns the largest network input that the first of a configuration's test scales allows."""
    return tuple(test_scales(cfg)[0])


def build_row_net(cfg: CfgNode, classes: Optional[int] = None) -> TwoStageDetector:
    """Builds a row's detector, whose parameters have no values yet.

    Its batch norms are those of training from scratch. With them no number overflows where the weights are random, and
    they cost the same as frozen ones.

    Args:
        cfg: the row's configuration.
        classes: how many to detect, background counted; default: those of the data set.
    """
    names = None if classes is None else tuple(f"class{number}" for number in range(1, classes))
    return build_net(with_values(cfg, {"network.NORM": "batch"}), names)


def randomize(cfg: CfgNode, net: TwoStageDetector) -> None:
    """Gives a row's detector random weights."""
    initialize(with_values(cfg, {"network.pretrained": ""}), net, mx.cpu())


class StagedDetector:
    """A row's detector with random weights, which runs stage by stage on one random picture.

    Args:
        cfg: the row's configuration.

    Attributes:
        parameters: of the detector, by name.
        graph: its graph.
    """

    def __init__(self, cfg: CfgNode):
        height, width = input_size(cfg)
        net = build_row_net(cfg)
        randomize(cfg, net)
        self.parameters = net.collect_params()
        self.graph = StagedGraph(net, height, width)
        self._blocks = {stage: self.graph.block(stage) for stage in STAGES}
        self._inputs = {DATA: mx.nd.array(np.random.RandomState(0).standard_normal((1, 3, height, width))),
                        IM_INFO: mx.nd.array([[height, width, 1]])}

    def run(self, after_stage: Callable[[str], None] = lambda stage: None) -> List[mx.nd.NDArray]:
        """Detects.

        Args:
            after_stage: is called with the name of each stage once all of its results are computed.

        Returns:
            What the detector returns: ids, scores and boxes.
        """
        values = dict(self._inputs)
        for stage, block in self._blocks.items():
            outputs = block(*[values[self.graph.name(entry)] for entry in self.graph.inputs(stage)])
            mx.nd.waitall()
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            values.update(zip(map(self.graph.name, self.graph.outputs(stage)), outputs))
            after_stage(stage)
        return [values[self.graph.name(entry)] for entry in self.graph.outputs(STAGES[-1])]


class PeerDetector:
    """One of GluonCV's detectors with random weights, which runs on one random picture.

    Args:
        name: of `PEERS`.
        nms: False leaves out its suppression.

    Attributes:
        net: the network.
        parameters: of the network, by name.
        size: (height, width) of its input, in pixels.
    """

    def __init__(self, name: str, nms: bool = True):
        peer = PEERS[name]
        self.net = import_gluoncv("gluoncv.model_zoo").get_model(peer.model, pretrained_base=False)
        if not nms:
            self.net.set_nms(nms_thresh=0)
        self.net.initialize(ctx=mx.cpu())
        self.net.hybridize()
        self.parameters = self.net.collect_params()
        self.size: Size = (peer.side, peer.side)
        self._picture = mx.nd.array(np.random.RandomState(0).standard_normal((1, 3, peer.side, peer.side)))

    def run(self, after_stage: Callable[[str], None] = lambda stage: None) -> None:
        """Detects; calls `after_stage` once, with "network", when the results are computed."""
        self.net(self._picture)
        mx.nd.waitall()
        after_stage("network")
