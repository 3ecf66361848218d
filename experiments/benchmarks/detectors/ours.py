"""The candidates of this project: Light-Head R-CNN of settings S and L with random weights, in every engine."""
import json
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, NamedTuple, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from .... import data
from ....engine.config import load_config
from ....engine.deploy.engines.engine_detector import load_engine_detector
from ....engine.deploy.fusing.detector import fused_detector
from ....engine.deploy.onnx.export import export_onnx
from ....engine.files import write_json
from ....engine.inference.detector import Detector
from ....engine.inference.input_preparation import InputPreparation
from ....errors import LightHeadError
from ....gluon_models import get_model
from ..counting import infer_shapes, multiply_adds, read_tree
from .calibration import (
    BOX_SPREAD,
    CLASS_SPREAD,
    OBJECTNESS_SPREAD,
    PROPOSAL_SPREAD,
    draw_weights,
    first_column_bias,
    outputs_of,
    softmax_scores,
    spread,
)
from .candidate import (
    BATCHES,
    MXNET,
    NETWORK,
    ONNXRUNTIME,
    OPENVINO,
    STREAM,
    STREAM_IMAGES,
    WHOLE,
    Candidate,
    Skipped,
    of_calls,
)

S, L = "Light-Head R-CNN S", "Light-Head R-CNN L"
MODELS = {S: "light_head_rcnn_xception_coco", L: "light_head_rcnn_resnet101_v1_coco"}
Size = Tuple[int, int]
# What is run of each; the 1500x1000 photograph is cut to the first so many rows so that it becomes just this size.
SIZES: Dict[str, Sequence[Size]] = {S: ((800, 1200), (700, 1100)), L: ((800, 1200),)}
ROWS = {(800, 1200): 1000, (700, 1100): 954}
# What streams and batches are run of.
STREAMED = (S, (800, 1200))
# Of each engine, our name of it and the precisions in which it is tried.
ENGINES = {ONNXRUNTIME: ("onnxruntime", ("float32", "int8")), OPENVINO: ("openvino", ("float32", "bfloat16", "int8"))}


class Source(NamedTuple):
    """A detector in MXNet, and what its work is.

    Attributes:
        detector: with calibrated random weights.
        net: its network.
        stride: its images are padded to multiples of it.
        work: "rois", "candidates", "detections".
    """

    detector: Detector
    net: mx.gluon.HybridBlock
    stride: int
    work: Dict[str, Any]


def make_source(name: str, photo: str, folder: Path) -> Source:
    """Builds one of `MODELS` with weights from a seed, or takes those that were kept in the folder."""
    net, cfg = get_model(MODELS[name]), load_config()
    how = InputPreparation.of(cfg)._replace(scales=(SIZES[name][0],))
    detector = Detector(net, net.classes, how)
    weights, notes = folder / (MODELS[name] + ".params"), folder / (MODELS[name] + ".json")
    if weights.is_file() and notes.is_file():
        net.load_parameters(str(weights))
        work = json.loads(notes.read_text(encoding="utf-8"))
    else:
        net.initialize()
        work = _calibrate(detector, data.read_image(photo))
        net.save_parameters(str(weights))
        write_json(notes, work)
    return Source(detector, net, how.stride, work)


def _calibrate(detector: Detector, pixels: np.ndarray) -> Dict[str, Any]:
    """Gives the output layers the spread of a trained detector's; returns the numbers of the work that follows."""
    net, inputs = detector.net, detector.prepare(pixels)

    def run() -> None:
        net(*inputs)

    run()  # parameters get their shapes
    draw_weights(net)
    spread([net.rpn.score], run, OBJECTNESS_SPREAD)
    spread([net.rpn.box], run, PROPOSAL_SPREAD)
    layer = net.head.cls_score
    spread([layer], run, CLASS_SPREAD)
    spread([net.head.bbox_pred], run, BOX_SPREAD)
    (logits,) = outputs_of([layer], run)
    bias, passing = first_column_bias(logits, net._suppression["score_threshold"], softmax_scores, False)
    values = layer.bias.data().asnumpy()
    values[0] += bias
    layer.bias.set_data(mx.nd.array(values))
    return {"rois": len(logits), "candidates": passing, "detections": int((net(*inputs)[0].asnumpy() >= 0).sum())}


