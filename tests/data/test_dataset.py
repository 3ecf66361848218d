"""What all data sets share, on a reader that needs no annotation files."""
import json
from pathlib import Path

import pytest
from light_head_rcnn.data import Annotation, DataError, Dataset, RawImage, RawObject, RawSet, make_record
from light_head_rcnn.errors import UsageError


class FolderDataset(Dataset):
    """Every image of a subfolder with one box; reports an image named "broken" as a fault."""

    layout = "folder"

    def read_image_set(self, image_set, with_labels):
        records = []
        for file in sorted((Path(self.path) / image_set).iterdir()):
            if file.stem == "broken":
                self.report_fault(f"{file}: the name says so", "name broken")
                continue
            annotations = [Annotation((0, 0, 9, 9), 0, difficult=file.stem == "c")] if with_labels else []
            records.append(make_record(f"{image_set}/{file.stem}", str(file), 60, 40, annotations))
        return records


@pytest.fixture
def root(tmp_path, make_image):
    for index, name in enumerate(("train/a", "train/b", "train/c", "val/d")):
        make_image(tmp_path / f"{name}.jpg", 60, 40, index)
    return tmp_path


def test_sets_are_joined_in_their_order(root):
    dataset = FolderDataset(root, "val + train", classes=["thing"])
    assert [record.image_id for record in dataset.records] == ["val/d", "train/a", "train/b", "train/c"]
    assert len(dataset) == 4 and dataset.classes == ("thing",) and dataset.category_ids is None
    assert (dataset.path, dataset.image_set, dataset.name) == (str(root), "val + train", "folder val + train")
    assert dataset.summary() == "folder val + train: 4 images, 4 boxes, 1 of them difficult, 1 class"


def test_labels_may_be_left_out(root):
    dataset = FolderDataset(root, "train", with_labels=False)
    assert not any(len(record.boxes) for record in dataset.records)
    assert dataset.summary() == "folder train: 3 images, 0 boxes, 0 classes, 3 images without boxes"


