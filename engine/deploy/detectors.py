"""Loads a detector from a path, whichever it is: a training's folder, a checkpoint, or an export."""
import logging
from pathlib import Path
from typing import Optional, Union

import mxnet as mx
from yacs.config import CfgNode

from ...errors import UsageError
from ..config import load_config, with_overrides
from ..config.overrides import Overrides
from ..files import PathLike
from ..inference.detector import Detector
from ..inference.loading import checkpoint_prefixes, find_checkpoint, load_network
from .engines.choice import check_engine
from .engines.engine_detector import load_engine_detector
from .exported import find_exports, load_exported
from .fusing.detector import fused_detector

_LOGGER = logging.getLogger("light_head_rcnn")


def load_detector(path: PathLike, ctx: Optional[mx.Context] = None, overrides: Overrides = (),
                  cfg: Union[None, str, Path, CfgNode] = None, engine: Optional[str] = None,
                  precision: Optional[str] = None) -> Detector:
    """Loads a trained detector.

    Of a checkpoint it runs the network in fused form, which is faster, until its attribute `net` is read, see
    `FusedDetector`.

    Args:
        path: the folder of a training (its best checkpoint, or else its last), a checkpoint (PREFIX-TAG or one of its
            files), or an export: the folder of an ONNX export, or of one for MXNet the prefix of its files, one of
            them, or the folder that holds them.
            `detector.source` and a line of the log say which was taken.
        ctx: device; by default the CPU.
        overrides: changes of the configuration that a checkpoint brings along, such as {"TEST.NMS": 0.5}.
        cfg: a configuration, its file or the name of a bundled one, for a parameter file that brings none along, such
            as one of the MXNet original; `dataset.classes` must then name the classes.
        engine: what runs the detector: "mxnet", or for an ONNX export "onnxruntime" or "openvino", on the CPU; by
            default MXNet, and for an ONNX export the first of OpenVINO and ONNX Runtime that is installed.
        precision: of an ONNX export, by default its own. One in "float32" runs in "bfloat16" as well in OpenVINO, and
            the other way round; "int8" is decided when it is written.

    Raises:
        CheckpointError: nothing of these is at `path`, it is damaged, or an override contradicts the weights.
        UsageError: overrides or a configuration are given for an export, or the engine cannot run what is at `path`
            in this precision.
        LibraryError: the engine is not installed.

    Example::

        detector = lh.load_detector("output/shapes_s")
        ids, scores, boxes = detector("photo.jpg")
    """
    onnx = check_engine(path, engine, precision)
    if onnx or is_mxnet_export(path):
        if overrides or cfg is not None:
            raise UsageError(f"{path} is an export, whose thresholds and sizes are fixed: load the checkpoint "
                             "with the overrides and export it again")
        detector = load_engine_detector(path, engine, precision) if onnx else load_exported(path, ctx)
    else:
        contexts = [ctx or mx.cpu()]
        if cfg is not None:
            cfg = with_overrides(cfg, overrides) if isinstance(cfg, CfgNode) else load_config(cfg, overrides)
        net, cfg, source = load_network(cfg, contexts, find_checkpoint(str(path)), overrides=overrides)
        detector = fused_detector(Detector.of(cfg, net, contexts, source))
    _LOGGER.info("loaded %s", detector.source)
    return detector


def is_mxnet_export(path: PathLike) -> bool:
    """Whether a path is that of an export for MXNet, see `exported.find_exports`, and not of a training's folder."""
    return bool(find_exports(path)) and not (Path(path).is_dir() and checkpoint_prefixes(str(path)))
