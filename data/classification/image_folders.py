"""Reads folders of images by class: CLASS/IMAGE, as ImageNet and torchvision's ImageFolder have them."""
import os
from typing import List, Tuple

from ...errors import DataError
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.listing import is_folder, list_folder
from .image_sets import ClassifiedImage, ClassifiedSet

_MOST = 5  # folders that an error names


def read_image_folder(folder: str) -> ClassifiedSet:
    """Reads a folder that has a folder for each class, with its images at any depth; nothing is decoded.

    Classes are numbered in the order of their names. Files and folders whose names begin with a point are passed over.

    Args:
        folder: such as ImageNet's train.

    Raises:
        DataError: there is no such folder, it has no folders for classes, one of them holds no image, or a folder
            cannot be listed.
    """
    listing = list_folder(folder)
    if listing is None:
        raise DataError(f"there is no folder {folder}")
    classes = tuple(entry.name for entry in listing.entries if is_folder(entry))
    if not classes:
        raise DataError(f"{folder} has no folders: the images of each class must lie in a folder of its own, such as "
                        + os.path.join(folder, "cat", "1.jpg"))
    images: List[ClassifiedImage] = []
    empty: List[str] = []
    passed_over = 0
    for label, name in enumerate(classes):
        paths, others = _files(os.path.join(folder, name))
        images += [ClassifiedImage(path, -1, label) for path in paths]
        passed_over += others
        if not paths:
            empty.append(name)
    if not images:
        raise DataError(f"{folder} holds no images; they are looked for by their endings: {', '.join(IMAGE_EXTENSIONS)}"
                        )
    if empty:
        more = f" and {len(empty) - _MOST} more" if len(empty) > _MOST else ""
        raise DataError(f"{folder}: these classes have no images: {', '.join(empty[:_MOST])}{more}. Remove their "
                        "folders or fill them")
    return ClassifiedSet(folder, classes, images, passed_over)


def _files(folder: str) -> Tuple[List[str], int]:
    """Returns the image files below a folder, sorted, and the number of other files."""
    images, others, seen, waiting = [], 0, set(), [folder]
    while waiting:
        listing = list_folder(waiting.pop())
        if listing is None or listing.identity in seen:  # a link to a folder around it
            continue
        seen.add(listing.identity)
        folders = [entry.path for entry in listing.entries if is_folder(entry)]
        waiting += reversed(folders)
        files = [entry.path for entry in listing.entries if not is_folder(entry)]
        found = [path for path in files if path.lower().endswith(IMAGE_EXTENSIONS)]
        images += found
        others += len(files) - len(found)
    return images, others
