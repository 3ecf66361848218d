"""Reads the data sets that a configuration names, and writes what was found in them."""
from pathlib import Path
from typing import Optional, Sequence

import numpy as np
from yacs.config import CfgNode

from ... import data
from ...data.record_columns import object_counts, take_records, training_box_counts
from ...errors import ConfigError, DataError
from ..config import annotation_files, dataset_kind, fault_policy
from ..files import PathLike, write_json


def build_dataset(cfg: CfgNode, image_set: str, classes: Optional[Sequence[str]] = None) -> data.Dataset:
    """Reads an image set of the configuration's data set.

    Args:
        cfg: its section `dataset` is read.
        image_set: such as `cfg.dataset.image_set`.
        classes: names of the classes to read, background not among them; None takes `dataset.classes`, or else those
            of the data set.

    Raises:
        DataError: there is no such set, or an entry has a fault that `dataset.ON_ERROR` makes an error.
        ConfigError: `dataset.NUM_CLASSES` is neither 0 nor the number of the data set's classes plus background.
    """
    options = {"image_root": cfg.dataset.image_root, "annotations": annotation_files(cfg)}
    if cfg.dataset.MAX_MEGAPIXELS != data.MAX_MEGAPIXELS:
        options["max_megapixels"] = cfg.dataset.MAX_MEGAPIXELS
    try:
        # Readers that a program has registered need not know of options that are not used.
        dataset = data.load_dataset(dataset_kind(cfg), cfg.dataset.dataset_path, image_set,
                                    classes=classes or cfg.dataset.classes or None, on_error=fault_policy(cfg),
                                    **{name: value for name, value in options.items() if value})
    except DataError as error:
        if Path(cfg.dataset.dataset_path).exists():
            raise
        raise DataError(f"{error}; name the folder of your data set by dataset.dataset_path=FOLDER",
                        error.kind) from None
    counted = len(dataset.classes) + 1
    if cfg.dataset.NUM_CLASSES not in (0, counted):
        raise ConfigError(f"dataset.NUM_CLASSES is {cfg.dataset.NUM_CLASSES}, but {cfg.dataset.dataset_path} has "
                          f"{counted - 1} classes and background; set it to {counted}, or 0 to count")
    return dataset


def build_test_set(cfg: CfgNode, classes: Sequence[str]) -> Optional[data.Dataset]:
    """Reads the image set `dataset.test_image_set`, on which a training is tested; None where it is empty.

    Args:
        classes: names of the classes that are trained, background not among them. Those that the test set lacks are
            not measured.

    Raises:
        DataError: the test set has none of the classes. See also `build_dataset`.
        ConfigError: see `build_dataset`.
    """
    if not cfg.dataset.test_image_set:
        return None
    test_set = build_dataset(cfg, cfg.dataset.test_image_set, classes)
    check_testable(test_set)
    return test_set


def check_testable(dataset: data.Dataset) -> None:
    """Raises DataError for a data set all of whose boxes are of classes that it was not asked for."""
    if dataset.unread and not object_counts(dataset.records).any():
        raise DataError(f"{dataset.name} has no box of the classes {', '.join(dataset.classes)}, only of "
                        f"{', '.join(sorted(dataset.unread))}: there is nothing to evaluate against", "classes")


def training_records(cfg: CfgNode, dataset: data.Dataset) -> Sequence[data.Record]:
    """Returns the records of a data set that have a box to train on, with `TRAIN.USE_EMPTY_IMAGES` also the others.

    Of these, `TRAIN.SHARE` says how large a part is returned.

    Raises:
        DataError: no record has a box to train on.
    """
    with_boxes = data.drop_images_without_boxes(dataset.records)
    if not len(with_boxes):
        raise DataError(f"{cfg.dataset.dataset_path}: no image of {cfg.dataset.image_set} has a box to train on",
                        "no boxes")
    records = dataset.records if cfg.TRAIN.USE_EMPTY_IMAGES else with_boxes
    if cfg.TRAIN.SHARE == 1:
        return records
    order = np.random.RandomState(cfg.seed).permutation(len(records))
    return take_records(records, sorted(order[:max(1, round(cfg.TRAIN.SHARE * len(records)))]))


def empty_images_line(cfg: CfgNode, dataset: data.Dataset) -> Optional[str]:
    """Returns a sentence on the images without boxes, how many there are and whether they train; None without any."""
    count = int((training_box_counts(dataset.records) == 0).sum())
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
