"""Pascal VOC reader: what is read, and what is refused."""
import os

import numpy as np
import pytest
from light_head_rcnn.data import VOC_CLASSES, DataError, VocDataset, load_dataset, training_boxes


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
    assert dataset.summary() == "voc train: 3 images, 3 boxes, 1 of them difficult, 20 classes, 1 image without boxes"


def test_objects_are_difficult_only_where_the_xml_says_so(voc_tree):
    voc_tree.write()
    text = voc_tree.xml("a").read_text()
    voc_tree.xml("a").write_text(text.replace("<difficult>0</difficult>", ""))
    assert load_dataset("voc", voc_tree.root, "train").records[0].difficult.tolist() == [False, True]


def test_own_classes(voc_tree):
    dataset = load(voc_tree, classes=["person", "dog", "cat"])
    assert dataset.classes == ("person", "dog", "cat")
    assert [r.classes.tolist() for r in dataset.records] == [[1, 2], [0], []]
    dataset = load(voc_tree, classes=["dog", "unicorn"])
    assert [r.classes.tolist() for r in dataset.records] == [[0], [], []]
    assert dataset.unread == {"cat": 1, "person": 1} and not dataset.log.counts


def test_classes_that_voc_does_not_have_are_those_of_all_files(voc_tree):
    voc_tree.objects["b"] = [("unicorn", 0, 1, 1, 9, 9)]
    voc_tree.lines = ["a", "c"]  # another set would have b
    assert load(voc_tree).classes == ("cat", "dog", "unicorn")


@pytest.mark.parametrize("names", [("9", "no"), ("no", "true"), ("été", "Ärger")])
def test_names_of_classes_are_texts(voc_tree, names):
    voc_tree.objects = {"a": [(names[0], 0, 1, 1, 9, 9)], "b": [(names[1], 0, 1, 1, 9, 9)], "c": []}
    dataset = load(voc_tree)
    assert dataset.classes == tuple(sorted(names)) and [len(r.boxes) for r in dataset.records] == [1, 1, 0]
    assert load(voc_tree, classes=names).classes == names


def test_lists_with_a_second_column_and_blank_lines(voc_tree):
    voc_tree.lines = ["a  1", "", "c -1", "b\t0"]
    assert [r.image_id for r in load(voc_tree).records] == ["a", "c", "b"]


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
    assert load(voc_tree).log.counts == {"image_without_entry": 1}
    assert not load(voc_tree, with_labels=False).log.counts


def test_files_that_are_no_images_are_passed_over(voc_tree):
    for name in ("a.doc", "Thumbs.db", ".hidden.jpg"):
        (voc_tree.root / "JPEGImages" / name).write_bytes(b"")
    assert [os.path.basename(record.path) for record in load(voc_tree).records] == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize("size, counts", [
    ((60, 40), {}), ((0, 0), {}), ((60, 0), {}), ((-1, 40), {}), ((60.0, "40.0"), {}), (("wide", ""), {}),
    ((40, 60), {"size_differs": 3}), ((1, 1), {"size_differs": 3})])
def test_the_header_of_the_file_decides_on_the_size(voc_tree, size, counts):
    voc_tree.size = size
    dataset = load(voc_tree)
    assert [(r.width, r.height) for r in dataset.records] == [(60, 40)] * 3 and dataset.log.counts == counts
    assert dataset.records[0].boxes.tolist() == [[0, 0, 59, 39], [10, 5, 29, 34]]


def name_image(tree, name):
    """Gives the first image and its XML another name."""
    (tree.root / "JPEGImages" / "a.jpg").rename(tree.root / "JPEGImages" / f"{name}.jpg")
    tree.write()
    tree.xml("a").rename(tree.xml(name))