def test_faults_that_a_reader_reports(root):
    (root / "train" / "broken.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="broken.jpg: the name says so .*dataset.ON_ERROR") as caught:
        FolderDataset(root, "train", on_error="raise")
    assert caught.value.kind == "name broken"
    dataset = FolderDataset(root, "train")
    assert len(dataset) == 3 and dataset.log.counts == {"name broken": 1}
    assert dataset.report_fault("box 3 is cut", "box_over_edge") == "clip"
    lines = dataset.summary().splitlines()
    assert lines[0].startswith("folder train: 3 images") and lines[1].startswith("faults, their number")
    assert len(lines) == 6 and lines[-1].endswith("broken.jpg: the name says so")


@pytest.mark.parametrize("broken", ["a", "c"])
def test_images_are_decoded_only_when_asked_for(root, broken):
    (root / "train" / f"{broken}.jpg").write_bytes(b"no image")
    dataset = FolderDataset(root, "train", on_error="raise")
    with pytest.raises(DataError, match=f"{broken}.jpg: not a readable image") as caught:
        dataset.check_images()
    assert caught.value.kind == "image_unreadable" and len(dataset) == 3
    dataset = FolderDataset(root, "train")
    dataset.check_images()
    assert len(dataset) == 2 and dataset.log.counts == {"image_unreadable": 1}


def test_arguments_are_checked(root):
    with pytest.raises(UsageError, match="on_error is 'ignore'"):
        FolderDataset(root, "train", on_error="ignore")
    with pytest.raises(DataError, match="nowhere: no such folder of a folder data set"):
        FolderDataset(root / "nowhere", "train")


def test_a_set_without_images_is_an_error(root):
    (root / "none").mkdir()
    with pytest.raises(DataError, match="no usable image in set 'none'$"):
        FolderDataset(root, "none")
    (root / "none" / "broken.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="no usable image in set 'none'\n +name broken +1 .*\n.*broken.jpg: the name"):
        FolderDataset(root, "none")


class ListDataset(Dataset):
    """What a dict says of the image sets; the images lie in folders of their names."""

    layout = "list"
    sets = {"train": {"a": ("dog", "cat", "dog"), "b": ("cow",), "c": ()}, "val": {"d": ("bee",)}}
    ids = {"train": {"cat": 3, "dog": 7}, "val": {"bee": 3}}

    def find_classes(self):
        return ["cat", "no", "dog", "bee"]

    def read_raw_set(self, image_set, with_labels):
        images = [RawImage(f"list: {name}", name, f"{name}.jpg", None, None, [
            RawObject(i, label, [1, 1, 5, 5]) for i, label in enumerate(labels)])
            for name, labels in self.sets[image_set].items()]
        return RawSet(images, "xywh", (f"{self.path}/{image_set}",), (("annotation_broken", "list: broken"),),
                      self.ids[image_set], notes=(f"{image_set} was read",))


def test_raw_sets_are_assembled(root):
    dataset = ListDataset(root, "train+val")
    assert dataset.classes == ("cat", "no", "dog", "bee") and dataset.notes == ["train was read", "val was read"]
    assert [record.classes.tolist() for record in dataset.records] == [[2, 0, 2], [], [], [3]]
    assert dataset.unread == {"cow": 1} and dataset.log.counts == {"annotation_broken": 2}
    summary = dataset.summary()
    assert summary.startswith("list train+val: 4 images, 4 boxes, 4 classes, 2 images without boxes\n")
    assert "not seen: 1 of cow\n  train was read\n  val was read\nfaults" in summary
    assert json.loads(json.dumps(dataset.report())) == {
        "name": "list train+val", "image_set": "train+val", "images": 4, "boxes": 4,
        "boxes_per_class": {"cat": 1, "no": 0, "dog": 2, "bee": 1}, "images_without_boxes": 2, "unread": {"cow": 1},
        "notes": ["train was read", "val was read"], "faults": dataset.log.as_json()}


def test_without_labels_no_objects_are_seen(root):
    dataset = ListDataset(root, "train+val", with_labels=False)
    assert len(dataset) == 4 and not any(len(record.boxes) for record in dataset.records) and not dataset.unread


def test_ids_in_results(root):
    assert ListDataset(root, "train").category_ids == (3, 8, 7, 9)  # classes without an id have new ones
    assert ListDataset(root, "train+val", classes=["dog", "cat", "bee"]).category_ids == (7, 3, 8)  # none twice


def test_many_other_classes_are_cut_in_the_summary(root, monkeypatch):
    monkeypatch.setattr(ListDataset, "sets", {"train": {"a": tuple("uvwxyzu")}})
    summary = ListDataset(root, "train").summary()
    assert "not seen: 2 of u, 1 of v, 1 of w, 1 of x, 1 of y, and 1 more class" in summary


def test_limit_of_pixels(root):
    with pytest.raises(DataError, match="no usable image"):
        ListDataset(root, "train", max_megapixels=0.001)


@pytest.mark.parametrize("classes, names", [
    (["dog", False], ("dog", "no")), ([9, "dog", 1.5], ("9", "dog", "1.5")), ([" cat "], ("cat",)),
    ((), ("cat", "no", "dog", "bee")), (None, ("cat", "no", "dog", "bee"))])
def test_names_of_classes_are_texts(root, classes, names):
    assert ListDataset(root, "train", classes=classes).classes == names


@pytest.mark.parametrize("classes, message", [
    (["dog", True], "True is no name of a class; put names .* in quotes"), (["dog", ""], "'' is no name"),
    (["dog", "cat", "dog"], "'dog' is named twice"), ("dog", "not the text 'dog'"), ([None], "None is no name")])
def test_classes_that_are_no_names(root, classes, message):
    with pytest.raises(UsageError, match=message):
        ListDataset(root, "train", classes=classes)
