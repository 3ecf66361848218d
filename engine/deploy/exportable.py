"""What is exported: a detector whose network is a graph of ordinary operators, not what an engine made of one."""
from typing import Union

from mxnet.gluon import HybridBlock, SymbolBlock

from ...errors import UsageError
from ..files import PathLike
from ..inference.detector import Detector
from .detectors import load_detector
from .engines.engine_detector import EngineDetector
from .fusing.detector import FusedDetector
from .fusing.static import StaticNetwork

_ONEDNN = "_sg_mkldnn"  # operators that oneDNN's passes make, each of which holds a graph


def load_exportable(detector: Union[Detector, PathLike]) -> Detector:
    """Returns a detector that can be exported, loaded where its path is given.

    Raises:
        UsageError: it is an ONNX export, or an export for MXNet with oneDNN's operators.
        CheckpointError: see `load_detector`.
    """
    if not isinstance(detector, Detector):
        detector = load_detector(detector)
    if isinstance(detector, EngineDetector) or _has_onednn(network_of(detector)):
        raise UsageError(f"{detector.source} is an export, made for one engine, and is not exported again: export the "
                         "checkpoint that it was made from")
    return detector


def network_of(detector: Detector) -> HybridBlock:
    """Returns the network of a detector that goes on in fused form, for those who only look at the network."""
    return detector._net if isinstance(detector, FusedDetector) else detector.net


def _has_onednn(net: HybridBlock) -> bool:
    net = net.net if isinstance(net, StaticNetwork) else net
    return isinstance(net, SymbolBlock) and _ONEDNN in net._cached_graph[1].tojson()
