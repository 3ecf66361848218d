"""Detectors that run in ONNX Runtime or OpenVINO."""
from functools import partial
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from .... import data
from ....errors import CheckpointError
from ....runtime import available_threads
from ...files import PathLike
from ...inference.detector import Detector
from ...inference.given_rois import RoIPreparation
from ...inference.input_preparation import InputPreparation
from ...inference.requests import NetworkAnswer, ThreadedRequests
from ...inference.test_time_augmentation import NetworkInput
from ..onnx import detect as script
from ..onnx.reading import read_meta
from ..proposal_facts import rois_of
from ..sample_proposals import sample_boxes
from .choice import choose_engine, choose_precision
from .streaming import ParallelModel, open_parallel

# From so many images of a stream on, it is worth loading the model once more, which takes half a second or more.
_WORTH_LOADING = 64


class EngineDetector(Detector):
    """Finds objects in images by means of another engine than MXNet.

    It is used and answers as a `Detector` does. Its network has the normalisation inside, so that the input that it
    prepares consists of pixels from 0 to 255.

    Args:
        model: function from images, im_info and, where `rois` is given, proposals to boxes, scores, classes and counts,
            see `detect.Model`.
        classes, preparation, source, max_megapixels, rois: see `Detector`; there is one scale.
        engine: the name of the engine.
        precision: in which it computes.
        open_parallel: function that loads the model once more, for several images at a time, see `open_parallel`; None
            runs one image at a time in streams too.

    Attributes:
        engine, precision: as given.
    """

    def __init__(self, model: script.Model, classes: Sequence[str], preparation: InputPreparation, engine: str,
                 source: str = "", max_megapixels: float = data.MAX_MEGAPIXELS, precision: str = "float32",
                 open_parallel: Optional[Callable[[], ParallelModel]] = None, rois: Optional[RoIPreparation] = None):
        net = _Network(model, len(classes), source)
        super().__init__(net, classes, preparation, source=source, max_megapixels=max_megapixels, rois=rois)
        self.engine, self.precision = engine, precision
        self.views = self._views
        self._open_parallel, self._parallel = open_parallel, None

    def _views(self, inputs: Sequence[NetworkInput], ctx: mx.Context) -> List[mx.nd.NDArray]:
        """What `MultiView` does for several views of images, for the one view that there is."""
        of_view, = inputs
        return self.net(*of_view)

    def requests(self, count: Optional[int] = None) -> ThreadedRequests:
        """See `Detector.requests`: the engine works on several images at a time, or of few on one by all threads."""
        if self._open_parallel is None or count is not None and count < _WORTH_LOADING:
            return ThreadedRequests(self.net.arrays, 1)
        return ThreadedRequests(*self.parallel())

    def parallel(self) -> Tuple[Callable[..., NetworkAnswer], int]:
        """The network as a function of arrays that several threads may call, and how many of them should at a time."""
        if self._open_parallel is None:
            return self.net.arrays, 1
        if self._parallel is None:
            self._parallel = self._open_parallel()
        return _Network(self._parallel.model, len(self.classes), self.source).arrays, self._parallel.calls


class _Network:
    """A model of an engine, called as `ids, scores, bboxes = net(x, im_info)`, or with proposals behind these."""

    def __init__(self, model: script.Model, num_classes: int, source: str):
        self._model, self._num_classes, self._source = model, num_classes, source

    def __call__(self, *inputs: Union[np.ndarray, mx.nd.NDArray]) -> List[mx.nd.NDArray]:
        return [mx.nd.array(array) for array in self.arrays(*(
            array.asnumpy() if isinstance(array, mx.nd.NDArray) else array for array in inputs))]

    def arrays(self, *inputs: np.ndarray) -> NetworkAnswer:
        """The same of NumPy arrays, without MXNet."""
        images, *others = (np.ascontiguousarray(array, np.float32) for array in inputs)
        try:
            boxes, scores, classes, _ = self._model(images, *others)
        except Exception as error:  # each engine has its own kinds
            raise CheckpointError(f"the model of {self._source} cannot be run: "
                                  f"{' '.join(str(error).split()[-40:])}") from None
        is_sound = len(scores) == len(images) and classes.shape == scores.shape and boxes.shape == (*scores.shape, 4)
        if not is_sound or classes.max(initial=-1) >= self._num_classes:
            raise CheckpointError(f"the model of {self._source} does not answer as a detector of {self._num_classes} "
                                  "classes does")
        return classes[..., None], scores[..., None], boxes


def load_engine_detector(folder: PathLike, engine: Optional[str] = None,
                         precision: Optional[str] = None) -> EngineDetector:
    """Loads the detector that `export_onnx` wrote.

    Args:
        folder: the export.
        engine: "onnxruntime" or "openvino"; by default the first that is installed, see `choose_engine`.
        precision: "float32" or "bfloat16", of which each can be had from the other; by default that of the export.

    Raises:
        CheckpointError: a file of the export is missing, damaged or of another format; the message names it.
        LibraryError: the engine is not installed.
        UsageError: the export or the engine does not have the precision, see `choose_precision`.
    """
    meta = read_meta(folder)
    precision = choose_precision(folder, meta["precision"], precision)
    engine = choose_engine(engine, precision)
    threads = available_threads().count
    try:
        model = script.open_model(Path(folder), engine, threads, precision)
    except script.Problem as problem:
        raise CheckpointError(str(problem)) from None
    parallel = partial(open_parallel, Path(folder), engine, threads, precision) if threads > 1 else None
    detector = EngineDetector(model, meta["classes"], _preparation(meta), engine, str(folder), precision=precision,
                              open_parallel=parallel, rois=rois_of(meta))
    # A model of another kind is an error here, and not at the first image.
    inputs = np.zeros((1, 3, 64, 64)), np.array([[64, 64, 1]]), sample_boxes(64, 64)[None]
    detector.net.arrays(*inputs[:2 if detector.rois is None else 3])
    return detector


def _preparation(meta: Mapping[str, Any]) -> InputPreparation:
    """How images are prepared: they stay pixels from 0 to 255, because the model normalises them."""
    return InputPreparation(((meta["short_edge"], meta["long_edge"]),), tuple(meta["means"]), None, meta["stride"])
