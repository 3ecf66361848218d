"""Loads a detector from a path, whichever it is: a training's folder, a checkpoint, or an export."""
import logging
from pathlib import Path
from typing import Optional

import mxnet as mx

from ...errors import UsageError
from ..config.overrides import Overrides
from ..files import PathLike
from ..inference.detector import Detector
from ..inference.loading import checkpoint_prefixes, find_checkpoint, load_network
from .exported import find_exports, load_exported

_LOGGER = logging.getLogger("light_head_rcnn")


def load_detector(path: PathLike, ctx: Optional[mx.Context] = None, overrides: Overrides = ()) -> Detector:
    """Loads a trained detector.

    Args:
        path: the folder of a training (its best checkpoint, or else its last), a checkpoint (PREFIX-TAG or one of its
            files), or an export (the prefix of its files, one of them, or the folder that holds them).
            `detector.source` and a line of the log say which was taken.
        ctx: device; by default the CPU.
        overrides: changes of the configuration that a checkpoint brings along, such as {"TEST.NMS": 0.5}.

    Raises:
        CheckpointError: nothing of these is at `path`, it is damaged, or an override contradicts the weights.
        UsageError: overrides are given for an export.

    Example::

        detector = lh.load_detector("output/shapes_s")
        ids, scores, boxes = detector("photo.jpg")
    """
    if find_exports(path) and not (Path(path).is_dir() and checkpoint_prefixes(str(path))):
        if overrides:
            raise UsageError(f"{path} is an export, whose thresholds and sizes are fixed: load the checkpoint "
                             "with the overrides and export it again")
        detector = load_exported(path, ctx)
    else:
        contexts = [ctx or mx.cpu()]
        net, cfg, source = load_network(None, contexts, find_checkpoint(str(path)), overrides=overrides)
        detector = Detector.of(cfg, net, contexts, source)
    _LOGGER.info("loaded %s", detector.source)
    return detector
