"""Detections in image files, as pictures and as JSON."""
import logging
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from ...errors import DataError
from ..files import write_json
from ..reporting.drawing import draw
from .detector import Detections, Detector


def write_pictures(detector: Detector, images: Sequence[Tuple[Path, Path]], threshold: float, folder: Path,
                   logger: logging.Logger) -> List[str]:
    """Writes a picture with detections for each image, and detections.json with the detections of all.

    An image that cannot be read is reported, and the others are still done.

    Args:
        detector: finds the objects.
        images: (file, name) of each, see `image_files.find_images`.
        threshold: detections of lower scores are left out.
        folder: takes the pictures, under their names, and detections.json.
        logger: takes a line for each image, and a summary.

    Returns:
        A message for each image that could not be read.
    """
    entries, failures = [], []
    for file, name in images:
        try:
            pixels = detector.read(file)
        except DataError as error:
            failures.append(str(error))
            logger.info("error: %s", error)
            continue
        found = detector(pixels)
        kept = Detections(*(array[found.scores >= threshold] for array in found))
        draw(pixels, kept, detector.classes, threshold, folder / name)
        entries.append({"image": str(file), "picture": str(name), "detections": _as_json(kept, detector.classes)})
        names = [detection["class"] for detection in entries[-1]["detections"]]
        counts = ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))
        logger.info("%s: %s", file, counts or "nothing found")
    write_json(folder / "detections.json", entries)
    logger.info("images: %d, detections: %d, not readable: %d; wrote %s", len(entries),
                sum(len(entry["detections"]) for entry in entries), len(failures), folder / "detections.json")
    return failures


def _as_json(found: Detections, classes: Sequence[str]) -> List[Dict[str, Any]]:
    return [{"class": classes[index], "score": round(float(score), 4), "box": [round(float(x), 2) for x in box]}
            for index, score, box in zip(*found)]
