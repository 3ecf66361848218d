"""A data set with all that records can hold, and functions that pack and compare."""
import dataclasses
import os

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.data.packing.set_packer import PackOptions
from light_head_rcnn.data.packing.writing import pack_datasets
from light_head_rcnn.data.record import Record


def _pack(source, folder, names=("train",), **options):
    """Packs sets of a data set; returns these by name."""
    datasets = {name: load_dataset("auto", source, name) for name in names}
    os.makedirs(folder, exist_ok=True)
    pack_datasets(str(folder), datasets, str(source), PackOptions(**{"shard_bytes": 4000, "workers": 2, **options}))
    return datasets


def _assert_same(found, expected, but=("path",)):
    """Compares records field by field, with types."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert os.path.basename(one.path) == os.path.basename(other.path)
        for field in dataclasses.fields(Record):
            value, wanted = getattr(one, field.name), getattr(other, field.name)
            if field.name in but:
                continue
            assert type(value) is type(wanted), field.name
            if isinstance(wanted, np.ndarray):
                assert value.dtype == wanted.dtype and value.shape == wanted.shape, field.name
            assert np.array_equal(value, wanted), field.name


@pytest.fixture
def pack():
    """pack(source, folder, names=("train",), **options)"""
    return _pack


@pytest.fixture
def assert_same():
    """assert_same(found, expected, but=("path",))"""
    return _assert_same


@pytest.fixture
def odd_tree(coco_tree):
    """A data set with crowds, difficult objects, ignored ones, regions, a turned image and faults."""
    content = coco_tree.content
    content["annotations"] += [
        {"id": 20, "image_id": 3, "category_id": 9, "bbox": [1, 1, 5, 5], "difficult": 1},
        {"id": 21, "image_id": 3, "category_id": 9, "bbox": [30, 30, 50, 50]},  # over the edge
        {"id": 22, "image_id": 3, "category_id": 9, "bbox": [500, 500, 5, 5]},  # outside
        {"id": 23, "image_id": 3, "category_id": 77, "bbox": [3, 3, 5, 5]},  # no class: a region
        {"id": 24, "image_id": 7, "category_id": 9, "bbox": [3.25, 3.125, 5.0625, 5], "iscrowd": "what"}]
    content["images"].append({"id": 99, "file_name": "gone.jpg", "width": 5, "height": 5})
    coco_tree.write()
    return coco_tree
