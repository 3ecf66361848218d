"""A trained detector as files that need no configuration and no model code: a graph, its parameters, and a few numbers.

PREFIX-symbol.json   the hybridized network
PREFIX-0000.params   its parameters
PREFIX-meta.json     classes, the size and the means of input images, thresholds; numbers and names only
"""
import json
import os
import re
import shutil
import tempfile
import warnings
from pathlib import Path

import mxnet as mx
import numpy as np

# Exported graphs may hold the project's operators.
from ...errors import CheckpointError
from ... import operators  # noqa: F401
from ..inference.detector import Detector
from ..files import write_json

# The same operators on the same numbers; a device may add them up in another order.
SCORE_TOLERANCE = 1e-5
BOX_TOLERANCE = 1e-2
_FORMAT = 1
_KEYS = ("classes", "short_edge", "long_edge", "means", "stds", "stride")


def export_detector(detector, prefix, thresholds):
    """Writes the three files, PREFIX-meta.json last.

    Parameters
    ----------
    detector : Detector
        Its network is a HybridBlock with parameters; it is hybridized and run once.
    prefix : str or Path
    thresholds : dict
        Numbers that the graph holds already, written down for readers.
    """
    prefix = Path(prefix)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    meta = prefix.parent / (prefix.name + "-meta.json")
    if meta.exists():
        meta.unlink()
    detector.net.hybridize()
    detector.net(*detector.prepare(np.zeros((detector.short_edge,) * 2 + (3,), np.uint8)))
    mx.nd.waitall()
    folder = tempfile.mkdtemp(dir=str(prefix.parent), prefix=".tmp-")
    try:
        detector.net.export(os.path.join(folder, prefix.name), epoch=0)
        for name in sorted(os.listdir(folder)):
            os.replace(os.path.join(folder, name), prefix.parent / name)
    finally:
        shutil.rmtree(folder)
    write_json(meta, dict({key: getattr(detector, key) for key in _KEYS}, thresholds=thresholds, format=_FORMAT))


def load_exported(prefix, ctx=None):
    """The detector that `export_detector` wrote; it needs those files and this package, and runs no code from them.

    Parameters
    ----------
    prefix : str or Path
    ctx : mx.Context
        The CPU by default.

    Returns
    -------
    Detector
        `ids, scores, boxes = detector("photo.jpg")`, `detector.classes`; its `net(x, im_info)` is the bare graph.

    Raises
    ------
    CheckpointError
        A file is missing or is not what it should be.
    """
    ctx = ctx or mx.cpu()
    paths = {end: f"{prefix}{end}" for end in ("-meta.json", "-symbol.json", "-0000.params")}
    for path in paths.values():
        if not Path(path).is_file():
            raise CheckpointError(f"there is no file {path}: {prefix} is not an exported detector, or not a whole one")
    try:
        meta = json.loads(Path(paths["-meta.json"]).read_text(encoding="utf-8"))
        values = [meta[key] for key in _KEYS]
        known = meta["format"] == _FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{paths['-meta.json']} does not describe an exported detector: {error!r}") from None
    if not known:
        raise CheckpointError(f"{paths['-meta.json']} has format {meta['format']}; this version reads {_FORMAT}")
    try:
        symbol = mx.sym.load(paths["-symbol.json"])
        inputs = [name for name in symbol.list_inputs() if re.fullmatch(r"data\d*", name)]
        with warnings.catch_warnings():
            # Inputs have no stored type, which is as it should be.
            warnings.filterwarnings("ignore", message="Cannot decide type")
            net = mx.gluon.SymbolBlock.imports(paths["-symbol.json"], inputs, paths["-0000.params"], ctx=ctx)
    except (mx.MXNetError, ValueError, AssertionError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise CheckpointError(f"{paths['-symbol.json']} and {paths['-0000.params']} cannot be read as a network: "
                              f"{reason}") from None
    net.hybridize()
    return Detector(net, *values, ctx=ctx)


def compare_detectors(one, other, images):
    """How far the answers of two detectors lie apart.

    Parameters
    ----------
    one, other : Detector
    images : sequence of paths or uint8 arrays (H, W, 3)

    Returns
    -------
    dict
        "images"; "detections" of the first; "scores" and "boxes" (pixels of the network's input), the largest absolute
        differences; infinite where the classes or the numbers of detections differ.
    """
    report = {"images": len(images), "detections": 0, "scores": 0.0, "boxes": 0.0}
    for image in images:
        answers = [[array.asnumpy() for array in detector.net(*detector.prepare(image))] for detector in (one, other)]
        (ids, scores, boxes), (other_ids, other_scores, other_boxes) = answers
        report["detections"] += int((ids >= 0).sum())
        same = ids.shape == other_ids.shape and (ids == other_ids).all()
        report["scores"] = max(report["scores"], float(abs(scores - other_scores).max()) if same else np.inf)
        report["boxes"] = max(report["boxes"], float(abs(boxes - other_boxes).max()) if same else np.inf)
    return report


def noise_images(seed):
    """Three uint8 images (H, W, 3) of noise, wide, tall and square, for a comparison without photographs."""
    rng = np.random.RandomState(seed)
    return [rng.randint(0, 256, size + (3,)).astype(np.uint8) for size in ((240, 320), (320, 240), (256, 256))]
