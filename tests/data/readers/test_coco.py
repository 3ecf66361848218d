"""COCO reader: what is read, compared with pycocotools, and what is refused."""
import json
import os

import numpy as np
import pytest
from pycocotools.coco import COCO

from light_head_rcnn.data import IMAGE_EXTENSIONS, DataError, load_dataset, training_boxes


def load(tree, **options):
    return load_dataset("coco", tree.write(), "train", **options)


def test_records(coco_tree):
    dataset = load(coco_tree)
    assert dataset.classes == ("cat", "dog") and dataset.category_ids == (2, 9)
    assert dataset.annotation_file == str(coco_tree.file)
    assert [r.image_id for r in dataset.records] == [7, 3, 5] and len(dataset) == 3
    first, second, third = dataset.records
    assert (first.width, first.height, os.path.basename(first.path)) == (60, 40, "a.jpg")
    assert first.boxes.tolist() == [[10, 5, 29, 34], [0, 0, 59, 39]] and first.boxes.dtype == np.float32
    assert first.classes.tolist() == [1, 0] and first.crowd.tolist() == [False, True]
    assert second.boxes.tolist() == [[1.5, 2.5, 8.5, 10.5]] and not second.crowd.any()
    assert third.boxes.shape == (0, 4) and not first.difficult.any()
    assert training_boxes(first)[1].tolist() == [1]
    assert dataset.summary() == "coco train: 3 images, 3 boxes, 1 of them crowd, 2 classes"


def test_classes_asked_for_set_the_order(coco_tree):
    dataset = load(coco_tree, classes=["dog", "cat"])
    assert dataset.classes == ("dog", "cat") and dataset.category_ids == (9, 2)
    assert dataset.records[0].classes.tolist() == [0, 1]
    with pytest.raises(DataError, match=r"class 'cow' is not one of its categories: cat, dog"):
        load(coco_tree, classes=["dog", "cow"])
    with pytest.raises(DataError, match="annotation 12 of image 7.*category 2 is not one of the classes asked for"):
        load(coco_tree, classes=["dog"])


def test_without_labels(coco_tree):
    del coco_tree.content["annotations"]
    dataset = load(coco_tree, with_labels=False)
    assert len(dataset) == 3 and not any(len(r.boxes) for r in dataset.records)
    assert dataset.classes == ("cat", "dog")
    with pytest.raises(DataError, match='no list "annotations"'):
        load(coco_tree)


@pytest.mark.parametrize("folder", ["images/train", "images", "."])
def test_image_folders(coco_tree, folder):
    target = coco_tree.root / folder
    target.mkdir(parents=True, exist_ok=True)
    for file in (coco_tree.root / "train").iterdir():
        file.rename(target / file.name)
    (coco_tree.root / "train").rmdir()
    assert all(os.path.isfile(r.path) for r in load(coco_tree).records)


def rename_set(tree, image_set, kind="instances"):
    tree.file.rename(tree.file.with_name(f"{kind}_{image_set}.json"))
    return load_dataset("coco", tree.root, image_set)


@pytest.mark.parametrize("image_set, folder", [
    ("minival2014", "val2014"), ("valminusminival2014", "images/val2014"), ("test-dev2015", "test2015"),
    ("test-dev2017", "test2017")])
def test_parts_of_sets_borrow_their_images(coco_tree, image_set, folder):
    add_unlisted_image(coco_tree)  # an image of the whole set, which the part need not name
    (coco_tree.root / folder).parent.mkdir(exist_ok=True)
    (coco_tree.root / "train").rename(coco_tree.root / folder)
    dataset = rename_set(coco_tree, image_set)
    assert [r.path for r in dataset.records] == [str(coco_tree.root / folder / f"{n}.jpg") for n in "abc"]
    (coco_tree.root / folder / "b.jpg").unlink()
    with pytest.raises(DataError, match=f"there is no image file .*{folder}/b.jpg"):
        load_dataset("coco", coco_tree.root, image_set)


