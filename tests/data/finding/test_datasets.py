"""Data sets that are found: single files, images elsewhere, annotation files and lists that the user names."""
import json
import os

import pytest
from light_head_rcnn.data import find_sets, load_dataset
from light_head_rcnn.errors import DataError, UsageError


def stems(dataset):
    return [os.path.splitext(os.path.basename(record.path))[0] for record in dataset.records]


def test_a_single_coco_file_with_its_images_beside_or_around(build):
    build.images("images/1.jpg", "images/2.jpg")
    build.coco("annotations/mine.json", {"1.jpg": ["cat"]})
    build.coco("annotations/other.json", {"2.jpg": ["cat"]})
    dataset = load_dataset("auto", build.root / "annotations" / "mine.json", "all")
    assert stems(dataset) == ["1"] and dataset.name == "coco all"
    assert load_dataset("coco", build.root / "annotations" / "mine.json", "mine").classes == ("cat", "dog")


def test_a_single_file_with_an_image_root(build, tmp_path):
    build.images("elsewhere/photos/1.jpg")
    build.coco("labels/instances_val2017.json", {"1.jpg": ["cat"]})
    file = build.root / "labels" / "instances_val2017.json"
    for name in ("val", "val2017"):
        dataset = load_dataset("auto", file, name, image_root=build.root / "elsewhere")
        assert dataset.records[0].path == str(build.root / "elsewhere" / "photos" / "1.jpg")


def test_a_data_yaml_alone(build):
    build.images("a/images/1.jpg", "b/images/2.jpg")
    build.yolo("a/labels/1.txt", 0)
    build.yolo("b/labels/2.txt", 0, 0)
    build.text("sub/data.yaml", "names: [cat]\ntrain: [../a/images, ../b/images]\nval: ../b/images\n")
    dataset = load_dataset("auto", build.root / "sub" / "data.yaml", "train")
    assert stems(dataset) == ["1", "2"] and [len(record.boxes) for record in dataset.records] == [1, 2]


@pytest.mark.parametrize("image_root", ["photos", "absolute"])
def test_images_that_lie_elsewhere(build, image_root, tmp_path):
    build.images("photos/train/1.jpg", "photos/val/1.jpg", "old/train/1.jpg")
    build.coco("labels/train.json", {"1.jpg": ["cat"]})
    build.coco("labels/val.json", {"1.jpg": ["dog"]})
    root = image_root if image_root == "photos" else str(build.root / "photos")
    for name in ("train", "val"):
        dataset = load_dataset("auto", build.root, name, image_root=root)
        assert dataset.records[0].path == str(build.root / "photos" / name / "1.jpg")


def test_xml_files_with_an_image_root(build, tmp_path):
    build.images("../photos/1.jpg")
    build.xml("1.xml", "cat")
    dataset = load_dataset("voc", build.root, "all", image_root=build.root.parent / "photos")
    assert stems(dataset) == ["1"]


def test_the_user_names_an_annotation_file_a_folder_and_a_list(build):
    build.images(*(f"photos/{name}.jpg" for name in "12345"))
    for name in "1234":
        build.xml(f"boxes/{name}.xml", "cat")
    build.xml("more/5.xml", "dog")
    build.text("chosen.txt", "1\nphotos/2.jpg\n")
    build.text("lists/b.txt", "3.jpg\n")
    names = {"train": "chosen.txt", "val": str(build.root / "lists" / "b.txt"), "test": "more"}
    train, val = (load_dataset("auto", build.root, name, annotations=names) for name in ("train", "val"))
    assert (stems(train), stems(val)) == (["1", "2"], ["3"])
    assert train.classes == val.classes == ("cat", "dog")
    test = load_dataset("voc", build.root, "test", annotations=names, image_root="photos")
    assert stems(test) == ["5"]
    joined = load_dataset("auto", build.root, "train+val", annotations=names)
    assert stems(joined) == ["1", "2", "3"]


def test_files_that_are_named_replace_what_the_folder_has(build):
    build.images("1.jpg", "2.jpg")
    build.coco("train.json", {"1.jpg": ["cat"]})
    build.coco("val.json", {"1.jpg": ["cat"]})
    build.coco("corrected/better.json", {"2.jpg": ["cat"]})
    named = {"train": "corrected/better.json", "val": "", "test": None}
    assert stems(load_dataset("auto", build.root, "train", annotations=named)) == ["2"]
    assert stems(load_dataset("auto", build.root, "val", annotations=named)) == ["1"]


