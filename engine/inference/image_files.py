"""Finds image files in the paths that a user names."""
import os
from pathlib import Path
from typing import Iterable, List, Sequence, Tuple

from ... import data
from ...errors import UsageError
from ..files import PathLike


def find_images(paths: Iterable[PathLike]) -> List[Tuple[Path, Path]]:
    """Finds image files.

    Args:
        paths: files, which are taken whatever their extension is, and folders, which are searched for files with the
            extensions of images in all their subfolders.

    Returns:
        (file, name) of each image. `name` is the path below an output folder for a picture of this image; no two images
        have the same name.

    Raises:
        UsageError: a path does not exist, or there is no image at all.
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
        raise UsageError(f"there is no image in {', '.join(map(str, paths))}; known extensions: "
                         + " ".join(data.IMAGE_EXTENSIONS))
    return found


def check_pictures(images: Sequence[Tuple[Path, Path]], folder: PathLike) -> None:
    """Raises UsageError where a picture in an output folder would take the place of an image that is looked at.

    Args:
        images: from `find_images`.
        folder: takes a picture of each image, under its name.
    """
    files = {os.path.realpath(file) for file, _ in images}
    for _, name in images:
        if os.path.realpath(Path(folder) / name) in files:
            raise UsageError(f"the picture of the detections would take the place of the image {Path(folder) / name}: "
                             "name another folder by --out, or write detections.json alone by --no-pictures")