def test_a_folder_of_its_own_comes_first(coco_tree):
    (coco_tree.root / "val2014").mkdir()
    (coco_tree.root / "train").rename(coco_tree.root / "minival2014")
    assert "/minival2014/" in rename_set(coco_tree, "minival2014").records[0].path
    (coco_tree.root / "minival2014" / "unlisted.png").write_bytes(b"")
    with pytest.raises(DataError, match="unlisted.png: the image file has no entry"):
        load_dataset("coco", coco_tree.root, "minival2014")


def test_image_info_is_read_without_labels(coco_tree):
    coco_tree.file.with_name("image_info_train.json").write_text(coco_tree.file.read_text())
    assert sum(len(r.boxes) for r in load_dataset("coco", coco_tree.root, "train").records) == 3  # instances first
    del coco_tree.content["annotations"]
    coco_tree.write().joinpath("train").rename(coco_tree.root / "test2015")
    (coco_tree.root / "annotations" / "image_info_train.json").unlink()
    dataset = rename_set(coco_tree, "test-dev2015", "image_info")
    assert len(dataset) == 3 and not any(len(r.boxes) for r in dataset.records)
    assert dataset.annotation_file.endswith("image_info_test-dev2015.json")
    with pytest.raises(DataError, match="instances_val.json: no such annotation file .*; sets there: test-dev2015"):
        load_dataset("coco", coco_tree.root, "val")


@pytest.mark.parametrize("name", ["b.webp", "b.gif", "b", ".b.jpg", "sub/../b.JPE"])
def test_an_image_that_is_there_is_found(coco_tree, name):
    (coco_tree.root / "train" / "sub").mkdir()
    (coco_tree.root / "train" / "b.jpg").rename(coco_tree.root / "train" / name)
    coco_tree.content["images"][1]["file_name"] = name
    assert len(load(coco_tree)) == 3


@pytest.mark.parametrize("suffix", IMAGE_EXTENSIONS)
def test_unlisted_images_of_every_extension_are_found(coco_tree, suffix):
    (coco_tree.root / "train" / ("unlisted" + suffix.upper())).write_bytes(b"")
    (coco_tree.root / "train" / "notes.txt").write_bytes(b"")
    dataset = load(coco_tree, on_error="skip")
    assert len(dataset.skipped) == 1 and "unlisted" in dataset.skipped[0]


def test_unlisted_images_are_found_in_linked_subfolders(coco_tree, tmp_path, make_image):
    make_image(tmp_path / "elsewhere" / "unlisted.jpg", 6, 4)
    (coco_tree.root / "train" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="train/link/unlisted.jpg: the image file has no entry"):
        load(coco_tree)


def test_images_may_be_one_pixel_wide(coco_tree):
    coco_tree.content["images"][2].update(width=1, height=1)
    assert [(record.width, record.height) for record in load(coco_tree).records][2] == (1, 1)


def test_category_ids_that_are_strings_come_after_numbers(coco_tree):
    coco_tree.content["categories"] += [{"id": "b", "name": "ape"}, {"id": "a", "name": "bee"}]
    coco_tree.content["annotations"][0]["category_id"] = "a"
    dataset = load(coco_tree)
    assert dataset.category_ids == (2, 9, "a", "b") and dataset.classes == ("cat", "dog", "bee", "ape")
    assert dataset.records[0].classes.tolist() == [2, 0]


def test_joined_sets(coco_tree):
    other = coco_tree.root / "annotations" / "instances_val.json"
    content = json.loads(coco_tree.file.read_text())
    for image in content["images"]:
        image["id"] += 100
    for annotation in content["annotations"]:
        annotation["image_id"] += 100
    other.write_text(json.dumps(content))
    (coco_tree.root / "val").symlink_to(coco_tree.root / "train")
    dataset = load_dataset("coco", coco_tree.root, "train+val")
    assert [r.image_id for r in dataset.records] == [7, 3, 5, 107, 103, 105]
    assert dataset.annotation_file is None and "/val/" in dataset.records[4].path
    content["categories"] = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    content["annotations"] = []
    other.write_text(json.dumps(content))
    with pytest.raises(DataError, match="instances_val.json: its category ids differ"):
        load_dataset("coco", coco_tree.root, "train+val", classes=["cat", "dog"])


