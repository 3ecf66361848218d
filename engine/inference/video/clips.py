"""Detections in videos: a video with the boxes drawn, and the detections of each frame as a line of JSON."""
import logging
import time
from collections import Counter, deque
from contextlib import ExitStack, closing
from typing import Deque, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from ....errors import DataError
from ....progress import ProgressBar
from ...files import atomic_write, to_json
from ...reporting.drawing import draw
from ..detections import Detections
from ..detector import Detector
from ..file_reading import ReadFile
from ..json_detections import as_json
from ..reading_ahead import read_ahead
from ..streaming import answers
from .reading import Clip, Frame
from .targets import ClipTarget
from .writing import ClipWriter


def write_clips(detector: Detector, targets: Sequence[ClipTarget], threshold: float, logger: logging.Logger,
                every: int = 1) -> List[str]:
    """Writes videos with detections; one that cannot be read is reported, and the others are still done.

    Args:
        detector: finds the objects.
        targets: the videos, see `clip_targets`.
        threshold: detections of lower scores are left out.
        logger: takes a line for each video, and warnings.
        every: the detector looks at every so many frames; those between show what was found in the one before them.

    Returns:
        A message for each video that could not be read.
    """
    failures = []
    for target in targets:
        try:
            write_clip(detector, target, threshold, logger, every)
        except DataError as error:
            failures.append(str(error))
            logger.info("error: %s", error)
    return failures


def write_clip(detector: Detector, target: ClipTarget, threshold: float, logger: logging.Logger,
               every: int = 1) -> None:
    """Writes one video with detections, and its lines of JSON; both are complete, or neither is there.

    Each frame that the detector looks at has a line with its number, its time in seconds and its detections, as the
    command writes them for photographs. The other arguments are those of `write_clips`.

    Raises:
        DataError: the file is no video, or none of its frames can be read.
    """
    shown = Detections(np.zeros(0, int), np.zeros(0, np.float32), np.zeros((0, 4), np.float32))
    counts: Counter = Counter()
    times: Deque[int] = deque()
    began = time.monotonic()
    with ExitStack() as stack:
        clip = stack.enter_context(Clip(target.source))
        temporary = stack.enter_context(atomic_write(target.video))
        lines = stack.enter_context(open(stack.enter_context(atomic_write(target.lines)), "w", encoding="utf-8"))
        reads = stack.enter_context(closing(read_ahead(_Preparing(detector, every), _numbered(clip, times),
                                                       detector.preparation.scales)))
        bar = stack.enter_context(ProgressBar(total=clip.frames, disable=None, unit="frame", desc=target.source.name,
                                       dynamic_ncols=True))
        writer: Optional[ClipWriter] = None
        looks = None if clip.frames is None else clip.frames // every
        for number, answer in enumerate(stack.enter_context(closing(answers(detector.requests(looks), reads)))):
            pts = times.popleft()
            if writer is None:
                writer = stack.enter_context(ClipWriter(temporary, clip, *answer.pixels.shape[:2], logger))
            if answer.found is not None:
                shown = Detections(*(array[answer.found.scores >= threshold] for array in answer.found))
                counts.update(detector.classes[index] for index in shown.ids)
                lines.write(to_json({"frame": number, "time": round(float(pts * clip.time_base), 6),
                                     "detections": as_json(shown, detector.classes)}) + "\n")
            writer.write(Frame(np.asarray(draw(answer.pixels, shown, detector.classes, threshold)), pts))
            bar.update()
        if writer is None:
            raise DataError(f"{target.source}: no frame of this video can be read")
    if clip.is_cut_short:
        logger.warning("%s: the video is cut short or damaged: %d frames of %s could be read, and were written",
                       target.source, clip.read, clip.frames)
    logger.info("%s: %d frames, %.3g a second; detections: %s; wrote %s and %s", target.source, clip.read,
                clip.read / (time.monotonic() - began),
                ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none", target.video,
                target.lines)


class _Preparing:
    """Function that prepares a numbered frame for the detector, or, where it does not look at it, passes it on."""

    def __init__(self, detector: Detector, every: int):
        self._detector, self._every = detector, every

    def __call__(self, numbered: Tuple[int, np.ndarray]) -> ReadFile:
        number, pixels = numbered
        inputs = [] if number % self._every else self._detector.inputs(pixels)[0]
        return ReadFile(pixels, inputs, pixels.shape[:2])


def _numbered(clip: Clip, times: Deque[int]) -> Iterator[Tuple[int, np.ndarray]]:
    """Yields the pixels of frames with their numbers, and puts their times into a queue."""
    for number, frame in enumerate(clip):
        times.append(frame.pts)
        yield number, frame.pixels
