"""COCO reader: what is read, compared with pycocotools, and what is refused."""
import json
import os

import numpy as np
import pytest
from light_head_rcnn.data import IMAGE_EXTENSIONS, CocoDataset, DataError, load_dataset, training_boxes
from pycocotools.coco import COCO


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
    assert first.coco_boxes.tolist() == [[10, 5, 20, 30], [0, 0, 60, 40]] and first.areas.tolist() == [600, 2400]
    assert dataset.summary() == ("coco train: 3 images, 3 boxes, 1 of them crowd, 2 classes, 1 image without boxes")


def test_classes_asked_for_set_the_order(coco_tree):
    dataset = load(coco_tree, classes=["dog", "cat"])
    assert dataset.classes == ("dog", "cat") and dataset.category_ids == (9, 2)
    assert dataset.records[0].classes.tolist() == [0, 1]


def test_classes_may_be_more_or_fewer_than_those_of_the_file(coco_tree):
    dataset = load(coco_tree, classes=["dog", "cow"])
    assert dataset.category_ids == (9, 10) and [r.classes.tolist() for r in dataset.records] == [[0], [], []]
    assert dataset.unread == {"cat": 2} and not dataset.log.counts
    assert not any(len(r.regions) for r in dataset.records)


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
    with pytest.raises(DataError, match=f"image 3 .*there is no image 'b.jpg' in .*{folder}"):
        load_dataset("coco", coco_tree.root, image_set, on_error="raise")


def test_a_folder_of_its_own_comes_first(coco_tree):
    (coco_tree.root / "val2014").mkdir()
    (coco_tree.root / "train").rename(coco_tree.root / "minival2014")
    assert "/minival2014/" in rename_set(coco_tree, "minival2014").records[0].path
    (coco_tree.root / "minival2014" / "unlisted.png").write_bytes(b"")
    assert load_dataset("coco", coco_tree.root, "minival2014").log.counts == {"image_without_entry": 1}


def test_image_info_is_read_without_labels(coco_tree):
    coco_tree.file.with_name("image_info_train.json").write_text(coco_tree.file.read_text())
    assert sum(len(r.boxes) for r in load_dataset("coco", coco_tree.root, "train").records) == 3  # instances first
    del coco_tree.content["annotations"]
    coco_tree.write().joinpath("train").rename(coco_tree.root / "test2015")
    (coco_tree.root / "annotations" / "image_info_train.json").unlink()
    dataset = rename_set(coco_tree, "test-dev2015", "image_info")
    assert len(dataset) == 3 and not any(len(r.boxes) for r in dataset.records)
    assert dataset.annotation_file.endswith("image_info_test-dev2015.json")
    with pytest.raises(DataError, match="instances_val.json: there is no such annotation file; sets there: test-d"):
        CocoDataset(coco_tree.root, "val")


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
    message, = load(coco_tree).log.examples["image_without_entry"]
    assert "unlisted" in message


def test_unlisted_images_are_found_in_linked_subfolders(coco_tree, tmp_path, make_image):
    make_image(tmp_path / "elsewhere" / "unlisted.jpg", 6, 4)
    (coco_tree.root / "train" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="train/link/unlisted.jpg: the image file has no entry"):
        load(coco_tree, on_error="raise")


def test_images_may_be_one_pixel_wide(coco_tree, make_image):
    make_image(coco_tree.root / "train" / "c.jpg", 1, 1)
    coco_tree.content["images"][2].update(width=1, height=1)
    assert [(record.width, record.height) for record in load(coco_tree).records][2] == (1, 1)


def test_category_ids_that_are_strings_come_after_numbers(coco_tree):
    coco_tree.content["categories"] += [{"id": "b", "name": "ape"}, {"id": "a", "name": "bee"}]
    coco_tree.content["annotations"][0]["category_id"] = "a"
    dataset = load(coco_tree)
    assert dataset.category_ids == (2, 9, "a", "b") and dataset.classes == ("cat", "dog", "bee", "ape")
    assert dataset.records[0].classes.tolist() == [2, 0]


def join_another_set(tree, **changes):
    """Adds the set "val" with the same images and, if no change says otherwise, the same content."""
    content = {**json.loads(tree.file.read_text()), **changes}
    (tree.root / "annotations" / "instances_val.json").write_text(json.dumps(content))
    if not (tree.root / "val").exists():
        (tree.root / "val").symlink_to(tree.root / "train")


