"""Folders of images by class: what is read, and what is wrong with folders."""
import pytest
from PIL import Image

from light_head_rcnn.data.classification import matched_sets, read_image_folder
from light_head_rcnn.errors import DataError


def test_classes_and_images(make_folder, tmp_path):
    root = make_folder(tmp_path / "train", {"dog": 2, "cat": 3})
    (root / "cat" / "more").mkdir()
    Image.new("L", (9, 9)).save(root / "cat" / "more" / "x.JPG", "JPEG")
    (root / "cat" / "notes.txt").write_text("x")
    (root / ".hidden").mkdir()
    (root / "cat" / ".thumb.png").write_text("x")
    found = read_image_folder(str(root))
    assert found.classes == ("cat", "dog") and found.counts() == [4, 2] and found.named
    assert [image.label for image in found.images] == [0] * 4 + [1] * 2
    assert found.images[3].path == str(root / "cat" / "more" / "x.JPG") == found.images[3].name
    assert found.summary().endswith("train: 6 images of 2 classes, from 2 to 4 of a class; 1 files that are no images "
                                    "are passed over")


def test_linked_folders_are_followed(make_folder, tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "cow").symlink_to(make_folder(tmp_path / "a", {"cow": 2}) / "cow")
    assert len(read_image_folder(str(tmp_path / "all")).images) == 2


@pytest.mark.parametrize("counts, words", [
    ({}, "has no folders: the images of each class must lie in a folder of its own"),
    ({"cat": 0, "dog": 0}, "holds no images; they are looked for by their endings: .jpg"),
    ({"cat": 1, "dog": 0, "eel": 0}, "these classes have no images: dog, eel")])
def test_empty_folders(make_folder, tmp_path, counts, words):
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match=words):
        read_image_folder(str(make_folder(tmp_path / "train", counts)))
    with pytest.raises(DataError, match="there is no folder .*nowhere"):
        read_image_folder(str(tmp_path / "nowhere"))


def test_a_folder_that_cannot_be_listed_is_named(make_folder, tmp_path, forbid):
    root = make_folder(tmp_path / "train", {"cat": 1, "dog": 1})
    make_folder(root / "cat", {"more": 1})
    forbid(root / "cat" / "more")
    with pytest.raises(DataError, match="more: the folder cannot be listed"):
        read_image_folder(str(root))


def test_different_classes(make_folder, tmp_path):
    train = read_image_folder(str(make_folder(tmp_path / "train", {"cat": 1, "dog": 1})))
    test = read_image_folder(str(make_folder(tmp_path / "val", {"cat": 1, "dig": 1})))
    with pytest.raises(DataError, match=r"(?s)only in .*train: dog\n.*only in .*val: dig\n"):
        matched_sets(train, test)
    assert matched_sets(train, train) == (train, train)