def test_a_list_tells_of_images_that_are_missing_or_have_no_annotations(build):
    build.images("images/1.jpg", "images/2.jpg")
    build.coco("labels.json", {"1.jpg": ["cat"]})
    build.text("train.txt", "1.jpg\n2.jpg\n3.jpg\n1\n")
    dataset = load_dataset("auto", build.root, "train")
    assert stems(dataset) == ["1"]
    assert dataset.log.counts == {"image_without_entry": 1, "image_missing": 1, "image_listed_twice": 1}
    assert "train.txt, line 2: 2.jpg" in dataset.log.examples["image_without_entry"][0]


def test_what_is_wrong_with_no_image_is_said_of_what_a_list_chooses_too(build):
    build.images("images/1.jpg", "images/2.jpg")
    content = {"images": [{"id": 1, "file_name": "1.jpg"}, {"id": 2, "file_name": "2.jpg"}],
               "annotations": [{"image_id": image, "category_id": 1, "bbox": [1, 1, 5, 5]} for image in (1, 2, 3)],
               "categories": [{"id": 1, "name": "cat"}]}
    build.json("labels.json", content)
    build.text("train.txt", "1.jpg\n")
    dataset = load_dataset("auto", build.root, "train")
    assert stems(dataset) == ["1"]
    assert dataset.log.counts == {"annotation_of_no_image": 1}


@pytest.mark.parametrize("name", ["auto", "coco", "voc", "yolo"])
def test_an_option_that_data_sets_do_not_have(build, name):
    build.images("1.jpg")
    build.coco("labels.json", {"1.jpg": ["cat"]})
    with pytest.raises(UsageError, match="no option 'image_roots'"):
        load_dataset(name, build.root, "all", image_roots="photos")


def test_images_without_an_entry_are_counted(build):
    build.images("train/1.jpg", "train/2.jpg", "val/3.jpg")
    build.coco("annotations/instances_train.json", {"1.jpg": ["cat"]})
    build.coco("annotations/instances_val.json", {"3.jpg": ["cat"]})
    assert load_dataset("auto", build.root, "train").log.counts == {"image_without_entry": 1}
    assert not load_dataset("auto", build.root, "val").log.counts


def test_an_image_that_is_missing_is_not_taken_from_another_set(build):
    build.images("train/1.jpg", "train/2.jpg", "val/3.jpg")
    build.coco("annotations/instances_train.json", {"1.jpg": ["cat"], "2.jpg": ["cat"], "3.jpg": ["cat"]})
    build.coco("annotations/instances_val.json", {"3.jpg": ["cat"]})
    dataset = load_dataset("auto", build.root, "train")
    assert stems(dataset) == ["1", "2"] and dataset.log.counts == {"image_missing": 1}


def test_parts_of_coco_sets_have_the_images_of_the_whole(build):
    build.images("train2014/1.jpg", "val2014/2.jpg", "val2014/3.jpg")
    for name, image in (("train2014", "1"), ("minival2014", "2"), ("valminusminival2014", "3")):
        build.coco(f"annotations/instances_{name}.json", {f"{image}.jpg": ["cat"]})
    dataset = load_dataset("auto", build.root, "train2014+valminusminival2014")
    assert stems(dataset) == ["1", "3"] and not dataset.log.counts


def test_test_sets_of_coco_have_no_boxes(build):
    build.images("test2017/1.jpg", "val2017/2.jpg")
    build.coco("annotations/image_info_test2017.json", {"1.jpg": []})
    build.coco("annotations/instances_val2017.json", {"2.jpg": ["cat"]})
    dataset = load_dataset("auto", build.root, "test")
    assert stems(dataset) == ["1"] and not len(dataset.records[0].boxes)


def test_two_years_of_coco_are_told_by_their_names(build):
    for year in ("2014", "2017"):
        build.images(f"train{year}/{year}.jpg")
        build.coco(f"annotations/instances_train{year}.json", {f"{year}.jpg": ["cat"]})
    assert list(find_sets(build.root).sets) == ["train2014", "train2017"]
    assert stems(load_dataset("auto", build.root, "train2014+train2017")) == ["2014", "2017"]


def test_a_broken_set_keeps_no_other_from_being_read(build):
    build.images("train/1.jpg", "val/2.jpg")
    build.via("train/via.json", {"1.jpg": ["cat"]})
    build.text("val/via.json", '{"a": {"filename": "2.jpg", "regions": [')
    assert load_dataset("auto", build.root, "train").classes == ("cat",)


def test_without_labels_images_are_read_alone(build):
    build.images("1.jpg")
    build.xml("1.xml", "cat")
    dataset = load_dataset("auto", build.root, "all", classes=("cat",), with_labels=False)
    assert len(dataset) == 1 and not len(dataset.records[0].boxes)


