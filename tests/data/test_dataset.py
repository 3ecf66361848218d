"""What all data sets share, on a reader that needs no annotation files."""
import pickle
from pathlib import Path

import pytest

from light_head_rcnn.data import Annotation, DataError, Dataset, make_record
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
    assert len(dataset) == 4 and dataset.classes == ("thing",) and dataset.skipped == []
    assert (dataset.path, dataset.image_set, dataset.name) == (str(root), "val + train", "folder val + train")
    assert dataset.summary() == "folder val + train: 4 images, 4 boxes, 1 of them difficult, 1 classes"


def test_labels_may_be_left_out(root):
    assert not any(len(record.boxes) for record in FolderDataset(root, "train", with_labels=False).records)


def test_faults_stop_or_are_counted(root):
    (root / "train" / "broken.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="broken.jpg: the name says so .*dataset.ON_ERROR: skip") as caught:
        FolderDataset(root, "train")
    assert caught.value.kind == "name broken"
    (root / "train" / "b.jpg").write_bytes(b"")
    dataset = FolderDataset(root, "train", on_error="skip")
    assert [record.image_id for record in dataset.records] == ["train/a", "train/c"]
    assert dataset.summary() == ("folder train: 2 images, 2 boxes, 1 of them difficult, 0 classes\n"
                                 "left out: 1 x image unreadable, 1 x name broken\n  " + "\n  ".join(dataset.skipped))
    assert len(dataset.skipped) == 2


@pytest.mark.parametrize("broken", ["a", "c"])
def test_images_are_decoded_only_when_asked_for(root, broken):
    (root / "train" / f"{broken}.jpg").write_bytes(b"")
    dataset = FolderDataset(root, "train")
    with pytest.raises(DataError, match=f"{broken}.jpg: not a readable image") as caught:
        dataset.check_images()
    assert caught.value.kind == "image unreadable" and len(dataset) == 3


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
    with pytest.raises(DataError, match="no usable image in set 'none'\n  .*broken.jpg: the name says so"):
        FolderDataset(root, "none", on_error="skip")


def test_error_survives_the_way_from_a_worker():
    error = pickle.loads(pickle.dumps(DataError("message", "kind")))
    assert (str(error), error.kind) == ("message", "kind")
