"""Writes Shapes to disk in COCO layout, and makes it known as the data sets "shapes" and "shapes_hard"."""
import filecmp
import json
import logging
import os
import shutil
import tempfile
from functools import partial
from typing import Any, Union

from PIL import Image

from ...errors import DataError
from ..readers import CocoDataset
from ..registry import register_dataset
from .drawing import SPLITS, draw_image
from .styles import EASY, STYLES, Style

PathLike = Union[str, os.PathLike]
_LOGGER = logging.getLogger("light_head_rcnn")


def ensure_shapes(root: PathLike, style: Style = EASY) -> None:
    """Writes the data set to `root`, unless that is a folder with something in it."""
    if not os.path.isdir(root) or not os.listdir(root):
        _LOGGER.info("there are no Shapes in %s yet: 1400 images are drawn", root)
        write_shapes(root, style=style)


def write_shapes(root: PathLike, train: int = 1200, val: int = 200, seed: int = 0, style: Style = EASY) -> None:
    """Draws the image sets "train" and "val" and writes them in COCO layout.

    The files are `annotations/instances_<set>.json` and `<set>/<number>.png`. They are written to a temporary folder
    beside `root` first, so that `root` holds all of them or, after an error, none. Where another process has written
    the same there meanwhile, that stays.

    Args:
        root: a folder that does not exist yet or is empty.
        train, val: numbers of images.
        seed: another seed gives other images.
        style: `EASY` or `HARD`.

    Raises:
        DataError: `root` is a file or a folder with something in it.
    """
    root = os.path.realpath(os.fspath(root))
    _check_new(root)
    os.makedirs(os.path.dirname(root), exist_ok=True)
    work = tempfile.mkdtemp(prefix=".shapes-", dir=os.path.dirname(root))
    try:
        os.chmod(work, 0o755)
        os.mkdir(os.path.join(work, "annotations"))
        for split, count in zip(SPLITS, (train, val)):
            _write_split(work, split, count, seed, style)
        _put_in_place(work, root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check_new(root: str) -> None:
    if os.path.exists(root) and (not os.path.isdir(root) or os.listdir(root)):
        raise DataError(f"{root} exists already; Shapes are written to a folder that is new or empty")


def _put_in_place(work: str, root: str) -> None:
    """Makes a folder `root`, unless another process has written the same set there meanwhile."""
    try:
        if os.path.ismount(root):  # no other folder can replace it
            for name in sorted(os.listdir(work), reverse=True):  # the annotations, which are read first, come last
                shutil.move(os.path.join(work, name), root)
        else:
            os.replace(work, root)
    except OSError:
        files = [os.path.join("annotations", f"instances_{split}.json") for split in SPLITS]
        if filecmp.cmpfiles(work, root, files, shallow=False)[0] != files:
            _check_new(root)
            raise


def _write_split(root: str, split: str, count: int, seed: int, style: Style) -> None:
    os.mkdir(os.path.join(root, split))
    images, annotations = [], []
    for index in range(count):
        pixels, objects = draw_image(seed, split, index, style)
        # No id is in both splits, so that joined sets can tell their images apart.
        image_id = SPLITS.index(split) * 1000000 + index + 1
        file_name = f"{index + 1:06d}.png"
        Image.fromarray(pixels).save(os.path.join(root, split, file_name), compress_level=1)
        images.append({"id": image_id, "file_name": file_name, "height": pixels.shape[0], "width": pixels.shape[1]})
        for class_id, (x1, y1, x2, y2), area in objects:
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, "category_id": class_id + 1,
                                "bbox": [x1, y1, x2 - x1 + 1, y2 - y1 + 1], "area": area, "iscrowd": 0})
    content = {"info": {"description": "Shapes, drawn by light_head_rcnn", "seed": seed}, "images": images,
               "annotations": annotations,
               "categories": [{"id": i, "name": name} for i, name in enumerate(style.classes, 1)]}
    with open(os.path.join(root, "annotations", f"instances_{split}.json"), "w", encoding="utf-8") as file:
        json.dump(content, file)


def _read_shapes(path: PathLike, image_set: str, style: Style, **options: Any) -> CocoDataset:
    """Reads Shapes as `load_dataset` does, after writing it if `path` is new or empty."""
    ensure_shapes(path, style)
    return CocoDataset(path, image_set, **options)


for _name, _style in STYLES.items():
    register_dataset(_name, partial(_read_shapes, style=_style))