def test_joined_sets_with_equal_ids_and_files_stay_apart(coco_tree):
    join_another_set(coco_tree, annotations=[{"image_id": 3, "category_id": 9, "bbox": [1, 1, 5, 5]}])
    dataset = load_dataset("coco", coco_tree.root, "train+val")
    assert [r.image_id for r in dataset.records] == [7, 3, 5, 7, 3, 5] and not dataset.log.counts
    assert [len(r.boxes) for r in dataset.records] == [2, 1, 0, 0, 1, 0]
    assert dataset.annotation_file is None and ["/val/" in r.path for r in dataset.records] == [False] * 3 + [True] * 3


def test_joined_sets_with_other_category_ids(coco_tree):
    join_another_set(coco_tree, categories=[{"id": 9, "name": "cat"}, {"id": 2, "name": "dog"}])
    dataset = load_dataset("coco", coco_tree.root, "train+val", classes=["cat", "dog"])
    assert dataset.category_ids == (2, 9)
    assert [r.classes.tolist() for r in dataset.records] == [[1, 0], [0], [], [0, 1], [1], []]


def test_all_sets_of_a_folder_have_the_same_classes(coco_tree):
    join_another_set(coco_tree, categories=[{"id": 9, "name": "dog"}, {"id": 4, "name": "ape"}], annotations=[])
    for image_set in ("train", "val"):
        dataset = load_dataset("coco", coco_tree.root, image_set)
        assert dataset.classes == ("cat", "ape", "dog"), image_set
        assert len(set(dataset.category_ids)) == 3
    (coco_tree.root / "annotations" / "instances_broken.json").write_text("{")
    assert load_dataset("coco", coco_tree.root, "train").classes == ("cat", "ape", "dog")


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


BROKEN = {  # how: (what to break, kind, message, images left, boxes left)
    "outside": (change("annotations", 0, bbox=[90, 5, 20, 30]), "box_outside",
                r"train.json: image 7 \(a.jpg\), annotation 0 \(dog\): box .* outside the image of 60 x 40", 3, 2),
    "inverted": (change("annotations", 0, bbox=[10, 5, -3, 30]), "box_inverted", "ends before", 3, 2),
    "not finite": (change("annotations", 0, bbox=[10, float("nan"), 3, 30]), "box_not_numbers", "not four finite", 3,
                   2),
    "three numbers": (change("annotations", 0, bbox=[10, 5, 3]), "box_not_numbers", "annotation 0 .*not four", 3, 2),
    "no box": (drop("annotations", 0, "bbox"), "box_not_numbers", "box None is not four", 3, 2),
    "not an object": (lambda tree: tree.content["annotations"].append(5), "annotation_broken",
                      'annotation entry 3 has no "image_id"', 3, 3),
    "no image id": (drop("annotations", 1, "image_id"), "annotation_broken", "annotation entry 1 has no", 3, 2),
    "category": (change("annotations", 2, category_id=4), "class_unknown",
                 r"image 3 \(b.jpg\), annotation 2 .*: class 4 is not declared", 3, 2),
    "no category": (drop("annotations", 2, "category_id"), "class_unknown", "it states no class", 3, 2),
    "unsound category": (change("annotations", 2, category_id=[2]), "class_unknown", r"class \[2\] is not", 3, 2),
    "no such image": (change("annotations", 2, image_id=99), "annotation_of_no_image",
                      "annotation entry 2: there is no image 99", 3, 2),
    "unsound image": (change("annotations", 2, image_id=[3]), "annotation_of_no_image", r"no image \[3\]", 3, 2),
    "image entry": (drop("images", 1, "file_name"), "image_entry_broken", "image entry 1 has no valid file_name", 2, 2),
    "image id": (change("images", 1, id=None), "image_entry_broken", "image entry 1 has no valid id", 2, 2),
    "no file": (lose("b.jpg"), "image_missing", r"image 3 \(b.jpg\): there is no image 'b.jpg' in .*train", 2, 2),
    "no entry": (add_unlisted_image, "image_without_entry", "train/unlisted.jpg: the image file has no entry", 3, 3),
}


