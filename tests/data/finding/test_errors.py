"""What the finder says where it finds nothing, too much, or not what was asked for."""
import zipfile

import pytest
from light_head_rcnn.data import find_annotations, find_sets, load_dataset
from light_head_rcnn.errors import DataError, UsageError


@pytest.mark.parametrize("write, message", [
    (lambda build: None, "data: there is no such file or folder"),
    (lambda build: build.root.mkdir(), "the folder is empty; looked for were COCO's JSON files, "),
    (lambda build: build.images("a/1.jpg", "2.jpg"), "it holds 2 images, but no annotations; looked for"),
    (lambda build: (build.images("1.jpg"), build.json("a/results.json", [{"image_id": 1, "score": 1}])),
     r"known \(not understood: a/results.json\)"),
    (lambda build: (build.images("1.jpg"), build.text("a.csv", "x,y\n"), build.json(
        "dt.json", [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}])),
     r"\(not understood: dt.json, which is detections in COCO's result format, a.csv\)"),
    (lambda build: (build.images("1.jpg"), build.text("cvat.xml", "<annotations><version>1.1</version></annotations>")),
     "not understood: cvat.xml"),
    (lambda build: (build.images("1.jpg"), build.json("x.json", {"images": [], "annotations": [{"caption": "a"}]})),
     "not understood: x.json"),
    (lambda build: build.text("export.zip"), "it holds an archive, .*export.zip; unpack it"),
    (lambda build: build.text("notes.md"), "it holds 0 images, but no annotations that are known"),
])
def test_nothing_is_found(build, write, message):
    write(build)
    with pytest.raises(DataError, match=message):
        find_sets(build.root)


def test_a_single_file_that_is_known_but_not_read_is_named(build):
    build.json("a.json", [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}])
    with pytest.raises(DataError, match="a.json: it is no annotation file that is known, but detections in COCO's res"):
        find_sets(build.root / "a.json")


def test_an_archive_is_to_be_unpacked(tmp_path):
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    with pytest.raises(DataError, match="a.zip: it is an archive; unpack it"):
        find_sets(tmp_path / "a.zip")


@pytest.mark.parametrize("name, text", [("a.json", "[]"), ("a.csv", "a,b\n"), ("a.txt", "x"), ("a.jpg", ""),
                                        ("a.yaml", "TRAIN: {lr: 1}\n"), ("a.yaml", "names: [a]\ntrain: nowhere\n")])
def test_a_file_of_another_kind_is_named(build, name, text):
    build.text(name, text)
    with pytest.raises(DataError, match=f"{name}: it (is no annotation file|describes no YOLO data set)"):
        find_sets(build.root / name)


def test_labels_in_two_layouts_are_never_guessed_between(build):
    build.images("1.jpg")
    build.xml("xml/1.xml", "cat")
    build.labelme("json/1.json", "cat", "dog", image="../1.jpg")
    message = r"in 2 layouts \(voc: xml/1.xml; labelme: json/1.json\); .*--layout voc .*dataset.dataset=voc"
    with pytest.raises(DataError, match=message):
        load_dataset("auto", build.root, "all")
    assert len(load_dataset("voc", build.root, "all").records[0].boxes) == 1
    assert len(load_dataset("labelme", build.root, "all").records[0].boxes) == 2
    with pytest.raises(DataError, match="no annotations .*looked for were annotations of the layout via"):
        load_dataset("via", build.root, "all")


def test_an_unknown_set_names_those_that_there_are(build):
    build.images("valid/1.jpg")
    build.coco("valid/_annotations.coco.json", {"1.jpg": ["cat"]})
    build.coco("train/_annotations.coco.json", {})
    with pytest.raises(DataError, match=r"there is no image set 'test'; sets there: train, val \(valid\)$"):
        load_dataset("auto", build.root, "test")


def test_a_data_set_without_parts_can_be_divided(build):
    build.images("1.jpg")
    build.xml("1.xml", "cat")
    with pytest.raises(DataError, match="no image set 'train'; sets there: all; `lhrcnn data split` divides it"):
        load_dataset("auto", build.root, "train")


def test_a_set_that_data_yaml_names_and_that_is_not_there_is_told(build):
    build.images("train/images/1.jpg")
    build.yolo("train/labels/1.txt", 0)
    build.text("data.yaml", "names: [cat]\ntrain: train/images\nval: ../valid/images\n")
    with pytest.raises(DataError, match="no image set 'val'; .*yaml names '../valid/images' for val, which is not"):
        load_dataset("auto", build.root, "val")


