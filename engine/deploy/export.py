"""Writes a trained detector as files that need no configuration and no model code.

PREFIX-symbol.json   the network as a graph, by default in fused form
PREFIX-0000.params   its parameters
PREFIX-meta.json     classes, inputs, and the sizes and means of input images; numbers and names only
"""
import os
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from ...errors import ModelError, UsageError
from ..files import PathLike, write_json
from ..inference.detector import Detector, ImageLike
from .exportable import load_exportable, network_of
from .exported import FORMAT
from .fusing.graph import fuse_graph, parameter_file_arrays
from .graphs.checking import checked_graph
from .proposal_facts import proposal_facts
from .sample_proposals import sample_proposals

# The largest differences between a detector and its export: the operators are the same, but a device may add numbers up
# in another order.
SCORE_TOLERANCE = 1e-5
BOX_TOLERANCE = 1e-2


def export(detector: Union[Detector, PathLike], prefix: PathLike,
           thresholds: Optional[Mapping[str, float]] = None, fuse: bool = True, onednn: bool = True,
           static_shape: Optional[Tuple[int, int]] = None) -> List[str]:
    """Writes a detector's graph, parameters and description; PREFIX-meta.json last.

    An exported detector looks at an image once: at the first scale of the detector, not mirrored. In fused form it
    answers the same but for the rounding of sums, and can no longer be trained.

    Args:
        detector: a detector, or the path of a checkpoint, see `load_detector`. Its network is a HybridBlock with
            parameters; it is hybridized and run once.
        prefix: path that the files' names start with, such as "models/shapes"; its folder is made.
        thresholds: thresholds that are fixed in the graph, such as {"nms": 0.3}; they are written to the description
            for people to read, and loading does not use them.
        fuse: compute what depends on weights alone, once, and make batch normalisations parts of convolutions.
        onednn: where the export is loaded for CPUs, let oneDNN compute convolutions together with the sums and
            activations behind them. It needs `fuse`.
        static_shape: height and width in pixels that all images are padded to, multiples of the network's stride, so
            that memory is planned once. Larger images run at their own size. By default images are padded to multiples
            of the stride.

    Returns:
        The paths of the files.

    Raises:
        UsageError: `prefix` names a folder, or `static_shape` is none that the network can have; `detector` is an
            export with oneDNN's operators, or an ONNX export; or the files cannot be written.
        ModelError: the network has an operator that no export can have.
        In both cases an earlier export stays as it was.

    Example::

        lh.export("output/shapes_s", "models/shapes")
        ids, scores, boxes = lh.load_detector("models/shapes")("photo.jpg")
    """
    if Path(prefix).is_dir() or str(prefix).endswith(("/", os.sep)):
        raise UsageError(f"{prefix} is a folder: name the start of the files' names in it, such as "
                         + os.path.join(prefix, "detector"))
    detector = load_exportable(detector)
    how = detector.preparation
    check_static_shape(static_shape, how.stride)
    short_edge, long_edge = how.scales[0]
    net = network_of(detector)
    net.hybridize()
    image = np.zeros((short_edge, short_edge, 3), np.uint8)
    inputs = detector.prepare(image, sample_proposals(detector, image))
    net(*inputs)
    mx.nd.waitall()
    prefix = Path(prefix)
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=str(prefix.parent), prefix=".tmp-") as folder:
            start = os.path.join(folder, prefix.name)
            facts = _write_fused(net, start, onednn, len(inputs)) if fuse else _write_as_it_is(net, start)
            _check_operators(f"{start}-symbol.json")
            if static_shape is not None:
                facts["static_shape"] = list(static_shape)
            write_json(f"{start}-meta.json", {
                "format": FORMAT, "classes": detector.classes, **facts, "short_edge": short_edge,
                "long_edge": long_edge, "means": how.means, "stds": how.stds, "stride": how.stride,
                **proposal_facts(detector), "thresholds": {name: float(value) for name, value in
                                                           (thresholds or {}).items()}})
            return _move(Path(folder), prefix)
    except OSError as error:
        raise UsageError(f"the export {prefix} cannot be written: {error.strerror or error}") from error


