"""Files of proposals of data sets: their parts, calls that are stopped and go on, and images that are added."""
import numpy as np
import pytest

from light_head_rcnn import data
from light_head_rcnn.data.proposals import describe_npz, load_proposals
from light_head_rcnn.data.proposals.methods import FoundBoxes
from light_head_rcnn.engine.inference import proposing
from light_head_rcnn.engine.inference.proposing import file_name, propose_for_dataset
from light_head_rcnn.errors import DataError, UsageError


class Stub:
    """Finds one box in an image, whose corner tells the image; remembers which images it was asked for."""

    def __init__(self, method="selective_search", limit=5, stop_at=None):
        self.method, self.mode, self.limit, self.stop_at = method, "fast", limit, stop_at
        self.asked = []

    @property
    def settings(self):
        return {"max": self.limit}

    def __call__(self, record):
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(record.path)
        if record.path.endswith("000002.png"):
            error = DataError("2.png is broken", "image_unreadable")
            return FoundBoxes(np.zeros((0, 4), np.float32), np.zeros(0)), error
        number = int(record.path[-6:-4])
        boxes = np.float32([[number, 0, 50, 50]])
        return FoundBoxes(boxes, np.float32([number]) if self.method == "edge_boxes" else None), None


@pytest.fixture
def dataset(tmp_path):
    data.write_shapes(tmp_path / "shapes", train=6, val=2)
    return data.load_dataset("auto", tmp_path / "shapes", "train")


@pytest.mark.parametrize("method", ["selective_search", "edge_boxes"])
def test_a_file_of_all_images(dataset, tmp_path, method):
    finder, path = Stub(method), tmp_path / "out" / "boxes.npz"
    done = propose_for_dataset(dataset, finder, path, 0)
    assert (done.path, done.images, done.found_before, done.unread) == (path, 6, 0, 1)
    assert "2.png is broken" in str(dataset.report()) and sorted(path.parent.iterdir()) == [path]
    found = load_proposals(path, dataset.records)
    for record in dataset.records:
        number = int(record.path[-6:-4])
        np.testing.assert_array_equal(found.of(record), np.tile([number, 0, 50, 50], (int(number != 2), 1)))
    about = describe_npz(str(path))
    assert (about.method, about.settings) == (method, '{"max": 5}')
    assert all(name.endswith(".png") and not name.startswith("/") for name in about.images)
    again = propose_for_dataset(dataset, finder, path, 0)
    assert again.found_before == 6 and len(finder.asked) == 6


@pytest.mark.parametrize("seconds", [-1.0, 1e9])
def test_a_call_that_was_stopped_goes_on(dataset, tmp_path, monkeypatch, seconds):
    monkeypatch.setattr(proposing, "_PART_SECONDS", seconds)  # a part for each image, or one at the end
    path, first, second = tmp_path / "boxes.npz", Stub(stop_at=4), Stub()
    with pytest.raises(KeyboardInterrupt):
        propose_for_dataset(dataset, first, path, 0)
    parts = sorted((tmp_path / "boxes.npz.parts").glob("*"))
    assert not path.exists() and len(parts) == (4 if seconds < 0 else 1)
    if seconds < 0:
        parts[0].write_bytes(parts[0].read_bytes()[:100])  # of a disk that was full: found again
        (parts[0].parent / "part-000009.npz").write_bytes(parts[2].read_bytes())  # of another run at the same time
    done = propose_for_dataset(dataset, second, path, 0)
    assert done.found_before == (3 if seconds < 0 else 4)
    assert len(second.asked) == 6 - done.found_before and not (tmp_path / "boxes.npz.parts").exists()
    assert len(load_proposals(path, dataset.records)) == 6
    assert len(describe_npz(str(path)).images) == 6


def test_parts_that_were_found_in_another_way_are_not_used(dataset, tmp_path):
    path = tmp_path / "boxes.npz"
    with pytest.raises(KeyboardInterrupt):
        propose_for_dataset(dataset, Stub(stop_at=4), path, 0)
    assert propose_for_dataset(dataset, Stub(limit=7), path, 0).found_before == 0
    with pytest.raises(UsageError, match=r'boxes.npz has proposals of selective_search {"max": 7}, and .* {"max": 5} '
                                         "are asked for: name another folder by --out"):
        propose_for_dataset(dataset, Stub(), path, 0)


def test_images_that_are_added_and_images_that_changed(dataset, tmp_path):
    path, records = tmp_path / "boxes.npz", list(dataset.records)
    dataset.records = records[:4]
    propose_for_dataset(dataset, Stub(), path, 0)
    changed = data.make_record(records[1].image_id, records[1].path, records[1].width + 1, records[1].height, [])
    dataset.records, finder = [records[0], changed, *records[3:]], Stub()
    assert propose_for_dataset(dataset, finder, path, 0).found_before == 2
    assert finder.asked == [records[1].path, records[4].path, records[5].path]
    assert sorted(describe_npz(str(path)).images) == sorted(
        proposing.names_of(dataset.records, dataset.path))


def test_images_of_another_data_set_of_the_same_names(dataset, tmp_path):
    """The name of the file is that of the folder: two data sets may share it, and images the names and sizes."""
    path = tmp_path / "boxes.npz"
    propose_for_dataset(dataset, Stub(), path, 0)
    data.write_shapes(tmp_path / "other" / "shapes", train=6, val=2, seed=1)
    other, before = data.load_dataset("auto", tmp_path / "other" / "shapes", "train"), path.read_bytes()
    assert proposing.names_of(other.records, other.path) == proposing.names_of(dataset.records, dataset.path)
    with pytest.raises(UsageError, match="boxes.npz has proposals of other images, .*name another folder by --out"):
        propose_for_dataset(other, Stub(), path, 0)
    assert path.read_bytes() == before


@pytest.mark.parametrize("data_set, image_set, expected", [
    ("photos/", "train", "photos-train-selective_search-fast.npz"),
    ("a b/labels.json", "2007_trainval+2012_trainval", "labels-2007_trainval+2012_trainval-selective_search-fast.npz"),
    ("my photos", "x/y", "my_photos-x_y-selective_search-fast.npz"),
])
def test_names_of_files(data_set, image_set, expected):
    assert file_name(data_set, image_set, "selective_search") == expected
    assert file_name(data_set, image_set, "edge_boxes") == expected.replace("selective_search-fast", "edge_boxes")