def test_two_labelled_files_of_one_name_in_two_folders_stay_apart(build):
    build.images("a/1.jpg", "b/1.jpg")
    build.labelme("a/1.json", "cat", image="1.jpg")
    build.labelme("b/1.json", "dog", "dog", image="1.jpg")
    dataset = load_dataset("auto", build.root, "all")
    assert [(os.path.basename(os.path.dirname(r.path)), len(r.boxes)) for r in dataset.records] == [("a", 1), ("b", 2)]


def test_a_class_that_only_has_points_is_none_but_its_points_are_counted(build):
    build.images("1.jpg")
    shapes = [{"label": label, "points": points, "shape_type": kind} for label, points, kind in (
        ("cat", [[10, 20], [31, 41]], "rectangle"), ("nose", [[5, 6]], "point"), ("cat", [[7, 8]], "point"))]
    build.json("1.json", {"version": "5.0.1", "flags": {}, "shapes": shapes, "imagePath": "1.jpg"})
    dataset = load_dataset("auto", build.root, "all")
    assert dataset.classes == ("cat",) and dataset.unread == {"nose": 1} and dataset.log.counts == {"no_box": 1}
    assert dataset.records[0].regions.tolist() == [[7, 8, 7, 8]]


def test_hidden_files_of_other_systems_are_no_annotations(build):
    build.images("1.jpg", "__MACOSX/._1.jpg", "._1.jpg")
    build.xml("1.xml", "cat")
    build.text("__MACOSX/._1.xml", "\0\5")
    build.text("._1.xml", "\0\5")
    assert stems(load_dataset("auto", build.root, "all")) == ["1"]


