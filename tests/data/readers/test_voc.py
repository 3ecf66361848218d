"""Pascal VOC reader: what is read, and what is refused."""
import os

import numpy as np
import pytest

from light_head_rcnn.data import DataError, VOC_CLASSES, load_dataset, training_boxes


def load(tree, **options):
    return load_dataset("voc", tree.write(), "train", **options)


def test_records(voc_tree):
    dataset = load(voc_tree)
    assert dataset.classes == VOC_CLASSES
    assert [r.image_id for r in dataset.records] == ["a", "b", "c"]
    first, second, third = dataset.records
    assert (first.width, first.height, os.path.basename(first.path)) == (60, 40, "a.jpg")
    assert first.boxes.tolist() == [[0, 0, 59, 39], [10, 5, 29, 34]] and first.boxes.dtype == np.float32
    assert [VOC_CLASSES[c] for c in first.classes] == ["dog", "cat"]
    assert first.difficult.tolist() == [False, True] and not first.crowd.any()
    assert second.boxes.tolist() == [[4, 4, 4, 4]] and third.boxes.shape == (0, 4)
    assert training_boxes(first)[0].tolist() == [[0, 0, 59, 39]]
    assert dataset.summary() == "voc train: 3 images, 3 boxes, 1 of them difficult, 20 classes"


def test_objects_are_difficult_only_where_the_xml_says_so(voc_tree):
    voc_tree.write()
    text = voc_tree.xml("a").read_text()
    voc_tree.xml("a").write_text(text.replace("<difficult>0</difficult>", ""))
    assert load_dataset("voc", voc_tree.root, "train").records[0].difficult.tolist() == [False, True]


def test_own_classes(voc_tree):
    dataset = load(voc_tree, classes=["person", "dog", "cat"])
    assert dataset.classes == ("person", "dog", "cat")
    assert [r.classes.tolist() for r in dataset.records] == [[1, 2], [0], []]


def test_lists_with_a_second_column_and_blank_lines(voc_tree):
    voc_tree.lines = ["a  1", "", "c -1"]
    assert [r.image_id for r in load(voc_tree).records] == ["a", "c"]


def test_float_boxes_and_one_pixel_over_the_edge(voc_tree):
    voc_tree.objects["a"] = [("dog", 0, 0, 0, 61, 41), ("dog", 0, 45.5, 3.25, 50, 20.5)]
    assert load(voc_tree).records[0].boxes.tolist() == [[0, 0, 59, 39], [44.5, 2.25, 49, 19.5]]


def test_size_is_taken_from_the_image_when_the_xml_has_none(voc_tree):
    voc_tree.size = (0, 0)
    assert [(r.width, r.height) for r in load(voc_tree).records] == [(60, 40)] * 3


def test_without_labels(voc_tree):
    voc_tree.write()
    for stem in "abc":
        voc_tree.xml(stem).unlink()
    dataset = load_dataset("voc", voc_tree.root, "train", with_labels=False)
    assert [(r.width, r.height, len(r.boxes)) for r in dataset.records] == [(60, 40, 0)] * 3


def test_without_labels_an_image_needs_no_entry(voc_tree):
    add_unlisted_image(voc_tree)
    with pytest.raises(DataError, match="unlisted.png: the image file has no entry"):
        load(voc_tree)
    assert len(load(voc_tree, with_labels=False)) == 3


def test_files_that_are_no_images_are_passed_over(voc_tree):
    for name in ("a.doc", "Thumbs.db", ".hidden.jpg"):
        (voc_tree.root / "JPEGImages" / name).write_bytes(b"")
    assert [os.path.basename(record.path) for record in load(voc_tree).records] == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize("size, valid", [((1, 1), True), ((1, 40), True), ((60, 1), True), ((0, 40), False),
                                         ((60, 0), False), ((-1, 40), False)])
def test_sizes_in_the_xml(voc_tree, size, valid):
    voc_tree.size, voc_tree.objects = size, dict.fromkeys("abc", ())
    if valid:
        assert {(record.width, record.height) for record in load(voc_tree).records} == {size}
    else:
        with pytest.raises(DataError, match="a.xml: size .* is not a positive whole width and height"):
            load(voc_tree)


def test_bytes_that_are_not_utf8_in_a_list_break_no_other_line(voc_tree):
    voc_tree.write()
    (voc_tree.root / "ImageSets/Main/train.txt").write_bytes(b"a\nb\n\xe9\nc\n")
    with pytest.raises(DataError, match="train.txt, line 3: \ufffd: there is no image"):
        load_dataset("voc", voc_tree.root, "train")
    assert len(load_dataset("voc", voc_tree.root, "train", on_error="skip")) == 3


def test_years_side_by_side(tmp_path, voc_tree):
    root = tmp_path / "devkit"
    root.mkdir()
    voc_tree.write()
    for year in ("VOC2007", "VOC2012"):
        (root / year).symlink_to(voc_tree.root)
    dataset = load_dataset("voc", root, "2007_train+2012_train")
    assert [r.image_id for r in dataset.records] == list("abcabc")
    assert "VOC2007" in dataset.records[0].path and "VOC2012" in dataset.records[3].path


def test_images_of_other_sets_need_no_annotation_here(voc_tree, make_image):
    voc_tree.write()
    make_image(voc_tree.root / "JPEGImages" / "of_test.jpg", 60, 40)
    (voc_tree.root / "ImageSets/Main/test.txt").write_text("of_test\n")
    assert len(load_dataset("voc", voc_tree.root, "train")) == 3