@pytest.mark.parametrize("name, line", [
    ("img (1)", "img (1)"), ("img 1", "img 1"), ("img 1", "img 1 1"), ("img", "img.jpg"), ("img", "./img.JPG"),
    ("img", "JPEGImages/img.jpg"), ("img", "C:\\photos\\JPEGImages\\img.jpg"), ("img", "IMG"), ("img.v2", "img.v2"),
    ("été", "e\u0301te\u0301"), ("[a] b+c", "[a] b+c  -1"), ("0001", "0001")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_names_in_lists(voc_tree, make_image, name, line, encoding):
    name_image(voc_tree, name)
    (voc_tree.root / "ImageSets/Main/train.txt").write_text(f"{line}\r\nb\n\nc", encoding=encoding)
    dataset = load_dataset("voc", voc_tree.root, "train", on_error="raise")
    assert [r.image_id for r in dataset.records] == [name, "b", "c"] or line != name
    assert dataset.records[0].path == str(voc_tree.root / "JPEGImages" / f"{name}.jpg")
    assert [len(r.boxes) for r in dataset.records] == [2, 1, 0]


def test_a_line_never_reads_another_picture(voc_tree, make_image):
    make_image(voc_tree.root / "JPEGImages" / "img.jpg", 60, 40)
    voc_tree.lines = ["a", "b", "img (1)"]
    dataset = load(voc_tree)
    assert [r.image_id for r in dataset.records] == ["a", "b"]
    assert dataset.log.counts == {"image_missing": 1, "image_without_entry": 1}


def test_the_name_in_the_xml_counts_where_no_file_has_that_of_the_xml(voc_tree):
    voc_tree.write()
    (voc_tree.root / "JPEGImages" / "a.jpg").rename(voc_tree.root / "JPEGImages" / "elsewhere.png")
    dataset = load_dataset("voc", voc_tree.root, "train", on_error={"image_missing": "error"})
    assert [os.path.basename(r.path) for r in dataset.records] == ["elsewhere.png", "b.jpg", "c.jpg"]


@pytest.mark.parametrize("stated, difficult", [
    ("true", True), ("Yes", True), ("1.0", True), ("0", False), ("no", False), ("", False), ("perhaps", False)])
def test_difficult_by_meaning(voc_tree, stated, difficult):
    voc_tree.objects["a"] = [("dog", stated, 1, 1, 60, 40)]
    dataset = load(voc_tree)
    assert dataset.records[0].difficult.tolist() == [difficult]
    assert dataset.records[0].ignored.tolist() == [stated == "perhaps"]


def test_bytes_that_are_not_utf8_in_a_list_break_no_other_line(voc_tree):
    voc_tree.write()
    (voc_tree.root / "ImageSets/Main/train.txt").write_bytes(b"a\nb\n\xe9\nc\n")
    with pytest.raises(DataError, match="train.txt, line 3: \xe9: there is no image"):
        load_dataset("voc", voc_tree.root, "train", on_error="raise")
    assert len(load_dataset("voc", voc_tree.root, "train")) == 3


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


BROKEN = {  # how: (what to break, kind, message, images left, boxes left)
    "outside": (objects("a", ("dog", 0, 61, 1, 70, 40)), "box_outside",
                r"a.xml, annotation 1 \(dog\): box .* lies outside the image of 60 x 40", 3, 1),
    "inverted": (objects("a", ("dog", 0, 1, 1, 9, 9), ("cat", 0, 9, 9, 5, 12)), "box_inverted",
                 r"a.xml, annotation 2 \(cat\): .*ends before it begins", 3, 2),
    "not finite": (objects("a", ("dog", 0, 1, "nan", 9, 9)), "box_not_numbers", "a.xml, annotation 1 .*not four", 3, 1),
    "not a number": (objects("a", ("dog", 0, 1, "one", 9, 9)), "box_not_numbers", "a.xml, annotation 1 .*'one'", 3, 1),
    "no name": (objects("b", ("", 0, 1, 1, 9, 9)), "class_unknown", r"b.xml, annotation 1 \(no class\)", 3, 2),
    "no box": (xml("<annotation><object><name>dog</name></object></annotation>"), "box_not_numbers",
               r"b.xml, annotation 1 \(dog\): box None is not four finite numbers", 3, 2),
    "not xml": (xml("<annotation><size>"), "image_entry_broken", "b.xml: not valid XML", 2, 2),
    "empty xml": (xml(""), "image_entry_broken", "b.xml: not valid XML", 2, 2),
    "other xml": (xml("<svg/>"), "image_entry_broken", "b.xml: not an annotation in Pascal VOC's format, its root is",
                  2, 2),
    "no xml": (lambda tree: tree.xml("b").unlink(), "image_without_entry",
               "train.txt, line 2: b: the image .*b.jpg has no annotation b.xml in .*Annotations", 2, 2),
    "no image": (lambda tree: (tree.root / "JPEGImages/b.jpg").unlink(), "image_missing",
                 "b.xml: there is no image 'b' in .*JPEGImages", 2, 2),
    "neither": (lambda tree: ((tree.root / "JPEGImages/b.jpg").unlink(), tree.xml("b").unlink()), "image_missing",
                "line 2: b: there is no image 'b' in .*JPEGImages", 2, 2),
    "no entry": (add_unlisted_image, "image_without_entry",
                 "unlisted.png: the image file has neither an annotation in .*Annotations nor a line in .*Main", 3, 3),
    "not an image": (lambda tree: (tree.root / "JPEGImages/b.jpg").write_bytes(b"not an image"), "image_unreadable",
                     "b.xml: .*b.jpg: not a readable image", 2, 2),
    "empty image": (lambda tree: (tree.root / "JPEGImages/b.jpg").write_bytes(b""), "image_unreadable",
                    "b.xml: .*b.jpg: not a readable image", 2, 2),
}


@pytest.mark.parametrize("how", sorted(BROKEN))
def test_broken_entry(voc_tree, how):
    spoiler, kind, message, images, boxes = BROKEN[how]
    spoiler(voc_tree)
    dataset = load_dataset("voc", voc_tree.root, "train")
    assert len(dataset) == images and sum(len(r.boxes) for r in dataset.records) == boxes
    assert dataset.log.counts == {kind: 1} and kind in dataset.summary()
    with pytest.raises(DataError, match=message) as caught:
        load_dataset("voc", voc_tree.root, "train", on_error="raise")
    assert caught.value.kind == kind and "dataset.ON_ERROR" in str(caught.value)


def test_an_image_that_is_listed_twice(voc_tree):
    listed("a", "b", "c", "b")(voc_tree)
    dataset = load_dataset("voc", voc_tree.root, "train", on_error="raise")  # nothing is left out
    assert [r.image_id for r in dataset.records] == ["a", "b", "c"] and dataset.log.counts == {"image_listed_twice": 1}
    assert sum(len(r.boxes) for r in dataset.records) == 3 and not len(dataset.records[1].regions)
    with pytest.raises(DataError, match="b.xml: its file .*b.jpg is that of an entry before it"):
        load_dataset("voc", voc_tree.root, "train", on_error={"image_listed_twice": "error"})


def test_boxes_over_the_edge_are_clipped(voc_tree):
    voc_tree.objects["a"] = [("dog", 0, -3, 1, 70, 40)]
    dataset = load(voc_tree)
    assert dataset.records[0].boxes.tolist() == [[0, 0, 59, 39]] and dataset.log.counts == {"box_over_edge": 1}


def test_missing_set_lists_those_there(voc_tree):
    with pytest.raises(DataError, match="val.txt: there is no such image set; sets there: train"):
        VocDataset(voc_tree.root, "val")


def test_folder_that_is_not_voc(tmp_path):
    with pytest.raises(DataError, match="JPEGImages: no such folder of images"):
        VocDataset(tmp_path, "train")


@pytest.mark.realdata
def test_real_set(shared_data):
    counts = {}
    for image_set, images in (("train", 205), ("val", 87), ("test", 72)):
        dataset = load_dataset("voc", shared_data("bccd"), image_set, classes=("RBC", "WBC", "Platelets"))
        dataset.check_images()
        assert len(dataset) == images and not dataset.log.counts
        for record in dataset.records:
            assert (record.boxes[:, :2] >= 0).all() and (record.boxes[:, 2:] < [record.width, record.height]).all()
            assert (record.boxes[:, 2:] >= record.boxes[:, :2]).all()
            for c in record.classes:
                counts[dataset.classes[c]] = counts.get(dataset.classes[c], 0) + 1
    assert counts == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert len(load_dataset("voc", shared_data("bccd"), "train+val", classes=("RBC", "WBC", "Platelets"))) == 292


def test_images_whose_stems_end_as_images_do(tmp_path, make_image, voc_tree):
    for index, name in enumerate(("scan.tif", "scan", "listed.tif")):
        make_image(voc_tree.root / "JPEGImages" / f"{name}.png", 60, 40, index)
    voc_tree.objects = {"scan.tif": [("dog", 0, 1, 1, 9, 9)], "scan": [("dog", 0, 2, 2, 20, 20)]}
    voc_tree.lines = ["scan.tif", "scan", "listed.tif"]
    for name in "abc":
        voc_tree.xml(name).unlink()
        (voc_tree.root / "JPEGImages" / f"{name}.jpg").unlink()
    dataset = load(voc_tree)
    assert [(os.path.basename(r.path), r.image_id, r.boxes.tolist()) for r in dataset.records] == [
        ("scan.tif.png", "scan.tif", [[0, 0, 8, 8]]), ("scan.png", "scan", [[1, 1, 19, 19]])]
    assert dataset.log.counts == {"image_without_entry": 1}  # that the list names
    unlabelled = load_dataset("voc", voc_tree.root, "train", with_labels=False)
    assert [r.image_id for r in unlabelled.records] == ["scan.tif", "scan", "listed.tif"]


def test_a_list_with_the_bytes_of_names_that_are_not_utf8(voc_tree):
    for folder, extension in (("JPEGImages", ".jpg"), ("Annotations", ".xml")):
        os.rename(voc_tree.root / folder / f"a{extension}", voc_tree.root / folder / f"\udce9{extension}")
    (voc_tree.root / "ImageSets/Main/train.txt").write_bytes(b"\xe9\nb\n")
    dataset = load_dataset("voc", voc_tree.root, "train", on_error="raise")
    assert [(os.path.basename(r.path), r.image_id, len(r.boxes)) for r in dataset.records] == [
        ("\udce9.jpg", "é", 2), ("b.jpg", "b", 1)]
