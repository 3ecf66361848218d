"""Which sets a folder has, as annotation tools leave it, and that each set reads the right images and boxes."""
import json
import os

import pytest
from light_head_rcnn.data import find_sets, load_dataset
from light_head_rcnn.errors import DataError

from . import folders
from .conftest import BOX, Builder


@pytest.mark.parametrize("layout, write", [(layout, write) for layout, functions in folders.FOLDERS.items()
                                           for write in functions],
                         ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("by_name", [False, True], ids=["auto", "by name"])
def test_finds_the_sets_and_reads_their_images(build, layout, write, by_name):
    expected = write(build)
    found = find_sets(build.root)
    assert found.layout == layout
    assert set(found.sets) == {name for name in expected if "+" not in name}
    for name, images in expected.items():
        dataset = load_dataset(layout if by_name else "auto", build.root, name, on_error="raise")
        images = images.items() if isinstance(images, dict) else images
        records = [(record.image_id, [dataset.classes[i] for i in record.classes]) for record in dataset.records]
        if layout == "coco":
            records = [(os.path.splitext(os.path.basename(record.path))[0], labels)
                       for record, (_, labels) in zip(dataset.records, records)]
        assert sorted(records) == sorted(images)
        assert all(box == list(BOX) for record in dataset.records for box in record.boxes.round(3).tolist())


def test_the_classes_are_those_of_all_sets(build):
    folders.roboflow_voc(build)
    for name in ("train", "val", "valid", "validation"):
        assert load_dataset("auto", build.root, name).classes == ("cat", "dog")


@pytest.mark.parametrize("layout", ["yolo", "via"])
def test_classes_of_one_set_are_found_in_another_however_they_are_spelled(build, layout):
    for folder in ("train", "valid"):
        build.images(f"{folder}/images/{folder}.jpg")
        if layout == "yolo":
            build.yolo(f"{folder}/labels/{folder}.txt", 0, 1)
        else:
            build.via(f"{folder}/images/via_region_data.json", {f"{folder}.jpg": ["cat ", "hot\ndog"]})
    if layout == "yolo":
        build.text("data.yaml", 'train: train/images\nval: valid/images\nnames: ["cat ", "hot\\ndog"]\n')
    classes = load_dataset("auto", build.root, "train").classes
    assert classes == ("cat", "hot dog")
    for chosen in (None, classes):
        dataset = load_dataset("auto", build.root, "val", classes=chosen, on_error="raise")
        assert len(dataset.records[0].boxes) == 2 and not dataset.unread


def test_a_data_yaml_beside_the_folder_that_it_describes(build):
    folders.yolo_with_data_yaml(build)
    (build.root / "coco128.yaml").rename(build.root.parent / "coco128.yaml")
    build.root.rename(build.root.parent / "coco128")
    found = find_sets(build.root.parent / "coco128.yaml")
    assert list(found.sets) == ["train", "val"]
    assert found.sets["val"].image_folders == (str(build.root.parent / "coco128" / "images" / "val"),)


@pytest.mark.parametrize("columns", ["image,xmin,ymin,xmax,ymax,label", "filename,xmin,ymin,xmax,ymax,class"])
def test_a_table_beside_other_annotations_is_not_read(build, columns):
    build.images("1.jpg")
    build.text("boxes.csv", f"{columns}\n1.jpg,1,2,30,40,dog\n")
    assert find_sets(build.root).layout == "csv"
    build.xml("1.xml", "cat")
    found = find_sets(build.root)
    assert found.layout == "voc" and "boxes.csv is not read" in found.notes[0]
    assert find_sets(build.root, layout="csv").layout == "csv"


def test_a_project_of_via_and_what_it_exported_are_one_set(build):
    folders.via(build)
    for folder in ("train", "val"):
        exported = build.root / "balloon" / folder / "via_region_data.json"
        content = json.loads(exported.read_text())
        build.json(f"balloon/{folder}/via_balloons.json", {"_via_settings": {}, "_via_img_metadata": content})
    found = find_sets(build.root)
    assert list(found.sets) == ["train", "val"]
    assert found.sets["val"].annotations == (str(build.root / "balloon" / "val" / "via_region_data.json"),)
    # Files that differ are two sets.
    build.via("balloon/val/via_balloons.json", {"2.jpg": ["cat"]})
    assert len(find_sets(build.root).sets) == 3


def test_an_image_that_a_file_of_via_has_twice_with_a_class_and_without(build):
    build.images("1.jpg")
    build.via("via_region_data.json", {"1.jpg": ["cat"]})
    content = json.loads((build.root / "via_region_data.json").read_text())
    other = json.loads(json.dumps(content["1.jpg1"]))
    other["regions"][0]["region_attributes"] = {}
    build.json("via_region_data.json", {"1.jpg2": other, **content})
    dataset = load_dataset("auto", build.root, "all")
    assert dataset.log.counts == {"image_listed_twice": 1, "class_unknown": 1} and len(dataset.records[0].boxes) == 1


def test_the_classes_of_data_yaml_are_in_its_order(build):
    folders.roboflow_yolo(build)
    build.text("data.yaml", "train: ../train/images\nval: ../valid/images\nnames: [zebra, no, 3]\n")
    dataset = load_dataset("auto", build.root, "val")
    assert dataset.classes == ("zebra", "no", "3")
    assert dataset.records[0].classes.tolist() == [0, 1]


def test_numbers_are_the_classes_of_yolo_without_names(build):
    folders.yolo_beside(build)
    os.remove(build.root / "classes.txt")
    build.yolo("2.txt", 10, 9)
    assert load_dataset("auto", build.root, "all").classes == ("0", "9", "10")


def test_sets_are_joined(build):
    folders.roboflow_coco(build)
    assert len(load_dataset("auto", build.root, "train+valid+test")) == 3


def test_files_of_names_that_disagree_are_told_where_labels_of_both_are_in_one_set(build):
    for folder, names in (("a", "cat\ndog\n"), ("b", "cat\ndog\nbird\n"), ("c", "dog\ncat\n")):
        build.images(f"{folder}/{folder}.jpg")
        build.yolo(f"{folder}/{folder}.txt", 1)
        build.text(f"{folder}/classes.txt", names)
    with pytest.raises(DataError, match="c.classes.txt and .*b.classes.txt give classes of the same number different"):
        find_sets(build.root)
    (build.root / "c" / "classes.txt").unlink()
    assert find_sets(build.root).sets["all"].names == ("cat", "dog", "bird")


def test_a_yaml_file_of_something_else_does_not_stop_other_layouts(build):
    folders.coco(build)
    build.text("deploy.yaml", "names: {team: vision}\n")
    found = find_sets(build.root)
    assert found.layout == "coco" and "deploy.yaml" in found.notes[0] and "must be a list of names" in found.notes[0]
    with pytest.raises(DataError, match="deploy.yaml"):
        find_sets(build.root, layout="yolo")


def test_the_images_of_another_folder_take_the_place_of_those_of_data_yaml(build):
    folders.roboflow_yolo(build)
    large = Builder(build.root.parent / "large")
    large.images("train/1.jpg", "valid/2.jpg")
    for name, images in (("train", "1"), ("val", "2")):
        record, = load_dataset("auto", build.root, name, image_root=large.root, on_error="raise").records
        assert record.path.startswith(str(large.root)) and record.image_id == images and len(record.boxes)


@pytest.mark.parametrize("layout", ["coco", "voc"])
def test_lists_in_the_folder_splits_divide_what_a_layout_names_train(build, layout):
    build.images(*(f"train/{name}.jpg" for name in "123"))
    if layout == "coco":
        build.coco("annotations/instances_train.json", {f"{name}.jpg": ["cat"] for name in "123"})
    else:
        for name in "123":
            build.xml(f"Annotations/{name}.xml", "cat")
        build.text("ImageSets/Main/train.txt", "1\n2\n3\n")
    build.text("splits/train.txt", "train/1.jpg\ntrain/3.jpg\n")
    build.text("splits/val.txt", "train/2.jpg\n")
    for name, images in (("train", ["1", "3"]), ("val", ["2"])):
        records = load_dataset(layout, build.root, name).records
        assert [os.path.basename(record.path)[0] for record in records] == images


def test_keypoints_of_yolo_are_told_from_polygons_without_a_data_yaml(build):
    build.images("images/1.jpg", "images/2.jpg")
    build.text("labels/1.txt", "0 .5 .5 .2 .2" + " .45 .45" * 17)
    build.text("labels/2.txt", "0 .3 .5 .4 .8" + " .3 .7" * 17)
    boxes = [record.coco_boxes.round(3).tolist() for record in load_dataset("auto", build.root, "all").records]
    assert boxes == [[[24, 32, 12, 16]], [[6, 8, 24, 64]]]
    build.text("labels/2.txt", "0 .3 .5 .4 .8 .3 .7")
    assert load_dataset("auto", build.root, "all").records[1].coco_boxes.round(3).tolist() == [[18, 40, 6, 24]]