def gflop(net: mx.gluon.HybridBlock, **shapes: Tuple[int, ...]) -> float:
    """Operations of the convolutions and dense layers of a network, in 10^9, two a multiply-add.

    Args:
        net: called with symbols.
        shapes: of its inputs by name, in the order of the call.
    """
    answers = net(*map(mx.sym.var, shapes))
    graph = mx.sym.Group(list(answers)) if isinstance(answers, (list, tuple)) else answers
    nodes = read_tree(graph)["nodes"]
    found = infer_shapes(graph, nodes, **shapes)
    return 2e-9 * sum(multiply_adds(nodes, found, number) for number in range(len(nodes)))


def candidates(names: Sequence[str], photo: str, folder: Path,
               say: Callable[[str], None]) -> Iterator[Union[Candidate, Skipped]]:
    """Builds the candidates of some of our detectors.

    Args:
        names: of `MODELS`.
        photo: path of the JPEG file.
        folder: for weights and exports; those that are there are taken.
        say: takes a line of progress.

    Yields:
        A candidate for each size, engine and precision, or the reason why there is none.
    """
    for name in names:
        say(f"{name}: weights")
        source = make_source(name, photo, folder)
        fused = fused_detector(source.detector)
        for size in SIZES[name]:
            yield _candidate(name, size, MXNET, "float32", _at_size(fused, size), source, photo)
        for engine, (word, precisions) in ENGINES.items():
            for precision in precisions:
                say(f"{name}: {engine}, {precision}")
                try:
                    loaded = _load(name, source, photo, folder, word, precision)
                except LightHeadError as error:
                    yield Skipped(f"{name} in {engine}, {precision}", str(error))
                    continue
                for size in SIZES[name]:
                    yield _candidate(name, size, engine, precision, _at_size(loaded, size), source, photo)


def _load(name: str, source: Source, photo: str, folder: Path, engine: str, precision: str) -> Detector:
    """Loads the export of a detector into an engine; writes it where it is not there yet."""
    export = folder / f"{MODELS[name]}_{precision}"
    if not export.is_dir():
        export_onnx(source.detector, export, name=MODELS[name], precision=precision,
                    calibration=[photo] if precision == "int8" else ())
    return load_engine_detector(export, engine)


def _at_size(detector: Detector, size: Size) -> Callable[[], Detector]:
    """Function that returns the detector, set to images of this size."""
    how = detector.preparation._replace(scales=(size,))

    def set_size() -> Detector:
        detector.preparation = how
        return detector

    return set_size


def _candidate(name: str, size: Size, engine: str, precision: str, detector_at_size: Callable[[], Detector],
               source: Source, photo: str) -> Candidate:
    def read() -> np.ndarray:
        return data.read_image(photo, (size,))[:ROWS[size]]

    ((x, im_info),), _ = detector_at_size().inputs(read())
    batches = {images: (np.repeat(x, images, 0), np.repeat(im_info, images, 0)) for images in (1, *BATCHES)}

    def run_network(images: int = 1) -> None:
        for answer in detector_at_size().views([batches[images]], mx.cpu()):
            answer.wait_to_read()

    height, width = (-(-side // source.stride) * source.stride for side in x.shape[2:])
    work = dict(source.work, gflop=gflop(source.net, data=(1, 3, height, width), im_info=(1, 3)))
    calls = {WHOLE: lambda: detector_at_size()(read()), NETWORK: run_network}
    if (name, size) == STREAMED:
        calls[STREAM] = lambda: deque(detector_at_size().stream([photo] * STREAM_IMAGES), maxlen=0)
        calls.update({part: partial(run_network, images) for images, part in BATCHES.items()})
    return of_calls(name, "x".join(map(str, size)), engine, precision, calls, work)