def change(kind, position, **values):
    def apply(tree):
        tree.content[kind][position].update(values)
    return apply


def lose(name):
    def apply(tree):
        (tree.root / "train" / name).unlink()
    return apply


def spoil(name, cut):
    def apply(tree):
        path = tree.root / "train" / name
        path.write_bytes(path.read_bytes()[:cut])
    return apply


def add_unlisted_image(tree):
    (tree.root / "train" / "unlisted.jpg").write_bytes((tree.root / "train" / "a.jpg").read_bytes())


def drop(kind, position, key):
    def apply(tree):
        del tree.content[kind][position][key]
    return apply


BROKEN = {  # how: (what to break, what the error says, images left, boxes left)
    "outside": (change("annotations", 0, bbox=[50, 5, 20, 30]),
                r"instances_train.json: annotation 11 of image 7 \(a.jpg\): box .* outside the image of 60 x 40", 3, 2),
    "negative corner": (change("annotations", 0, bbox=[-5, 5, 20, 30]), "annotation 11 .* outside", 3, 2),
    "inverted": (change("annotations", 0, bbox=[10, 5, -3, 30]), "annotation 11 .* inverted", 3, 2),
    "not finite": (change("annotations", 0, bbox=[10, float("nan"), 3, 30]), "annotation 11 .* not finite", 3, 2),
    "three numbers": (change("annotations", 0, bbox=[10, 5, 3]), "annotation 11 .* not four numbers", 3, 2),
    "no box": (drop("annotations", 0, "bbox"), "annotation entry 0 lacks .*bbox", 3, 2),
    "no id": (drop("annotations", 1, "id"), "annotation entry 1 lacks", 3, 2),
    "unsound id": (change("annotations", 1, id=[1]), "annotation entry 1 lacks", 3, 2),
    "not an object": (lambda tree: tree.content["annotations"].append(5), "annotation entry 3 lacks", 3, 3),
    "category": (change("annotations", 2, category_id=4), r"annotation 13 of image 3 \(b.jpg\): category 4 is not decl",
                 3, 2),
    "no such image": (change("annotations", 2, image_id=99), "annotation 13: there is no image 99", 3, 2),
    "annotation twice": (change("annotations", 2, id=11), "annotation 11: its id is used", 3, 2),
    "image twice": (change("images", 2, id=7), r"image 7 \(c.jpg\): its id is used", 2, 3),
    "image entry": (drop("images", 1, "file_name"), "image entry 1 lacks", 2, 2),
    "image size": (change("images", 1, width=0), r"image entry 1 \(b.jpg\) has no positive", 2, 2),
    "no file": (lose("b.jpg"), r"image 3 \(b.jpg\): there is no image file .*train/b.jpg", 2, 2),
    "no entry": (add_unlisted_image, "train/unlisted.jpg: the image file has no entry in .*instances_train.json", 3, 3),
}


@pytest.mark.parametrize("how", sorted(BROKEN))
def test_broken_entry(coco_tree, how):
    spoiler, message, images, boxes = BROKEN[how]
    spoiler(coco_tree)
    if how == "image entry":  # its file is then without an entry as well: one fault at a time
        (coco_tree.root / "train" / "b.jpg").unlink()
    if how == "image size":
        (coco_tree.root / "train" / "b.jpg").unlink()
    with pytest.raises(DataError, match=message) as caught:
        load(coco_tree)
    assert "dataset.ON_ERROR" in str(caught.value)
    dataset = load(coco_tree, on_error="skip")
    assert len(dataset) == images and sum(len(r.boxes) for r in dataset.records) == boxes
    assert len(dataset.skipped) == 1 and "left out: 1 x " + caught.value.kind in dataset.summary()
    assert dataset.skipped[0] in dataset.summary()


