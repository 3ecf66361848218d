"""What is exported: a trained detector, not an export."""
from typing import Union

from mxnet.gluon import HybridBlock, SymbolBlock

from ...errors import UsageError
from ..files import PathLike
from ..inference.detector import Detector
from .detectors import is_mxnet_export, load_detector
from .engines.engine_detector import EngineDetector
from .fusing.detector import FusedDetector
from .fusing.static import StaticNetwork
from .onnx.folder import is_export


def load_exportable(detector: Union[Detector, PathLike]) -> Detector:
    """Returns a detector that can be exported, loaded where its path is given.

    Raises:
        UsageError: it is an export: what a backend made of its graph cannot be written again.
        CheckpointError: see `load_detector`.
    """
    path = detector.source if isinstance(detector, Detector) else str(detector)
    exported = (isinstance(detector, EngineDetector) or isinstance(network_of(detector), (SymbolBlock, StaticNetwork))
                if isinstance(detector, Detector) else is_export(path) or is_mxnet_export(path))
    if exported:
        raise UsageError(f"{path or 'the detector'} is an export already: export the checkpoint that it was made from")
    return detector if isinstance(detector, Detector) else load_detector(detector)


def network_of(detector: Detector) -> HybridBlock:
    """Returns the network of a detector that goes on in fused form, for those who only look at the network."""
    return detector._net if isinstance(detector, FusedDetector) else detector.net
