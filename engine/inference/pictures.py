"""Detections in loose images, as pictures and as JSON."""
from pathlib import Path

from ...errors import UsageError
from ... import data
from ..files import write_json
from ..reporting.drawing import draw


def find_images(paths):
    """Image files among `paths`: files as they are, and folders' images of the known extensions, subfolders too.

    Returns
    -------
    list of (file, name)
        `name` is where its picture goes below an output folder: no two are the same.

    Raises UsageError for a path that does not exist, and where there is no image at all.
    """
    found, names = [], set()
    for path in map(Path, paths):
        if not path.exists():
            raise UsageError(f"there is no image or folder {path}")
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.rglob("*")
                           if file.suffix.lower() in data.IMAGE_EXTENSIONS and file.is_file())
        for file in files:
            name = file.relative_to(path) if path.is_dir() else Path(file.name)
            name = name.with_suffix(".jpg" if file.suffix.lower() in (".jpg", ".jpeg") else ".png")
            stem, number = name.stem, 1
            while name in names:
                number += 1
                name = name.with_name(f"{stem}-{number}{name.suffix}")
            names.add(name)
            found.append((file, name))
    if not found:
        raise UsageError("there is no image in {}; known extensions: {}".format(
            ", ".join(map(str, paths)), " ".join(data.IMAGE_EXTENSIONS)))
    return found


def show_detections(detector, images, threshold, folder, logger):
    """Writes a picture for each image and detections.json for all; an image that cannot be read does not stop the rest.

    Parameters
    ----------
    detector : detect.Detector
    images : list of (file, name)
        See `find_images`.
    threshold : float
        Detections of lower scores are left out.
    folder : Path
    logger : logging.Logger

    Returns
    -------
    list of str
        A message for each image that could not be read.
    """
    entries, failures = [], []
    for file, name in images:
        try:
            pixels = detector.read(file)
        except data.DataError as error:
            failures.append(str(error))
            logger.info("error: %s", error)
            continue
        ids, scores, boxes = (array[kept] for array, kept in _kept(detector(pixels), threshold))
        draw(pixels, (ids, scores, boxes), detector.classes, threshold, folder / name)
        entries.append({"image": str(file), "picture": str(name), "detections": [
            {"class": detector.classes[index], "score": round(float(score), 4),
             "box": [round(float(value), 2) for value in box]} for index, score, box in zip(ids, scores, boxes)]})
        logger.info("%s: %s", file, _counts(entries[-1]["detections"]) or "nothing found")
    write_json(folder / "detections.json", entries)
    logger.info("images: %d, detections: %d, not readable: %d; wrote %s", len(entries),
                sum(len(entry["detections"]) for entry in entries), len(failures), folder / "detections.json")
    return failures


def _kept(answer, threshold):
    return [(array, answer[1] >= threshold) for array in answer]


def _counts(detections):
    names = [detection["class"] for detection in detections]
    return ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))
