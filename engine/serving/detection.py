"""What a worker does: reads the images of a batch, runs the detector, and writes the answers."""
import json
import logging
import os
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...errors import DataError, LightHeadError, UsageError
from ..deploy.detectors import load_detector
from ..inference.detections import Detections, to_original_frame
from ..inference.detector import Detector
from .body_images import BadBody, as_file, find_image
from .networks import Network, open_network
from .worker import Answer, Job, Work

_LOGGER = logging.getLogger("light_head_rcnn")
_FAILED = "the server failed on this image; its log says why"


class _Read(NamedTuple):
    """An image that is ready for the network."""

    job: Job
    inputs: Tuple[np.ndarray, ...]  # arrays of `Detector.inputs`, those of each view after one another
    size: Tuple[int, int]  # height and width in pixels
    seconds: float  # of reading


class Detection(Work):
    """Finds objects in images; the numbers are those of a call of the detector, bit for bit.

    Args:
        detector: finds the objects.
        network: how it is called for several images, see `open_network`.
        folder: takes a file of each image while it is read.
    """

    def __init__(self, detector: Detector, network: Network, folder: str):
        self._detector, self._network, self._folder = detector, network, folder
        self.lanes = network.calls + 1  # one more reads images while the others compute
        short, long = detector.preparation.scales[0]
        self.description = {"classes": list(detector.classes), "engine": getattr(detector, "engine", "mxnet"),
                            "precision": getattr(detector, "precision", "float32"), "input": [short, long],
                            "batch": network.batch_of(short, short)}

    def __call__(self, jobs: Sequence[Job], answer: Callable[[Job, Answer], None]) -> None:
        """See `Work`."""
        groups: Dict[Tuple, List[_Read]] = {}
        for job in jobs:
            read = self._read(job, answer)
            if read is not None:
                shapes = tuple(array.shape for array in read.inputs)
                groups.setdefault(shapes, []).append(read)
        for shapes, reads in groups.items():
            most = self._network.batch_of(*shapes[0][2:])
            for start in range(0, len(reads), most):
                self._detect(reads[start:start + most], answer)

    def _read(self, job: Job, answer: Callable[[Job, Answer], None]) -> Optional[_Read]:
        """Reads the image of a job; where that is not possible, answers it."""
        began = time.perf_counter()
        try:
            with as_file(find_image(job.body, job.content_type), self._folder) as path:
                try:
                    views, size = self._detector.inputs(path)
                except DataError as error:
                    raise BadBody(413 if error.kind == "image_too_large" else 400,
                                  _plain(error, path, self._detector.max_megapixels)) from None
            inputs = tuple(array for view in views for array in view)
            return _Read(job, inputs, size, time.perf_counter() - began)
        except BadBody as error:
            answer(job, Answer(*error.args))
        except (MemoryError, OSError) as error:
            _LOGGER.error("an image could not be read: %r", error)
            answer(job, Answer(503, "there is not enough memory for this image at the moment"))
        except Exception:
            _LOGGER.exception("reading an image failed")
            answer(job, Answer(500, _FAILED))
        return None

    def _detect(self, reads: Sequence[_Read], answer: Callable[[Job, Answer], None]) -> None:
        """Runs the network on images of one size, and answers."""
        began = time.perf_counter()
        try:
            found = self._network([read.inputs for read in reads])
        except (LightHeadError, MemoryError, RuntimeError) as error:
            _LOGGER.error("the network failed: %s", error)
            for read in reads:
                answer(read.job, Answer(500, _FAILED))
            return
        seconds = time.perf_counter() - began
        for read, (ids, scores, boxes) in zip(reads, found):
            height, width = read.size
            found_here = to_original_frame(ids, scores, boxes, read.inputs[1][0, 2], width, height)
            times = {"queue": read.job.waited, "read": read.seconds, "network": seconds}
            answer(read.job, Answer(200, to_text(found_here, self._detector.classes, read, times), times))


def to_text(found: Detections, classes: Sequence[str], read: _Read, seconds: Dict[str, float]) -> str:
    """The answer for an image as JSON; numbers are written so that they are read again as the same float32."""
    kept = np.flatnonzero(found.scores >= np.float32(read.job.threshold))[:read.job.most]
    return json.dumps({
        "width": read.size[1], "height": read.size[0],
        "detections": [{"class": classes[found.ids[place]], "score": float(found.scores[place]),
                        "box": found.boxes[place].tolist()} for place in kept],
        "seconds": {name: round(value, 6) for name, value in seconds.items()}})


def load(settings: Dict[str, Any]) -> Detection:
    """Loads the detector of a server.

    Args:
        settings: "model", "engine", "precision", "max_megapixels", "batch", "folder", and "cpus", the numbers of the
            processors that this process may use; None for those that it has.

    Raises:
        LightHeadError: see `load_detector`, and UsageError for one that classifies given proposals.
    """
    if settings["cpus"] is not None:
        os.sched_setaffinity(0, settings["cpus"])
    detector = load_detector(settings["model"], engine=settings["engine"], precision=settings["precision"])
    if detector.rois is not None:
        raise UsageError(f"{settings['model']} classifies given proposals, and requests bring none along: serve a "
                         "detector that finds its proposals itself")
    detector.max_megapixels = min(detector.max_megapixels, settings["max_megapixels"])
    return Detection(detector, open_network(detector, settings["batch"]), settings["folder"])


def _plain(error: Exception, path: str, max_megapixels: float) -> str:
    """The message of an error as one line, without a path of this machine."""
    if getattr(error, "kind", "") == "image_too_large":
        return f"the image has more pixels than this server reads, which are {max_megapixels:g} million"
    return " ".join(str(error).replace(path, "the image").split())[:300]
