"""Exports a trained detector in the format that a caller names."""
from typing import Any, List, Mapping, Optional, Union

from ...errors import UsageError
from ..files import PathLike
from ..inference.detector import Detector
from . import export as mxnet_export

FORMATS = ("mxnet", "onnx")


def export(detector: Union[Detector, PathLike], path: PathLike, thresholds: Optional[Mapping[str, float]] = None,
           format: str = "mxnet", **options: Any) -> List[str]:
    """Writes a trained detector so that it runs without its configuration and without model code.

    An exported detector looks at an image once: at the first scale of the detector, not mirrored. Its thresholds are
    fixed.

    Args:
        detector: a detector, or the path of a checkpoint, see `load_detector`.
        path: for "mxnet" what the names of the files start with, such as "models/shapes"; for "onnx" the folder, of
            which an earlier export is replaced.
        thresholds: thresholds that the detector has, such as {"nms": 0.3}; they are written down for people to read.
        format: "mxnet", files for `load_detector`; or "onnx", a folder that runs without MXNet and without this
            package.
        options: for "mxnet" `fuse`, `onednn` and `static_shape`, see `engine.deploy.export.export`; for "onnx"
            `precision` and `calibration`, see `export_onnx`.

    Returns:
        The paths of the files.

    Raises:
        UsageError: there is no such format, `detector` is an export that is not exported again (an ONNX export, or one
            with oneDNN's operators), something else is at `path`, or the files cannot be written.
        ModelError: the network has an operator that the format does not have.
        LibraryError: a package that the format needs is not installed.

    Example::

        lh.export("output/shapes_s", "models/shapes")
        lh.export("output/shapes_s", "models/shapes_onnx", format="onnx")
        ids, scores, boxes = lh.load_detector("models/shapes_onnx")("photo.jpg")
    """
    if format not in FORMATS:
        raise UsageError(f"the formats of exports are {' and '.join(FORMATS)}, got {format!r}")
    if format == "mxnet":
        return mxnet_export.export(detector, path, thresholds, **options)
    from .onnx.export import export_onnx
    return export_onnx(detector, path, thresholds, **options)
