"""Reads folders of images by class: CLASS/IMAGE, as ImageNet and torchvision's ImageFolder have them."""
import os
from typing import List, Tuple

from ...errors import DataError
from ..files.image_extensions import IMAGE_EXTENSIONS
from .image_sets import ClassifiedImage, ClassifiedSet

_MOST = 5  # folders that an error names


def read_image_folder(folder: str) -> ClassifiedSet:
    """Reads a folder that has a folder for each class, with its images at any depth; nothing is decoded.

    Classes are numbered in the order of their names. Files and folders whose names begin with a point are passed over.

    Args:
        folder: such as ImageNet's train.

    Raises:
        DataError: there is no such folder, it has no folders for classes, or one of them holds no image.
    """
    if not os.path.isdir(folder):
        raise DataError(f"there is no folder {folder}")
    classes = tuple(sorted(name for name in os.listdir(folder)
                           if not name.startswith(".") and os.path.isdir(os.path.join(folder, name))))
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
    images, others, seen = [], 0, set()
    for root, folders, files in os.walk(folder, followlinks=True):
        place = os.path.realpath(root)
        if place in seen:  # a link to a folder around it
            folders[:] = []
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = sorted(name for name in files if not name.startswith("."))
        found = [name for name in visible if name.lower().endswith(IMAGE_EXTENSIONS)]
        images += [os.path.join(root, name) for name in found]
        others += len(visible) - len(found)
    return images, others