def objects(stem, *values):
    def apply(tree):
        tree.objects[stem] = list(values)
        tree.write()
    return apply


def add_unlisted_image(tree):
    (tree.root / "JPEGImages" / "unlisted.png").write_bytes((tree.root / "JPEGImages" / "a.jpg").read_bytes())


def xml(text):
    def apply(tree):
        tree.xml("b").write_text(text)
    return apply


def listed(*lines):
    def apply(tree):
        tree.lines = list(lines)
        tree.write()
    return apply


BROKEN = {  # how: (what to break, what the error says, images left, boxes left)
    "outside": (objects("a", ("dog", 0, 1, 1, 62, 40)),
                r"a.xml: object 1 \(dog\): box .* is outside the image of 60 x 40", 3, 1),
    "inverted": (objects("a", ("dog", 0, 1, 1, 9, 9), ("cat", 0, 9, 9, 5, 12)), r"a.xml: object 2 \(cat\): .*inverted",
                 3, 2),
    "not finite": (objects("a", ("dog", 0, 1, "nan", 9, 9)), "a.xml: object 1 .*not finite", 3, 1),
    "not a number": (objects("a", ("dog", 0, 1, "one", 9, 9)), "a.xml: object 1 .*not four numbers", 3, 1),
    "class": (objects("b", ("unicorn", 0, 1, 1, 9, 9)), "b.xml: .*'unicorn' is not declared; .*tvmonitor", 3, 2),
    "no name": (objects("b", ("", 0, 1, 1, 9, 9)), r"b.xml: object 1 \(no name\)", 3, 2),
    "no box": (xml("<annotation><size><width>60</width><height>40</height></size><object><name>dog</name></object>"
                   "</annotation>"), r"b.xml: object 1 \(dog\): bndbox .* not four numbers", 3, 2),
    "not xml": (xml("<annotation><size>"), "b.xml: not valid XML", 2, 2),
    "empty xml": (xml(""), "b.xml: not valid XML", 2, 2),
    "size": (xml("<annotation><size><width>60</width></size></annotation>"), "b.xml: size .*not a positive", 2, 2),
    "size in words": (xml("<annotation><size><width>a</width><height>1</height></size></annotation>"),
                      "b.xml: size .*not a positive", 2, 2),
    "no xml": (lambda tree: tree.xml("b").unlink(), "train.txt, line 2: b: image .*b.jpg has no annotation .*b.xml",
               2, 2),
    "no image": (lambda tree: (tree.root / "JPEGImages/b.jpg").unlink(), "line 2: b: there is no image .*b.jpg", 2, 2),
    "no entry": (add_unlisted_image, "unlisted.png: the image file has no entry, neither .*unlisted.xml nor a line",
                 3, 3),
    "listed twice": (listed("a", "b", "c", "b"), "train.txt, line 4: b: listed twice", 3, 3),
}


@pytest.mark.parametrize("how", sorted(BROKEN))
def test_broken_entry(voc_tree, how):
    spoiler, message, images, boxes = BROKEN[how]
    spoiler(voc_tree)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset("voc", voc_tree.root, "train")
    assert "dataset.ON_ERROR" in str(caught.value)
    dataset = load_dataset("voc", voc_tree.root, "train", on_error="skip")
    assert len(dataset) == images and sum(len(r.boxes) for r in dataset.records) == boxes
    assert len(dataset.skipped) == 1 and "left out: 1 x " + caught.value.kind in dataset.summary()


@pytest.mark.parametrize("content", [b"", b"not an image"])
def test_broken_image(voc_tree, content):
    (voc_tree.root / "JPEGImages/b.jpg").write_bytes(content)
    with pytest.raises(DataError, match="b.jpg: not a readable image .*entry 'b'"):
        load(voc_tree).check_images()
    dataset = load(voc_tree, on_error="skip")
    assert [r.image_id for r in dataset.records] == ["a", "c"]
    assert "left out: 1 x image unreadable" in dataset.summary()


def test_broken_image_without_size(voc_tree):
    voc_tree.size = (0, 0)
    (voc_tree.root / "JPEGImages/b.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="b.jpg: not a readable image"):
        load(voc_tree)
    assert len(load(voc_tree, on_error="skip")) == 2
    assert len(load(voc_tree, on_error="skip", with_labels=False)) == 2


def test_missing_set_lists_those_there(voc_tree):
    with pytest.raises(DataError, match="val.txt: no such image set .*; sets there: train"):
        load_dataset("voc", voc_tree.root, "val")


def test_folder_that_is_not_voc(tmp_path):
    with pytest.raises(DataError, match="JPEGImages: no such folder of images"):
        load_dataset("voc", tmp_path, "train")


@pytest.mark.realdata
def test_real_set(shared_data):
    counts = {}
    for image_set, images in (("train", 205), ("val", 87), ("test", 72)):
        dataset = load_dataset("voc", shared_data("bccd"), image_set, classes=("RBC", "WBC", "Platelets"))
        dataset.check_images()
        assert len(dataset) == images and not dataset.skipped
        for record in dataset.records:
            assert (record.boxes[:, :2] >= 0).all() and (record.boxes[:, 2:] < [record.width, record.height]).all()
            assert (record.boxes[:, 2:] >= record.boxes[:, :2]).all()
            for c in record.classes:
                counts[dataset.classes[c]] = counts.get(dataset.classes[c], 0) + 1
    assert counts == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert len(load_dataset("voc", shared_data("bccd"), "train+val", classes=("RBC", "WBC", "Platelets"))) == 292