def _move(folder: Path, prefix: Path) -> List[str]:
    """Moves the files of an export from a folder to their places; returns their paths, the description's last.

    An export without description is not loaded: that of an earlier one goes first.
    """
    description = prefix.name + "-meta.json"
    names = sorted((file.name for file in folder.iterdir()), key=lambda name: (name == description, name))
    if (prefix.parent / description).exists():
        (prefix.parent / description).unlink()
    for name in names:
        os.replace(folder / name, prefix.parent / name)
    return [str(prefix.parent / name) for name in names]


def _check_operators(file: str) -> None:
    """Raises ModelError where a graph has what `load_exported` will not run."""
    try:
        checked_graph(file)
    except ValueError as error:
        raise ModelError(f"the network cannot be exported: {error}. Of a graph (the key symbol) the Gluon model "
                         "network.model of the same layers can be, which takes the same parameters: load it by the "
                         "override symbol=''") from None


def check_static_shape(shape: Optional[Tuple[int, int]], stride: int) -> None:
    """Raises UsageError where a height and width are no multiples of the network's stride, or not above zero."""
    if shape is not None and any(side <= 0 or side % stride for side in shape):
        near = "x".join(str(max(-(-side // stride), 1) * stride) for side in shape)
        raise UsageError(f"the static shape is {shape[0]}x{shape[1]}: height and width must be multiples of {stride}, "
                         f"the stride of the network, such as {near}")


def _write_fused(net: HybridBlock, start: str, onednn: bool, count: int) -> Dict[str, Any]:
    """Writes START-symbol.json and START-0000.params in fused form; returns entries of the description."""
    inputs = [f"data{number}" for number in range(count)]  # as MXNet names the inputs of a graph that it exports
    graph = fuse_graph(net, inputs, net, onednn)
    graph.symbol.save(start + "-symbol.json")
    mx.nd.save(start + "-0000.params", parameter_file_arrays(graph))
    return {"inputs": inputs, "fused": {"norms_folded": graph.norms_folded, "norms_left": graph.norms_left,
                                        "onednn": onednn}}


def _write_as_it_is(net: HybridBlock, start: str) -> Dict[str, Any]:
    """The same for the graph as it is."""
    net.export(start, epoch=0)
    return {"inputs": [variable.name for variable in net._cached_graph[0]]}


def compare_detectors(one: Detector, other: Detector, images: Sequence[ImageLike]) -> Dict[str, Any]:
    """Measures how far apart the answers of two detectors are; each is given an image at its own first scale.

    Detectors on given proposals get those of `sample_proposals`.

    Returns:
        "images", their number; "detections", how many the first detector finds; "scores" and "boxes", the largest
        absolute differences, of boxes in pixels of the network input. These are infinite where the classes or the
        numbers of detections differ, or an answer is not finite.
    """
    report = {"images": len(images), "detections": 0, "scores": 0.0, "boxes": 0.0}
    for image in images:
        proposals = sample_proposals(one, image)
        answers = [[array.asnumpy() for array in network_of(detector)(*detector.prepare(image, proposals))]
                   for detector in (one, other)]
        (ids, scores, boxes), (other_ids, other_scores, other_boxes) = answers
        report["detections"] += int((ids >= 0).sum())
        same = ids.shape == other_ids.shape and (ids == other_ids).all()
        for name, one_array, other_array in (("scores", scores, other_scores), ("boxes", boxes, other_boxes)):
            difference = float(abs(one_array - other_array).max()) if same else np.inf
            # A number that is not finite equals nothing, and `max` would pass over a NaN.
            report[name] = max(report[name], difference if np.isfinite(difference) else np.inf)
    return report


def noise_images(seed: int) -> List[np.ndarray]:
    """Three images of noise, uint8 (H, W, 3), wide, tall and square, for a comparison without photographs."""
    rng = np.random.RandomState(seed)
    return [rng.randint(0, 256, size + (3,)).astype(np.uint8) for size in ((240, 320), (320, 240), (256, 256))]