def test_the_cache_tells_files_that_the_user_names_apart(build, tmp_path, monkeypatch):
    from light_head_rcnn.data.cache import set_cache
    monkeypatch.setenv("LHRCNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(set_cache, "LEAST_SECONDS", 0)
    monkeypatch.setattr(set_cache, "_settled", lambda newest, now: True)
    build.images("1.jpg", "2.jpg")
    build.coco("a.json", {"1.jpg": ["cat"]})
    build.coco("b.json", {"2.jpg": ["cat"]})
    for _ in range(2):
        for named, expected in (({"train": "a.json", "val": "b.json"}, "1"),
                                ({"val": "a.json", "train": "b.json"}, "2")):
            assert stems(load_dataset("auto", build.root, "train", annotations=named)) == [expected]
    content = json.loads((build.root / "a.json").read_text())
    content["annotations"].append(dict(content["annotations"][0], bbox=[1, 1, 5, 5]))
    build.json("a.json", content)
    dataset = load_dataset("auto", build.root, "train", annotations={"train": "a.json", "val": "b.json"})
    assert len(dataset.records[0].boxes) == 2


def test_masks_are_no_images(build):
    build.images("images/1.jpg", "images/2.jpg", "annotations/trimaps/1.png", "annotations/trimaps/2.png")
    for name in "12":
        build.xml(f"annotations/xmls/{name}.xml", "cat", filename=f"{name}.jpg")
    build.text("annotations/trainval.txt", "1 1 1 1\n")
    dataset = load_dataset("auto", build.root, "all")
    assert [record.path for record in dataset.records] == [str(build.root / "images" / f"{name}.jpg") for name in "12"]
    assert not dataset.log.counts


@pytest.mark.parametrize("layout", ["coco", "voc", "voc with lists", "yolo"])
def test_images_in_a_folder_called_like_masks_are_found_where_no_other_has_them(build, layout):
    build.images("images/plain/1.jpg", "images/plain/2.jpg", "images/with_mask/3.jpg")
    if layout == "coco":
        build.coco("boxes.json", {"1.jpg": ["cat"], "2.jpg": ["cat"], "3.jpg": ["cat"]})
    for name, folder in (("1", "plain"), ("2", "plain"), ("3", "with_mask")):
        if layout == "yolo":
            build.yolo(f"labels/{folder}/{name}.txt", 0)
        elif layout != "coco":
            build.xml(f"Annotations/{name}.xml", "cat")
    if layout == "voc with lists":
        build.text("ImageSets/Main/all.txt", "1\n2\n3\n")
    dataset = load_dataset("auto", build.root, "all", on_error="raise")
    assert sorted(stems(dataset)) == ["1", "2", "3"] and [len(record.boxes) for record in dataset.records] == [1] * 3


@pytest.mark.parametrize("layout", ["coco", "yolo"])
def test_masks_are_not_taken_for_images_that_are_missing(build, layout):
    build.images("images/1.jpg", "images/2.jpg", "masks/1.png", "masks/2.png", "masks/3.png", "visualization/9.png")
    for name in "123":
        build.yolo(f"labels/{name}.txt", 0)
    if layout == "coco":
        build.coco("boxes.json", {"1.jpg": ["cat"], "2.jpg": ["cat"], "3.jpg": ["cat"]})
    dataset = load_dataset(layout, build.root, "all")
    assert stems(dataset) == ["1", "2"] and dataset.log.counts == {"image_missing": 1}


def test_lists_in_image_sets_beside_folders_of_other_names(build):
    build.images("photos/1.jpg", "photos/2.jpg")
    for name in "12":
        build.xml(f"boxes/{name}.xml", "cat")
    build.text("ImageSets/Main/train.txt", "1\n")
    build.text("ImageSets/Main/test.txt", "2\n")
    assert stems(load_dataset("auto", build.root, "test")) == ["2"]


def test_a_list_chooses_out_of_sets_that_overlap(build):
    build.images("JPEGImages/1.jpg", "JPEGImages/2.jpg")
    for name in "12":
        build.xml(f"Annotations/{name}.xml", "cat")
    build.text("ImageSets/Main/train.txt", "1\n")
    build.text("ImageSets/Main/trainval.txt", "1\n2\n")
    build.text("splits/train.txt", "2\n")
    build.text("splits/val.txt", "JPEGImages/1.jpg\n")
    dataset = load_dataset("auto", build.root, "val")
    assert stems(dataset) == ["1"] and len(dataset.records[0].boxes) == 1 and not dataset.log.counts
    own = load_dataset("auto", build.root, "train", annotations={"train": "splits/val.txt"})
    assert stems(own) == ["1"]


def test_a_path_of_data_yaml_keeps_the_folder_that_is_named_after_the_set(build):
    build.images("images/train/1.jpg", "images/val/2.jpg")
    build.yolo("labels/train/1.txt", 0)
    build.yolo("labels/val/2.txt", 0)
    build.text("data.yaml", "names: [cat]\ntrain: /content/x/images/train\nval: ../valid/images\n")
    assert list(find_sets(build.root).sets) == ["train"]
    build.text("data.yaml", "names: [cat]\ntrain: C:\\x\\images\\train\nval: D:\\y\\images\\val\n")
    assert [stems(load_dataset("auto", build.root, name)) for name in ("train", "val")] == [["1"], ["2"]]


def test_folders_of_images_tell_the_sets_where_annotations_lie_together(build):
    build.images("train/1.jpg", "test/2.jpg")
    for name, label in (("1", "cat"), ("2", "dog")):
        build.xml(f"annotations/{name}.xml", label)
    assert list(find_sets(build.root).sets) == ["train", "test", "all"]
    assert [stems(load_dataset("auto", build.root, name)) for name in ("train", "test")] == [["1"], ["2"]]
    assert load_dataset("auto", build.root, "test").classes == ("cat", "dog")


def test_folders_of_images_tell_the_sets_of_a_single_coco_file(build):
    build.images("images/train/1.jpg", "images/val/2.jpg", "images/val/3.jpg")
    build.coco("annotations.json", {"1.jpg": ["cat"], "2.jpg": ["dog"], "no.jpg": []})
    assert stems(load_dataset("auto", build.root, "val")) == ["2"]
    dataset = load_dataset("auto", build.root, "all")
    assert dataset.log.counts == {"image_missing": 1, "image_without_entry": 1}


def test_images_of_one_name_in_the_folders_of_two_projects_stay_apart(build):
    for project, labels in (("A", ["cat"]), ("B", ["dog", "dog"])):
        build.images(f"images/{project}/train/1.jpg", f"images/{project}/val/1.jpg")
        for name in ("train", "val"):
            build.xml(f"xml/{project}/{name}/1.xml", *labels)
    dataset = load_dataset("auto", build.root, "train")
    assert [(record.path.split(os.sep)[-3], len(record.boxes)) for record in dataset.records] == [("A", 1), ("B", 2)]


def test_a_file_of_all_images_beside_files_of_the_parts_is_all(build):
    build.images("images/1.jpg", "images/2.jpg")
    build.coco("annotations.json", {"1.jpg": ["cat"], "2.jpg": ["dog"]})
    build.coco("train.json", {"1.jpg": ["cat"]})
    build.coco("val.json", {"2.jpg": ["dog"]})
    assert list(find_sets(build.root).sets) == ["train", "val", "all"]
    assert [len(load_dataset("auto", build.root, name)) for name in ("train", "val", "all")] == [1, 1, 2]


def test_two_images_of_one_name_in_folders_called_like_the_set_are_never_guessed_between(build):
    build.images("images/train/1.jpg", "thumbnails/train/1.jpg")
    build.coco("train.json", {"1.jpg": ["cat"]})
    with pytest.raises(DataError, match="two files fit the name '1.jpg'"):
        load_dataset("auto", build.root, "train")
    assert len(load_dataset("auto", build.root, "train", image_root="images")) == 1
