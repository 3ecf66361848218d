"""YOLO's layout: labels in fractions of the image as viewers show it."""
import numpy as np
import pytest
import yaml
from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.data.writers import write_dataset
from PIL import Image, ImageOps


def labels(file):
    return [[float(word) for word in line.split()] for line in file.read_text().splitlines()]


def test_labels_and_data_yaml(sets, classes, tmp_path):
    notes = write_dataset("yolo", str(tmp_path / "new"), sets, classes)
    assert [note.split(":")[0] for note in notes] == [
        "3 x crowd, difficult or ignored object", "2 x area other than that of the box",
        "1 x place without known labels"]
    root = tmp_path / "new"
    assert yaml.safe_load((root / "data.yaml").read_text(encoding="utf-8")) == {
        "train": "images/train", "val": "images/val", "nc": 3, "names": list(classes)}
    whole, part = labels(root / "labels/train/1.txt")
    assert whole == [0, 0.5, 0.5, 1, 1]
    np.testing.assert_allclose(part, [2, (1.5 + 10.875) / 120, (2.25 + 12.123456) / 80, 9.375 / 60, 9.873456 / 40],
                               atol=1e-8)
    assert labels(root / "labels/train/1-2.txt") == [[1, pytest.approx(3.5 / 60), 3.5 / 40, pytest.approx(1 / 60),
                                                      1 / 40]]
    assert (root / "labels/train/two words.txt").read_text() == ""
    for image_set in ("train", "val"):
        names = [sorted(path.stem for path in (root / what / image_set).iterdir()) for what in ("images", "labels")]
        assert names[0] == names[1] and len(names[0]) >= 2


@pytest.mark.parametrize("names, keys", [
    (("train2017", "val2017", "more"), {"train": "train2017", "val": "val2017", "more": "more"}),
    (("trainval", "train", "test"), {"train": "train", "test": "test", "trainval": "trainval"}),
    (("train_a", "train_b"), {"train_a": "train_a", "train_b": "train_b"}),
])
def test_the_names_of_sets_in_data_yaml(sets, classes, tmp_path, names, keys):
    write_dataset("yolo", str(tmp_path / "new"), {name: sets["val"] for name in names}, classes)
    content = yaml.safe_load((tmp_path / "new" / "data.yaml").read_text(encoding="utf-8"))
    del content["nc"], content["names"]
    assert content == {key: f"images/{name}" for key, name in keys.items()}


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_an_image_that_was_labelled_unturned_are_turned(tmp_path, orientation):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[4:10, 20:50] = 255  # the object
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = str(tmp_path / "1.png")
    Image.fromarray(pixels).save(path, exif=exif)
    record = make_record("1", path, 60, 40, [Annotation((20, 4, 49, 9), 0)], upright=False)
    write_dataset("yolo", str(tmp_path / "new"), {"train": [record]}, ("white",))
    with Image.open(tmp_path / "new" / "images" / "train" / "1.png") as image:
        shown = np.asarray(ImageOps.exif_transpose(image))[..., 0]
    rows, columns = np.nonzero(shown)
    (_, x, y, width, height), = labels(tmp_path / "new" / "labels" / "train" / "1.txt")
    assert (round(width * 40), round(height * 60)) == (6, 30)
    np.testing.assert_allclose([(x - width / 2) * 40, (y - height / 2) * 60], [columns.min(), rows.min()], atol=1e-6)
