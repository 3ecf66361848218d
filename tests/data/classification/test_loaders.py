"""Batches of classified images: all images once, reproducible, the same from workers, and without broken files."""
import numpy as np
import pytest

from light_head_rcnn.data.classification import (ClassifierTestLoader, ClassifierTrainLoader, TestView, TrainView,
                                                 read_image_folder, read_record_file)
from light_head_rcnn.errors import TrainingError, UsageError


def sets_of(make_folder, make_records, tmp_path):
    return {"folder": read_image_folder(str(make_folder(tmp_path / "a", {"x": 4, "y": 3, "z": 3}))),
            "records": read_record_file(str(make_records(tmp_path / "a.rec", [0, 1, 2, 0, 1, 2, 0, 1, 2, 0])))}


@pytest.mark.parametrize("kind", ["folder", "records"])
def test_an_epoch(make_folder, make_records, tmp_path, kind):
    images = sets_of(make_folder, make_records, tmp_path)[kind].images
    view = TrainView(16, 1.0, color_jitter=0)
    loader = ClassifierTrainLoader(images, 4, view, seed=3)
    batches = list(loader.epoch(0))
    assert len(loader) == len(batches) == 2
    assert all(pixels.shape == (4, 16, 16, 3) and pixels.dtype == np.uint8 for pixels, _ in batches)
    for pixels, labels in batches:
        if kind == "folder":
            assert (pixels[:, 0, 0, 0] == 60 * labels).all()
        else:
            assert (pixels[:, 0, 0, 0] % 3 == labels).all()
    shown = [tuple(one[0, 0]) for pixels, _ in batches for one in pixels]
    assert len(set(shown)) == 8  # no image twice
    again = list(ClassifierTrainLoader(images, 4, view, seed=3).epoch(0, start=1))
    assert len(again) == 1 and all((a == b).all() for a, b in zip(again[0], batches[1]))
    assert any((a[1] != b[1]).any() for a, b in zip(loader.epoch(1), batches))


def test_an_epoch_goes_on_with_the_same_random_changes(make_folder, tmp_path):
    images = read_image_folder(str(make_folder(tmp_path / "a", {"x": 1, "y": 6}))).images
    whole, rest = (list(ClassifierTrainLoader(images, 2, TrainView(16), seed=3).epoch(1, first)) for first in (0, 1))
    assert len(rest) == 2 and all((a[0] == b[0]).all() for a, b in zip(whole[1:], rest))


@pytest.mark.parametrize("kind", ["folder", "records"])
def test_workers_make_the_same_batches(make_folder, make_records, tmp_path, kind):
    images = sets_of(make_folder, make_records, tmp_path)[kind].images
    epochs = [list(ClassifierTrainLoader(images, 4, TrainView(16), seed=1, num_workers=n).epoch(2)) for n in (0, 1)]
    for here, there in zip(*epochs):
        assert all((a == b).all() for a, b in zip(here, there))
    tests = [list(ClassifierTestLoader(images, 4, TestView(16), num_workers=n)) for n in (0, 1)]
    assert [len(made.labels) for made in tests[0]] == [4, 4, 2]
    assert np.concatenate([made.labels for made in tests[0]]).tolist() == [image.label for image in images]
    for here, there in zip(*tests):
        assert (here.pixels == there.pixels).all() and here.unread == there.unread == {}


def test_broken_images_are_replaced_and_told(make_folder, tmp_path):
    root = make_folder(tmp_path / "a", {"x": 4, "y": 4})
    bad = root / "x" / "1.png"
    bad.write_bytes(b"no picture")
    images = read_image_folder(str(root)).images
    loader = ClassifierTrainLoader(images, 4, TrainView(16, color_jitter=0))
    for pixels, labels in loader.epoch(0):
        assert len(pixels) == len(labels) == 4 and (pixels[:, 0, 0, 0] == 60 * labels).all()
    assert list(loader.unreadable) == [str(bad)] and "1.png" in loader.unreadable[str(bad)] and loader.replaced == 1
    made = list(ClassifierTestLoader(images, 8, TestView(16)))
    assert len(made[0].labels) == 7 and list(made[0].unread) == [str(bad)]


def test_no_image_can_be_read(make_folder, tmp_path):
    root = make_folder(tmp_path / "a", {"x": 2})
    images = read_image_folder(str(root)).images
    for path in (root / "x").iterdir():
        path.unlink()
    with pytest.raises(TrainingError, match="none of the 2 images of a batch can be read.*Are the images still there"):
        list(ClassifierTrainLoader(images, 2, TrainView(16)).epoch(0))
    with pytest.raises(UsageError, match="a batch of 3 images cannot be made of a set of 2"):
        ClassifierTrainLoader(images, 3, TrainView(16))