@pytest.mark.parametrize("how", sorted(BROKEN))
def test_broken_entry(coco_tree, how):
    spoiler, kind, message, images, boxes = BROKEN[how]
    spoiler(coco_tree)
    if how == "image entry":  # its file is then without an entry as well: one fault at a time
        (coco_tree.root / "train" / "b.jpg").unlink()
    dataset = load(coco_tree)
    assert len(dataset) == images and sum(len(r.boxes) for r in dataset.records) == boxes
    if how == "image id":
        assert dataset.log.counts.pop("annotation_of_no_image") == 1
        coco_tree.content["annotations"].pop()
    assert dataset.log.counts == {kind: 1} and kind in dataset.summary()
    with pytest.raises(DataError, match=message) as caught:
        load(coco_tree, on_error={kind: "error"})
    assert caught.value.kind == kind and "dataset.ON_ERROR" in str(caught.value)


def test_boxes_over_the_edge_are_clipped(coco_tree):
    change("annotations", 0, bbox=[50, -5, 20, 30])(coco_tree)
    dataset = load(coco_tree)
    assert dataset.records[0].boxes[0].tolist() == [50, 0, 59, 24] and dataset.log.counts == {"box_over_edge": 1}


def test_the_header_of_the_file_decides_on_the_size(coco_tree):
    for position, size in enumerate(((96.5, 1), (None, 0), ("40", "sixty"))):
        change("images", position, width=size[0], height=size[1])(coco_tree)
    dataset = load(coco_tree)
    assert [(r.width, r.height) for r in dataset.records] == [(60, 40), (40, 60), (50, 50)]
    assert dataset.log.counts == {"size_differs": 1}


def test_broken_images_are_found_at_the_start(coco_tree):
    spoil("a.jpg", 0)(coco_tree)
    dataset = load(coco_tree)
    assert [r.image_id for r in dataset.records] == [3, 5] and dataset.log.counts == {"image_unreadable": 1}


def test_a_wrong_folder_is_named(coco_tree):
    for name in ("a.jpg", "b.jpg"):
        lose(name)(coco_tree)
    for on_error in ("default", "skip"):
        with pytest.raises(DataError, match="2 of 3 images cannot be used .*looked for in .*/train.*image_root"):
            load(coco_tree, on_error=on_error)


@pytest.mark.parametrize("text, message", [
    ("{", "instances_train.json, line 1, column 2: not valid JSON"), ("", "line 1, column 1: not valid JSON"),
    ('{"images": [],\n "annotations": [}', "line 2, column 18: not valid JSON"), ("[]", 'no list "images"'),
    ('{"images": 3, "annotations": [], "categories": []}', 'no list "images"'),
    ('{"images": [], "annotations": []}', 'no list "categories"'),
    ('{"images": [], "annotations": [], "categories": []}', "no entry|no usable image"),
    ("[" * 100000, "not valid JSON"),
    ('{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
     "categories 'a' and 'b' have one id, 1, so that"),
])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_broken_file(coco_tree, text, message, on_error):
    coco_tree.file.write_text(text)
    with pytest.raises(DataError, match=message):
        load_dataset("coco", coco_tree.root, "train", on_error=on_error)


def test_file_that_is_not_utf8(coco_tree):
    coco_tree.file.write_bytes(b'{"images": "\xe9"}')
    with pytest.raises(DataError, match="byte 12 is not valid UTF-8; save the file as UTF-8"):
        load_dataset("coco", coco_tree.root, "train")


def test_missing_set_lists_those_there(coco_tree):
    with pytest.raises(DataError, match="instances_test.json: there is no such annotation file; sets there: train"):
        CocoDataset(coco_tree.root, "test")


@pytest.mark.realdata
@pytest.mark.parametrize("image_set", ["train2017", "val2017"])
def test_real_set_agrees_with_pycocotools(shared_data, image_set):
    dataset = load_dataset("coco", shared_data("tiny_coco"), image_set)
    dataset.check_images()
    assert len(dataset) == 50 and not dataset.log.counts and len(dataset.classes) == 80
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
        assert record.coco_boxes.tolist() == [e["bbox"] for e in entries]
        assert record.areas.tolist() == [e["area"] for e in entries]
    assert any(r.crowd.any() for r in dataset.records)
