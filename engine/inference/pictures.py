"""Detections in image files, as pictures and as JSON."""
import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Callable, Deque, List, Optional, Sequence, Tuple

from ...errors import DataError
from ...progress import ProgressBar
from ..files import write_json
from ..reporting.drawing import draw
from .detections import Detections
from .detector import Detector
from .file_reading import read_files
from .json_detections import as_json
from .photo_proposals import ProposalsOfPhoto, detect_photos
from .streaming import answers

# Pictures that may wait to be drawn; the detector waits where they are more.
_WAITING = 2


def write_pictures(detector: Detector, images: Sequence[Tuple[Path, Path]], threshold: float, folder: Path,
                   logger: logging.Logger, num_workers: int = 2,
                   proposals_of: Optional[ProposalsOfPhoto] = None, has_pictures: bool = True) -> List[str]:
    """Writes a picture with detections for each image, and detections.json with the detections of all.

    An image that cannot be read is reported, and the others are still done. The next images are read, and pictures are
    drawn in a thread, while the detector runs.

    Args:
        detector: finds the objects.
        images: (file, name) of each, see `image_files.find_images`.
        threshold: detections of lower scores are left out.
        folder: takes the pictures, under their names, and detections.json.
        logger: takes a line for each image, and a summary.
        num_workers: processes that read images; few images are read in threads.
        proposals_of: for a detector that needs them, gives the proposals of an image; such images are read one by one.
        has_pictures: whether pictures are written; detections.json alone is written faster, several times where the
            images are large.

    Returns:
        A message for each image that could not be read.
    """
    entries, failures = [], []
    files = [file for file, _ in images]
    with _DrawingThread() as drawing, ExitStack() as opened, \
            ProgressBar(total=len(files), desc="detecting", unit="image") as bar:
        if proposals_of is None:
            reads = opened.enter_context(closing(read_files(detector.preparation, files, num_workers, has_pictures,
                                                            detector.max_megapixels)))
            found = opened.enter_context(closing(answers(detector.requests(len(files)), reads)))
        else:
            found = detect_photos(detector, files, proposals_of)
        for (file, name), answer in zip(images, found):
            bar.update()
            if isinstance(answer, DataError):
                failures.append(str(answer))
                logger.info("error: %s", answer)
                continue
            kept = Detections(*(array[answer.found.scores >= threshold] for array in answer.found))
            picture = {"picture": str(name)} if has_pictures else {}
            entries.append({"image": str(file), **picture, "detections": as_json(kept, detector.classes)})
            if has_pictures:
                drawing.add(lambda file=file, pixels=answer.pixels, kept=kept, path=folder / name: draw(
                    detector.read(file) if pixels is None else pixels, kept, detector.classes, threshold, path))
            names = [detection["class"] for detection in entries[-1]["detections"]]
            counts = ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))
            logger.info("%s: %s", file, counts or "nothing found")
    write_json(folder / "detections.json", entries)
    logger.info("images: %d, detections: %d, not readable: %d; wrote %s", len(entries),
                sum(len(entry["detections"]) for entry in entries), len(failures), folder / "detections.json")
    return failures


class _DrawingThread:
    """Context manager that draws pictures one after the other while the detector runs; all are drawn at its end."""

    def __init__(self):
        self._thread = ThreadPoolExecutor(1)
        self._waiting: Deque[Future] = deque()

    def __enter__(self) -> "_DrawingThread":
        return self

    def add(self, draw_one: Callable[[], Any]) -> None:
        """Has a picture drawn by a function; raises what went wrong with an earlier one."""
        while len(self._waiting) >= _WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(draw_one))

    def __exit__(self, *raised: Any) -> None:
        self._thread.shutdown()
        if raised[0] is None:
            while self._waiting:
                self._waiting.popleft().result()