@pytest.mark.parametrize("spoiler, kind", [
    (spoil("a.jpg", 0), "image unreadable"), (spoil("a.jpg", 700), "image unreadable"),
    (change("images", 0, width=61), "image size differs")])
def test_broken_image(coco_tree, spoiler, kind):
    spoiler(coco_tree)
    dataset = load(coco_tree)  # pixels are looked at when they are needed
    with pytest.raises(DataError, match="a.jpg.*entry 7") as caught:
        dataset.check_images()
    assert caught.value.kind == kind
    dataset = load(coco_tree, on_error="skip")
    assert [r.image_id for r in dataset.records] == [3, 5]
    assert "left out: 1 x " + kind in dataset.summary()


def test_nothing_left(coco_tree):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        lose(name)(coco_tree)
    with pytest.raises(DataError, match="no usable image in set 'train'\n.*a.jpg"):
        load(coco_tree, on_error="skip")


@pytest.mark.parametrize("count, last_line", [(15, "  and 5 more"), (11, "  and 1 more"), (10, "is outside the image")])
def test_long_summaries_are_cut(coco_tree, count, last_line):
    coco_tree.content["annotations"] = [
        {"id": i, "image_id": 7, "category_id": 2, "bbox": [0, 0, 900, 5]} for i in range(count)]
    lines = load(coco_tree, on_error="skip").summary().splitlines()
    assert lines[1] == f"left out: {count} x box outside" and last_line in lines[-1]
    assert len(lines) == 2 + 10 + (count > 10)


@pytest.mark.parametrize("text, message", [
    ("{", "instances_train.json: not valid JSON"), ("", "not valid JSON"), ("[]", 'no list "images"'),
    ('{"images": 3}', 'no list "images"'), ('{"images": [], "annotations": []}', 'no list "categories"'),
    ('{"images": [], "annotations": [], "categories": []}', "no entry in|no usable image"),
    ("[" * 100000, "not valid JSON"),
    ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', 'every category needs an "id" .* and a "name"'),
    ('{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
     "category id 1 is declared twice"),
    ('{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}',
     "category name 'a' is declared twice"),
])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_broken_file(coco_tree, text, message, on_error):
    coco_tree.file.write_text(text)
    with pytest.raises(DataError, match=message):
        load_dataset("coco", coco_tree.root, "train", on_error=on_error)


def test_file_that_is_not_utf8(coco_tree):
    coco_tree.file.write_bytes(b"\xff\xfe{")
    with pytest.raises(DataError, match="not valid JSON"):
        load_dataset("coco", coco_tree.root, "train")


def test_missing_set_lists_those_there(coco_tree):
    with pytest.raises(DataError, match="instances_test.json: no such annotation file .*; sets there: train"):
        load_dataset("coco", coco_tree.root, "test")


@pytest.mark.realdata
@pytest.mark.parametrize("image_set", ["train2017", "val2017"])
def test_real_set_agrees_with_pycocotools(shared_data, image_set):
    dataset = load_dataset("coco", shared_data("tiny_coco"), image_set)
    dataset.check_images()
    assert len(dataset) == 50 and not dataset.skipped and len(dataset.classes) == 80
    reference = COCO(dataset.annotation_file)
    assert dataset.category_ids == tuple(sorted(reference.getCatIds()))
    assert dataset.classes == tuple(c["name"] for c in reference.loadCats(dataset.category_ids))
    for record in dataset.records:
        entries = reference.loadAnns(reference.getAnnIds(imgIds=[record.image_id]))
        assert len(entries) == len(record.boxes)
        assert [dataset.category_ids[c] for c in record.classes] == [e["category_id"] for e in entries]
        assert record.crowd.tolist() == [bool(e["iscrowd"]) for e in entries]
        for box, entry in zip(record.boxes, entries):
            x, y, w, h = entry["bbox"]
            np.testing.assert_allclose(box, [x, y, x + w - 1, y + h - 1], atol=1e-3)
    assert any(r.crowd.any() for r in dataset.records)
