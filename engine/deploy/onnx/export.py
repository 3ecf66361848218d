"""Writes a trained detector as a folder that runs without MXNet and without this package.

model.onnx   the whole detector, from raw images to boxes, see `detector_model`
meta.json    classes, sizes of input images, thresholds, versions, and the checksum of the model
detect.py    a script that finds objects in photographs with ONNX Runtime or OpenVINO
"""
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

import mxnet as mx

from .... import __version__
from ....data.batching.padding import LEAST_SIDE
from ....errors import ModelError
from ...files import PathLike, atomic_write, write_json
from ...inference.detector import Detector
from ...symbolic.detector import SymbolDetector
from ..detectors import load_detector
from . import detect as script
from .builder import IR_VERSION, OPSET, import_onnx
from .detector import detector_model
from .folder import FILES, check_target


def export_onnx(detector: Union[Detector, PathLike], folder: PathLike, thresholds: Optional[Mapping[str, float]] = None,
                name: str = "", config: Optional[Mapping[str, Any]] = None) -> List[str]:
    """Writes a detector as a folder with an ONNX model; the folder appears as a whole or not at all.

    An exported detector looks at an image once: at the first scale of the detector, not mirrored.

    Args:
        detector: a detector, or the path of one, see `load_detector`. Its network can be called with symbols.
        folder: is made; an earlier export there is replaced.
        thresholds: thresholds that are fixed in the model, such as {"nms": 0.3}; they are written down for people to
            read.
        name: the kind of network, such as "light_head_rcnn_xception_coco", for people to read.
        config: the configuration, from `saved_config`, which names the data set that `lhrcnn test` tests on.

    Returns:
        The paths of the files.

    Raises:
        UsageError: `folder` exists and is not an export, or holds other files too.
        ModelError: the network is the graph of a `symbol`, or has an operator that cannot be written in ONNX.
        LibraryError: the package onnx is not installed.

    Example::

        export_onnx("output/shapes_s", "models/shapes")
        ids, scores, boxes = lh.load_detector("models/shapes")("photo.jpg")
    """
    folder = Path(folder)
    check_target(folder)
    onnx = import_onnx()
    if not isinstance(detector, Detector):
        detector = load_detector(detector)
    if isinstance(detector.net, SymbolDetector):
        raise ModelError("a graph (the key symbol) is not exported to ONNX. The Gluon model network.model of the same "
                         "layers is, and takes the same parameters: load it by the override symbol=''")
    model = detector_model(detector.net, detector.preparation, {"classes": "\n".join(detector.classes)})
    content = model.SerializeToString()
    meta = dict(_meta(detector), sha256=hashlib.sha256(content).hexdigest(), model=name,
                thresholds=dict(thresholds or {}), opset=OPSET, ir_version=IR_VERSION,
                versions={"light_head_rcnn": __version__, "mxnet": mx.__version__, "onnx": onnx.__version__},
                config=dict(config or {}))
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.parent / f".tmp-{folder.name}-{os.getpid()}"
    try:
        new.mkdir()
        with atomic_write(new / script.MODEL) as file:
            Path(file).write_bytes(content)
        write_json(new / script.META, meta)
        shutil.copyfile(script.__file__, new / script.SCRIPT)
        _move(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return [str(folder / file) for file in FILES]


def _meta(detector: Detector) -> Dict[str, Any]:
    how = detector.preparation
    short_edge, long_edge = how.scales[0]
    return {"kind": script.KIND, "format": script.FORMAT, "classes": detector.classes, "precision": "float32",
            "short_edge": short_edge, "long_edge": long_edge, "stride": how.stride, "least_side": LEAST_SIDE,
            "means": how.means, "stds": how.stds, "pixels": "RGB from 0 to 255, normalised by the model",
            "exif": "images are turned upright", "resizing": "bilinear, after squares of pixels are averaged"}


def _move(new: Path, folder: Path) -> None:
    """Puts a folder in the place of another one, which may be missing."""
    old = new.with_name(new.name + "-old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except BaseException:
        if old.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
