"""KITTI's, VisDrone's and WIDER FACE's text files: told by most files of a folder, with the right images."""
import os

import pytest
from light_head_rcnn.data import DataError, find_annotations, find_sets, load_dataset, training_regions
from light_head_rcnn.data.readers.text_files import image_folder_beside

from .conftest import BOX


def test_regions_without_labels_are_no_background(build):
    build.images("image/1.jpg")
    build.kitti("label/1.txt", "Car")
    record, = load_dataset("auto", build.root, "all", on_error="raise").records
    assert record.boxes.tolist() == [list(BOX)] and training_regions(record).tolist() == [[5, 5, 9, 9]]


def test_empty_files_and_lists_are_no_hindrance(build):
    build.images(*(f"images/{name}.jpg" for name in "123"))
    build.text("labels/1.txt")
    build.kitti("labels/2.txt", "Car")
    build.kitti("labels/3.txt", "Car", "Van")
    build.text("labels/train.txt", "1.jpg\n2.jpg\n")
    dataset = load_dataset("auto", build.root, "all", on_error="raise")
    assert [len(record.boxes) for record in dataset.records] == [0, 1, 2]


def test_a_folder_of_which_few_files_fit_is_not_taken(build):
    build.images("1.jpg")
    build.kitti("1.txt", "Car")
    build.text("2.txt", "one word\n")
    build.text("3.txt", "another word\n")
    with pytest.raises(DataError, match="no annotations that are known .*KITTI, VisDrone, WIDER FACE and Open Images"):
        find_sets(build.root)


def test_images_of_another_camera_are_taken_where_they_are_named(build):
    build.images("training/image_2/1.png", "training/image_3/1.png")
    build.kitti("training/label_2/1.txt", "Car")
    for image_root, camera in ((None, "image_2"), (build.root / "training" / "image_3", "image_3")):
        record, = load_dataset("auto", build.root, "train", image_root=image_root, on_error="raise").records
        assert os.path.basename(os.path.dirname(record.path)) == camera


def test_a_single_file_is_a_set(build):
    build.images("faces/WIDER_train/images/0--Parade/1.jpg", "cars/training/image_2/2.png",
                 "cars/training/image_3/2.png")
    build.widerface("faces/wider_face_split/wider_face_train_bbx_gt.txt", {"0--Parade/1.jpg": 1})
    build.kitti("cars/training/label_2/2.txt", "Car")
    faces = build.root / "faces" / "wider_face_split" / "wider_face_train_bbx_gt.txt"
    assert find_sets(faces).layout == find_annotations(faces, "train").layout == "widerface"
    cars = build.root / "cars" / "training" / "label_2" / "2.txt"
    for path, image_set, name in ((faces, "train", "1"), (cars, "all", "2")):
        record, = load_dataset("auto", path, image_set, on_error="raise").records
        assert record.image_id == name and record.boxes.tolist() == [list(BOX)]
    dataset = load_dataset("auto", build.root / "faces", "train", annotations={"train": faces}, on_error="raise")
    record, = dataset.records
    assert record.image_id == "1"


@pytest.mark.parametrize("labels, images", [
    ("a/label_2", "a/image_2"), ("labels", "images"), ("labels/train", "images/train"), ("label", "image"),
    ("labels/label_2", "labels/image_2"), ("a/labels", "a/image_2"), ("label_2/x", None), ("labelled", None),
    ("a", None), ("Annotations", "Images"), ("zip_label_2/label_2", "zip_image_2/image_2")])
def test_the_folder_of_images_is_called_as_that_of_labels(tmp_path, labels, images):
    for folder in ("a/image_2", "images/train", "image", "labels/image_2", "imageled", "Images", "zip_label_2",
                   "zip_image_2/image_2"):
        (tmp_path / folder).mkdir(parents=True)
    expected = None if images is None else str(tmp_path / images)
    assert image_folder_beside(str(tmp_path / labels)) == expected


@pytest.mark.parametrize("blank", ["", "\n", " \n\n"])
def test_blank_files_do_not_tell(build, blank):
    """Images without objects often come first, and YOLO's files may be empty, too."""
    build.images(*(f"images/{number:02}.jpg" for number in range(25)))
    for number in range(24):
        build.text(f"labels/{number:02}.txt", blank)
    build.kitti("labels/24.txt", "Car")
    dataset = load_dataset("auto", build.root, "all", on_error="raise")
    assert dataset.layout == "kitti" and [len(record.boxes) for record in dataset.records] == [0] * 24 + [1]
    build.text("labels/24.txt", f"{blank}0 .5 .5 .2 .2\n")
    dataset = load_dataset("auto", build.root, "all", on_error="raise")
    assert dataset.layout == "yolo" and [len(record.boxes) for record in dataset.records] == [0] * 24 + [1]