def test_two_files_that_describe_a_yolo_data_set_are_never_guessed_between(build):
    build.images("images/1.jpg")
    build.yolo("labels/1.txt", 0)
    for name in ("a.yaml", "b.yaml"):
        build.text(name, "names: [cat]\ntrain: images\n")
    with pytest.raises(DataError, match="2 files describe it: .*a.yaml, .*b.yaml; name one of them as the path"):
        find_sets(build.root)
    assert list(find_sets(build.root / "b.yaml").sets) == ["train"]


@pytest.mark.parametrize("names", ["cat", "{a: cat}", "[[cat]]"])
def test_names_of_another_kind_are_an_error(build, names):
    build.images("images/1.jpg")
    build.text("data.yaml", f"names: {names}\ntrain: images\n")
    with pytest.raises(DataError, match='data.yaml: "names" must be a list of names, or a table'):
        find_sets(build.root)


def test_a_data_set_without_any_object_has_no_classes(build):
    build.images("1.jpg")
    build.xml("1.xml")
    with pytest.raises(DataError, match="no object in it has a class, in any of the sets all$"):
        load_dataset("auto", build.root, "all")
    assert len(load_dataset("auto", build.root, "all", classes=("cat",)).records) == 1


def test_annotations_that_are_not_there_are_named_with_their_set(build):
    build.root.mkdir()
    with pytest.raises(DataError, match="data/a.json: there is no such file or folder .*for the image set 'val'"):
        find_annotations("a.json", "val", build.root)


def test_sets_have_one_layout(build):
    build.images("1.jpg")
    build.xml("xml/1.xml", "cat")
    build.coco("a.json", {"1.jpg": ["cat"]})
    with pytest.raises(UsageError, match="annotations of different layouts: coco, voc"):
        load_dataset("auto", build.root, "train", annotations={"train": "a.json", "val": "xml"})


def test_a_missing_set_to_test_on(build):
    build.images("train/train.jpg")
    build.xml("train/train.xml", "cat")
    with pytest.raises(DataError, match="no image set 'val'; .*; `lhrcnn data split` divides it$"):
        load_dataset("auto", build.root, "val")
    build.images("test/test.jpg")
    build.xml("test/test.xml", "cat")
    dataset = load_dataset("auto", build.root, "val")
    assert dataset.records[0].image_id == "test" and "there is no set val: the set test is taken" in dataset.summary()
    build.images("valid/valid.jpg")
    build.xml("valid/valid.xml", "cat")
    dataset = load_dataset("auto", build.root, "val")
    assert dataset.records[0].image_id == "valid" and "is taken for it" not in dataset.summary()


def test_objects_without_a_class_are_shown(build):
    build.images("1.jpg")
    region = {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 9, "height": 9},
              "region_attributes": {"fruit": "pear", "ripe": "yes"}}
    build.json("via.json", {"1.jpg9": {"filename": "1.jpg", "size": 9, "regions": [region], "file_attributes": {}}})
    with pytest.raises(DataError, match="the first states {'fruit': 'pear', 'ripe': 'yes'} in .*via.json: image 1"):
        load_dataset("auto", build.root, "all")


def test_a_file_without_categories_says_so(build):
    build.images("1.jpg")
    build.json("train.json", {"images": [{"id": 1, "file_name": "1.jpg"}],
                              "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9]}]})
    with pytest.raises(DataError, match='it has no list "categories"'):
        load_dataset("auto", build.root, "train")


def test_a_folder_that_cannot_be_listed_is_named(build, forbid):
    for part in "ab":
        build.images(f"{part}/images/{part}.jpg")
        build.yolo(f"{part}/labels/{part}.txt", 0)
    forbid(build.root / "b")
    with pytest.raises(DataError, match="/b: the folder cannot be listed .Permission denied."):
        load_dataset("auto", build.root, "all")


def test_a_folder_of_the_systems_own_is_passed_over(build, forbid):
    build.images("images/1.jpg")
    build.yolo("labels/1.txt", 0)
    build.text("lost+found/x.txt")
    forbid(build.root / "lost+found")
    assert len(load_dataset("auto", build.root, "all")) == 1
