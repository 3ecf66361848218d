"""Writes a trained detector as a folder that runs without MXNet and without this package.

model.onnx   the whole detector, from raw images to boxes, see `detector_model`
meta.json    classes, sizes of input images, thresholds, versions, and the checksum of the model
detect.py    a script that finds objects in photographs with ONNX Runtime or OpenVINO
"""
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import mxnet as mx

from ....data.batching.padding import LEAST_SIDE
from ....errors import ModelError, UsageError
from ....version import __version__
from ...files import PathLike
from ...inference.detector import Detector, ImageLike
from ...symbolic.detector import SymbolDetector
from ..exportable import load_exportable, network_of
from ..proposal_facts import proposal_facts
from . import detect as script
from .arrangement import arrange
from .builder import IR_VERSION, OPSET, import_onnx
from .calibration import CalibrationInputs, calibration_images
from .detector import detector_model
from .folder import PRECISIONS, SAVED_KEYS, check_target, write_folder
from .quantization import import_quantization, quantize


def export_onnx(detector: Union[Detector, PathLike], folder: PathLike, thresholds: Optional[Mapping[str, float]] = None,
                name: str = "", config: Optional[Mapping[str, Any]] = None, precision: str = "float32",
                calibration: Union[PathLike, Sequence[ImageLike]] = ()) -> List[str]:
    """Writes a detector as a folder with an ONNX model; the folder appears as a whole or not at all.

    An exported detector looks at an image once: at the first scale of the detector, not mirrored.

    Args:
        detector: a detector, or the path of a checkpoint, see `load_detector`. Its network can be called with symbols.
        folder: is made; an earlier export there is replaced.
        thresholds: thresholds that are fixed in the model, such as {"nms": 0.3}; they are written down for people to
            read.
        name: the kind of network, such as "light_head_rcnn_xception_coco", for people to read.
        config: the configuration, from `saved_config`. What `lhrcnn test` reads of it is written down: the data set,
            without paths that are absolute.
        precision: in which an engine shall run the model: "float32"; "bfloat16", which any model in float32 can be run
            in, too, but where some convolutions are arranged for it, see `arrange`; or "int8", see `quantize`.
        calibration: for int8, images of the kind that the detector is for, or a folder of them, of which 64 are taken.
            Those that cannot be read are left out.

    Returns:
        The paths of the files.

    Raises:
        UsageError: `folder` exists and is not an export, or holds other files too; the precision is unknown; int8
            without images, or images without int8.
        DataError: none of the images can be read.
        ModelError: the network is the graph of a `symbol`, or has an operator that cannot be written in ONNX.
        LibraryError: the package onnx is not installed, or for int8 onnxruntime.

    Example::

        export_onnx("output/shapes_s", "models/shapes")
        ids, scores, boxes = lh.load_detector("models/shapes")("photo.jpg")
    """
    folder = Path(folder)
    calibration = calibration_images(calibration)
    _check_precision(precision, calibration)
    check_target(folder)
    onnx = import_onnx()
    detector = load_exportable(detector)
    if isinstance(network_of(detector), SymbolDetector):
        raise ModelError("a graph (the key symbol) is not exported to ONNX. The Gluon model network.model of the same "
                         "layers is, and takes the same parameters: load it by the override symbol=''")
    model = detector_model(network_of(detector), detector.preparation, {"classes": "\n".join(detector.classes)})
    if precision == "int8":
        model = quantize(model, CalibrationInputs(detector, calibration))
    elif precision == "bfloat16":
        model = arrange(model)
    meta = dict(_meta(detector), precision=precision, model=name, thresholds=dict(thresholds or {}), opset=OPSET,
                ir_version=IR_VERSION, config=_test_config(config or {}),
                versions={"light_head_rcnn": __version__, "mxnet": mx.__version__, "onnx": onnx.__version__})
    return write_folder(folder, model.SerializeToString(), meta)


def _test_config(config: Mapping[str, Any]) -> Dict[str, Any]:
    """What a test reads of a configuration; None stands for a path of this machine, which is nobody else's business."""
    return {key: None if _is_of_this_machine(value) else value
            for key, value in config.items() if key.startswith(SAVED_KEYS)}


def _is_of_this_machine(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_is_of_this_machine, value))
    return isinstance(value, str) and os.path.isabs(os.path.expanduser(value))


def _check_precision(precision: str, calibration: Sequence[ImageLike]) -> None:
    if precision not in PRECISIONS:
        raise UsageError(f"the precisions are {', '.join(PRECISIONS)}, got {precision!r}")
    if (precision == "int8") != bool(calibration):
        raise UsageError("int8 needs images to calibrate on" if precision == "int8" else
                         f"images are calibrated on for int8, not for {precision}")
    if precision == "int8":
        import_quantization()


def _meta(detector: Detector) -> Dict[str, Any]:
    how = detector.preparation
    short_edge, long_edge = how.scales[0]
    return {"kind": script.KIND, "format": script.FORMAT, "classes": detector.classes,
            "short_edge": short_edge, "long_edge": long_edge, "stride": how.stride, "least_side": LEAST_SIDE,
            "means": how.means, "stds": how.stds, "pixels": "RGB from 0 to 255, normalised by the model",
            "exif": "images are turned upright", "resizing": "bilinear, after squares of pixels are averaged",
            **proposal_facts(detector)}