@pytest.mark.parametrize("labels, images, write", [
    ("part{}/labels", "part{}/images", "kitti"), ("part{}/annotations", "part{}/images", "visdrone"),
    ("drive_{}/label_2", "drive_{}/image_2", "kitti"), ("label_{}", "image_{}", "kitti")])
def test_each_folder_of_labels_has_its_own_images(build, labels, images, write):
    for part in (1, 2):
        build.images(f"{images.format(part)}/7.png", f"{images.format(part).replace('image_2', 'image_3')}/7.png")
        getattr(build, write)(f"{labels.format(part)}/7.txt", "1" if write == "visdrone" else "Car")
    records = load_dataset("auto", build.root, "all", on_error="raise").records
    assert [os.path.relpath(record.path, build.root) for record in records] == [
        f"{images.format(part)}/7.png" for part in (1, 2)]


def test_another_layout_beside_a_public_sets_own_is_read(build):
    build.images("VisDrone2019-DET-train/images/1.jpg")
    build.visdrone("VisDrone2019-DET-train/annotations/1.txt", 1)
    build.yolo("VisDrone2019-DET-train/labels/1.txt", 0)
    found = find_sets(build.root)
    assert found.layout == "yolo" and "annotations/1.txt is not read, though it may hold boxes; the layout visdrone " \
        "reads it" in found.notes[-1]
    assert find_sets(build.root, layout="visdrone").layout == "visdrone"
    build.widerface("wider_face_split/wider_face_train_bbx_gt.txt", {"1.jpg": 1})
    assert find_sets(build.root).layout == "yolo"


def test_a_table_beside_a_public_sets_own_is_not_read(build):
    build.images("images/1.jpg")
    build.kitti("labels/1.txt", "Car")
    build.csv("boxes.csv", {"1.jpg": ["cat"]})
    found = find_sets(build.root)
    assert found.layout == "kitti" and "boxes.csv is not read" in found.notes[-1]


def test_files_that_are_named_like_no_image_are_no_labels(build):
    build.images("images/1.jpg")
    build.yolo("labels/1.txt", 0)
    build.kitti("docs/format.txt", "Car")
    found = find_sets(build.root)
    assert found.layout == "yolo" and not [note for note in found.notes if "format" in note]


def test_images_of_kitti_with_two_extensions(build):
    build.images("image_2/a.jpg.png", "image_2/a.png")
    build.kitti("label_2/a.jpg.txt", "Car")
    build.kitti("label_2/a.txt", "Van")
    dataset = load_dataset("auto", build.root, "all", on_error="raise")
    found = [(os.path.basename(record.path), dataset.classes[record.classes[0]]) for record in dataset.records]
    assert sorted(found) == [("a.jpg.png", "Car"), ("a.png", "Van")]


def test_lists_of_kitti_make_sets(build):
    build.images(*(f"training/image_{camera}/{name}.png" for camera in (2, 3) for name in "12"))
    build.kitti("training/label_2/1.txt", "Car")
    build.kitti("training/label_2/2.txt", "Van")
    for name, lines in (("train", "1\n"), ("val", "2\n"), ("trainval", "1\n2\n"), ("test", "1\n")):
        build.text(f"ImageSets/{name}.txt", lines)
    assert list(find_sets(build.root).sets) == ["train", "val", "all", "trainval"]
    record, = load_dataset("auto", build.root, "val", on_error="raise").records
    assert record.image_id == "2" and os.path.basename(os.path.dirname(record.path)) == "image_2"


def test_the_part_of_a_table_of_open_images_is_read(build):
    build.images("train/1.jpg")
    for name in ("train-annotations-bbox.csv", "sub-train-annotations-bbox.csv"):
        build.openimages(name, {"1": ["cat"] * (1 + name.startswith("sub"))}, {"cat": "/m/1"})
    record, = load_dataset("auto", build.root, "train", on_error="raise").records
    assert len(record.boxes) == 2


def test_images_outside_the_data_set_are_not_taken(build):
    build.images("images/mine/images/1.png", "labels/mine/photos/1.png")
    build.kitti("labels/mine/labels/1.txt", "Car")
    record, = load_dataset("auto", build.root / "labels" / "mine", "all", on_error="raise").records
    assert record.path == str(build.root / "labels" / "mine" / "photos" / "1.png")


def test_the_folder_of_labels_may_be_named(build):
    build.images("training/image_2/1.png", "training/image_3/1.png")
    build.kitti("training/label_2/1.txt", "Car")
    record, = load_dataset("auto", build.root / "training" / "label_2", "all", on_error="raise").records
    assert record.path == str(build.root / "training" / "image_2" / "1.png")
