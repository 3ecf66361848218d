"""Reads the data sets that a configuration names, and writes what was found in them."""
from pathlib import Path
from typing import List, Optional, Sequence

from yacs.config import CfgNode

from ... import data
from ...errors import ConfigError, DataError
from ..config import dataset_kind
from ..files import PathLike, write_json


def build_dataset(cfg: CfgNode, image_set: str) -> data.Dataset:
    """Reads an image set of the configuration's data set.

    Args:
        cfg: its section `dataset` is read.
        image_set: such as `cfg.dataset.image_set`.

    Raises:
        DataError: an entry is broken, unless `dataset.ON_ERROR` is "skip".
        ConfigError: `dataset.NUM_CLASSES` is neither 0 nor the number of the data set's classes plus background.
    """
    dataset = data.load_dataset(dataset_kind(cfg), cfg.dataset.dataset_path, image_set,
                                classes=cfg.dataset.classes or None, on_error=cfg.dataset.ON_ERROR)
    counted = len(dataset.classes) + 1
    if cfg.dataset.NUM_CLASSES not in (0, counted):
        raise ConfigError(f"dataset.NUM_CLASSES is {cfg.dataset.NUM_CLASSES}, but {cfg.dataset.dataset_path} has "
                          f"{counted - 1} classes and background; set it to {counted}, or 0 to count")
    return dataset


def build_test_set(cfg: CfgNode, classes: Sequence[str]) -> Optional[data.Dataset]:
    """Reads the image set `dataset.test_image_set`, on which a training is tested; None where it is empty.

    Args:
        classes: names of the classes that are trained, background not among them.

    Raises:
        ConfigError: the test set has other classes. See also `build_dataset`.
    """
    if not cfg.dataset.test_image_set:
        return None
    test_set = build_dataset(cfg, cfg.dataset.test_image_set)
    if tuple(test_set.classes) != tuple(classes):
        raise ConfigError(
            f"the sets have different classes: {', '.join(classes)} in {cfg.dataset.image_set}, "
            f"{', '.join(test_set.classes)} in {cfg.dataset.test_image_set}; name them in dataset.classes")
    return test_set


def training_records(cfg: CfgNode, dataset: data.Dataset) -> List[data.Record]:
    """Returns the records of a data set that have a box to train on, with `TRAIN.USE_EMPTY_IMAGES` also the others.

    Raises:
        DataError: no record has a box to train on.
    """
    with_boxes = data.drop_images_without_boxes(dataset.records)
    if not with_boxes:
        raise DataError(f"{cfg.dataset.dataset_path}: no image of {cfg.dataset.image_set} has a box to train on",
                        "no boxes")
    return list(dataset.records) if cfg.TRAIN.USE_EMPTY_IMAGES else with_boxes


def empty_images_line(cfg: CfgNode, dataset: data.Dataset) -> Optional[str]:
    """Returns a sentence on the images without boxes, how many there are and whether they train; None without any."""
    count = len(dataset.records) - len(data.drop_images_without_boxes(dataset.records))
    if not count:
        return None
    what = ("are trained on, as background" if cfg.TRAIN.USE_EMPTY_IMAGES else
            "are not trained on; TRAIN.USE_EMPTY_IMAGES=true trains on them, as background")
    return f"images without boxes: {count} of {len(dataset.records)}; they {what}"


def write_reports(folder: PathLike, dataset: data.Dataset, test_set: Optional[data.Dataset]) -> None:
    """Writes what was read, and what was left out and why: train_set.json, and test_set.json if there is one."""
    for name, one in (("train_set.json", dataset), ("test_set.json", test_set)):
        if one is not None:
            write_json(Path(folder) / name, one.report())
