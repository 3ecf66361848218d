"""Data sets that come from the cache are the same in all respects as those that are read from their files."""
import dataclasses
import json
import os

import numpy as np
import pytest
from light_head_rcnn.data import Dataset, load_dataset, make_record
from light_head_rcnn.data.cache import set_cache
from light_head_rcnn.data.cache.cache_folder import VARIABLE
from light_head_rcnn.data.readers.coco import CocoDataset
from light_head_rcnn.data.record import Record


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache that keeps sets however fast they are read, and notes each set that comes from it."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(set_cache, "LEAST_SECONDS", 0)
    taken = []
    plain_take = Dataset._take
    monkeypatch.setattr(Dataset, "_take", lambda self, known: (taken.append(self.name), plain_take(self, known)))
    return taken


def age(root):
    """Sets the time of every file some time back: what was changed a moment ago is not kept."""
    for file in root.rglob("*.*"):
        os.utime(file, (1000, file.stat().st_size))


@pytest.fixture
def faulty_tree(coco_tree):
    """A set with a fault of several kinds, an unread class and category ids of its own."""
    content = coco_tree.content
    content["images"].append({"id": 8, "file_name": "missing.jpg", "width": 1, "height": 1})
    content["annotations"] += [
        {"id": 20, "image_id": 3, "category_id": 2, "bbox": [30, 50, 40, 40]},
        {"id": 21, "image_id": 3, "category_id": 2, "bbox": [1, 1, 5, 5], "iscrowd": "maybe"},
        {"id": 22, "image_id": 5, "category_id": 2, "bbox": ["a", 1, 5, 5]},
        {"id": 23, "image_id": 99, "category_id": 2, "bbox": [1, 1, 5, 5]}]
    coco_tree.write()
    age(coco_tree.root)
    return coco_tree


def test_everything_is_the_same(faulty_tree, cache):
    def load():
        return load_dataset("coco", str(faulty_tree.root), "train", classes=["bird", "cat"])

    first, again = load(), load()
    assert cache == ["coco train"]
    assert len(first.log.counts) >= 4 and first.unread and first.category_ids == (10, 2)
    for name in ("name", "path", "image_set", "classes", "category_ids", "unread", "notes", "annotation_file"):
        assert getattr(again, name) == getattr(first, name), name
        assert type(getattr(again, name)) is type(getattr(first, name)), name
    assert (again.log.counts, again.log.examples) == (first.log.counts, first.log.examples)
    assert again.summary() == first.summary() and again.report() == first.report()
    assert len(again.records) == len(first.records)
    for one, other in zip(first.records, again.records):
        for field in dataclasses.fields(Record):
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name
            assert type(getattr(one, field.name)) is type(getattr(other, field.name)), field.name
    json.dumps(again.report())


@pytest.mark.parametrize("options", [
    {"classes": ["cat"]}, {"classes": ["cat", "dog"]}, {"on_error": "skip"}, {"on_error": {"box_over_edge": "drop"}},
    {"with_labels": False}, {"max_megapixels": 1.0}], ids=str)
def test_other_arguments_are_other_sets(faulty_tree, cache, options):
    load_dataset("coco", str(faulty_tree.root), "train")
    load_dataset("coco", str(faulty_tree.root), "train", **options)
    assert not cache
    load_dataset("coco", str(faulty_tree.root), "train", **options)
    assert len(cache) == 1


@pytest.mark.parametrize("name", ["annotations/instances_train.json", "train/a.jpg"])
def test_changed_files_are_read_anew(faulty_tree, cache, name):
    load_dataset("coco", str(faulty_tree.root), "train")
    file = faulty_tree.root / name
    file.write_bytes(file.read_bytes().replace(b'"bbox": [10, 5, 20, 30]', b'"bbox": [11, 5, 20, 30]'))
    dataset = load_dataset("coco", str(faulty_tree.root), "train")
    assert not cache
    assert dataset.records[0].boxes[0, 0] == (11 if name.endswith("json") else 10)


def test_voc(voc_tree, cache):
    age(voc_tree.root)
    first, again = (load_dataset("voc", str(voc_tree.root), "train") for _ in range(2))
    assert cache == ["voc train"]
    assert again.summary() == first.summary() and again.category_ids is None
    assert [record.image_id for record in again.records] == ["a", "b", "c"]


def test_files_that_lie_elsewhere_are_watched(faulty_tree, cache, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    file = faulty_tree.file.rename(tmp_path / "elsewhere/boxes.json")
    images = faulty_tree.root / "train"

    def load():
        return load_dataset("auto", str(images), "train", annotations={"train": str(file)}, image_root=str(images))

    first, again = load(), load()
    assert cache == ["coco train"]
    assert again.summary() == first.summary() and again.report() == first.report()
    (tmp_path / "elsewhere/beside.txt").write_text("of no importance")
    load()
    assert len(cache) == 2
    file.write_text(file.read_text().replace('"bbox": [10, 5, 20, 30]', '"bbox": [11, 5, 20, 30]'))
    assert load().records[0].boxes[0, 0] == 11 and len(cache) == 2


@pytest.mark.parametrize("path, place", [("b", "class-descriptions-boxable.csv"), ("b", "classes.csv"),
                                         ("b/labels/detections.csv", "b/metadata/classes.csv")])
def test_names_of_classes_that_lie_elsewhere_are_watched(cache, tmp_path, make_image, path, place):
    root = tmp_path / "b"
    make_image(root / "data" / "0a.jpg", 60, 40)
    (root / "labels").mkdir()
    (root / "labels" / "detections.csv").write_text("ImageID,LabelName,XMin,XMax,YMin,YMax\n0a,/m/1,.1,.5,.1,.5\n")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    age(tmp_path)
    found = []
    for names in (None, "/m/1,Car\n", "/m/1,Bus,x\n", None):
        if names is not None:
            (tmp_path / place).write_text(names)
        elif found:
            (tmp_path / place).unlink()
        age(tmp_path)
        found.append([load_dataset("auto", str(tmp_path / path), "all").classes for _ in range(2)])
    assert found == [[("/m/1",)] * 2, [("Car",)] * 2, [("Bus",)] * 2, [("/m/1",)] * 2] and len(cache) == 5


@pytest.mark.parametrize("layout", ["coco", "auto"])
def test_another_set_of_the_same_folder(faulty_tree, cache, layout):
    (faulty_tree.root / "train").rename(faulty_tree.root / "images")
    faulty_tree.file.with_name("instances_val.json").write_text(json.dumps({**faulty_tree.content, "annotations": []}))
    age(faulty_tree.root)
    for _ in range(2):
        boxes = [sum(len(record.boxes) for record in load_dataset(layout, str(faulty_tree.root), name).records)
                 for name in ("train", "val")]
        assert boxes[0] > 0 and boxes[1] == 0
    assert len(cache) == 2


def test_readers_of_ones_own_are_called_each_time(faulty_tree, cache):
    class Own(Dataset):
        layout = "own"
        calls = 0

        def read_image_set(self, image_set, with_labels):
            Own.calls += 1
            return [make_record(1, str(faulty_tree.root / "train/a.jpg"), 60, 40, [])]

    class Derived(CocoDataset):
        pass

    for _ in range(2):
        Own(faulty_tree.root, "train", classes=["cat"])
        Derived(faulty_tree.root, "train")
    assert Own.calls == 2 and not cache
