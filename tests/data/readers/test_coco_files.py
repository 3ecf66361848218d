"""Single files in COCO's format as people have them: ids, categories, names, encodings."""
import codecs
import json

import pytest
from light_head_rcnn.data import DataError, load_dataset
from light_head_rcnn.data.assembling.assemble import assemble
from light_head_rcnn.data.assembling.faults import FaultLog, FaultPolicy
from light_head_rcnn.data.readers.coco_files import coco_class_names, read_coco_file


def load(tree, **options):
    return load_dataset("coco", tree.write(), "train", **options)


def labels(dataset):
    return [[dataset.classes[i] for i in record.classes] for record in dataset.records]


@pytest.mark.parametrize("ids", [(None, None, None), (0, 0, 0), (1.5, 1.5, 2.25), ("a", "a", [1]), (11, 11, 11)])
def test_ids_of_annotations_matter_to_nothing(coco_tree, ids):
    for entry, one in zip(coco_tree.content["annotations"], ids):
        entry["id"] = one
    dataset = load(coco_tree, on_error="raise")
    assert labels(dataset) == [["dog", "cat"], ["cat"], []]
    for entry in coco_tree.content["annotations"]:
        del entry["id"]
    assert labels(load(coco_tree, on_error="raise")) == [["dog", "cat"], ["cat"], []]


@pytest.mark.parametrize("stated, box", [
    ({"segmentation": [[10, 5, 30, 5, 30, 35], [12, 3, 14, 3, 14, 9]]}, [10, 3, 29, 34]),
    ({"bbox": [], "segmentation": [[10, 5, 30, 5, 30, 35]]}, [10, 5, 29, 34]),
    ({"bbox": [1, 2, 3, 4], "segmentation": [[10, 5, 30, 5, 30, 35]]}, [1, 2, 3, 5]),
    ({"segmentation": {"size": [9, 9], "counts": "ab"}}, None), ({"segmentation": []}, None), ({}, None)])
def test_without_a_box_that_around_the_polygons_is_taken(coco_tree, stated, box):
    del coco_tree.content["annotations"][0]["bbox"]
    coco_tree.content["annotations"][0].update(stated)
    dataset = load(coco_tree)
    assert dataset.log.counts == ({} if box else {"box_not_numbers": 1})
    if box:
        assert box in dataset.records[0].boxes.tolist()


@pytest.mark.parametrize("stated", [7, 7.0, "7", " 7"])
def test_ids_are_matched_whatever_their_type(coco_tree, stated):
    coco_tree.content["annotations"][0].update(image_id=stated, category_id=stated)
    coco_tree.content["categories"][0]["id"] = 7
    dataset = load(coco_tree, on_error="raise")
    assert labels(dataset) == [["dog", "cat"], ["cat"], []] and dataset.records[0].image_id == 7


@pytest.mark.parametrize("declared, stated, expected", [
    (["7", 7, 5], 7, 1), (["7", 7, 5], "7", 0), (["7", "3", 5], 7, 0), ([7.0, 3, 5], "7", 0), (["07", 3, 5], 7, None),
    (["7", " 7", 5], 7, None), ([7, 3, 5], True, None), ([1, 3, 5], True, None)])
def test_an_exact_id_comes_first_and_no_id_is_guessed(coco_tree, declared, stated, expected):
    for image, one in zip(coco_tree.content["images"], declared):
        image["id"] = one
    coco_tree.content["annotations"] = [{"image_id": stated, "category_id": 2, "bbox": [1, 1, 5, 5]}]
    dataset = load(coco_tree)
    assert [len(r.boxes) for r in dataset.records] == [int(i == expected) for i in range(3)]
    assert dataset.log.counts == ({} if expected is not None else {"annotation_of_no_image": 1})


def test_ids_of_records_are_whole_numbers_and_texts(coco_tree):
    for image, one in zip(coco_tree.content["images"], (7.0, "b", 5)):
        image["id"] = one
    coco_tree.content["annotations"] = []
    assert [(r.image_id, type(r.image_id)) for r in load(coco_tree).records] == [(7, int), ("b", str), (5, int)]


def test_two_images_with_one_id(coco_tree):
    coco_tree.content["images"][2]["id"] = 7
    with pytest.raises(DataError, match="the images a.jpg and c.jpg have one id, 7") as caught:
        load(coco_tree)
    assert caught.value.kind == "image_id_twice"
    dataset = load(coco_tree, on_error="skip")
    assert [r.image_id for r in dataset.records] == [3] and dataset.log.counts == {"image_id_twice": 2}
    assert len(load(coco_tree, with_labels=False)) == 3  # without boxes there is nothing to mix up


def test_an_image_that_is_repeated(coco_tree):
    coco_tree.content["images"].append({**coco_tree.content["images"][0], "file_name": ".\\a.jpg"})
    dataset = load(coco_tree)
    assert labels(dataset) == [["dog", "cat"], ["cat"], []] and dataset.log.counts == {"image_listed_twice": 1}


def test_one_file_under_two_ids(coco_tree):
    coco_tree.content["images"].append({"id": 8, "file_name": "a.jpg"})
    coco_tree.content["annotations"].append({"image_id": 8, "category_id": 2, "bbox": [5, 5, 10, 10]})
    dataset = load(coco_tree)
    assert labels(dataset) == [["dog", "cat", "cat"], ["cat"], []] and dataset.log.counts == {"image_listed_twice": 1}
    dropped = load(coco_tree, on_error={"image_listed_twice": "drop"})
    assert labels(dropped) == [["dog", "cat"], ["cat"], []]
    assert dropped.records[0].regions.tolist() == [[5, 5, 14, 14]]


def categories(*triples):
    return [dict(zip(("id", "name", "supercategory"), one)) for one in triples]


ROOTS = {  # how: (categories, the category of annotation 0, classes, ids)
    "name of the project": (categories((0, "animals", "none"), (1, "cat", "animals"), (2, "dog", "animals")), 2,
                            ("cat", "dog"), (1, 2)),
    "a root called like a class": (categories((0, "disc", "none"), (5, "disc", "disc"), (9, "bar", "disc")), 5,
                                   ("disc", "bar"), (5, 9)),
    "that class without boxes": (categories((0, "disc", "none"), (5, "disc", "disc"), (9, "bar", "disc")), 9,
                                 ("disc", "bar"), (5, 9)),
    "a root in use": (categories((0, "animals", "none"), (1, "cat", "animals")), 0, ("animals", "cat"), (0, 1)),
    "two levels": (categories((0, "all", "none"), (1, "pets", "all"), (2, "cat", "pets")), 2, ("cat",), (2,)),
    "labelme's background": (categories((0, "_background_", ""), (1, "cat", "")), 1, ("cat",), (1,)),
    "COCO's person": (categories((1, "person", "person"), (2, "bicycle", "vehicle")), 2, ("person", "bicycle"), (1, 2)),
    "a class above others": (categories((1, "dog", None), (2, "puppy", "dog")), 1, ("dog", "puppy"), (1, 2)),
    "no supercategories": ([{"id": 4, "name": "b"}, {"id": 3, "name": "a"}], 3, ("a", "b"), (3, 4)),
}


@pytest.mark.parametrize("how", sorted(ROOTS))
@pytest.mark.parametrize("layout", [{}, {"indent": 1}, {"separators": (",", ":")}])
def test_categories_that_are_only_parents_are_no_classes(coco_tree, how, layout):
    coco_tree.content["categories"], used, classes, ids = ROOTS[how]
    coco_tree.content["annotations"] = [{"image_id": 7, "category_id": used, "bbox": [1, 1, 5, 5]}]
    coco_tree.write()
    coco_tree.file.write_text(json.dumps(coco_tree.content, **layout))
    dataset = load_dataset("coco", coco_tree.root, "train", on_error="raise")
    assert dataset.classes == classes and dataset.category_ids == ids
    assert [dataset.category_ids[i] for i in dataset.records[0].classes] == [used]


@pytest.mark.parametrize("used", [5, 5.0, "5"])
def test_the_scan_of_a_file_finds_what_is_used_as_reading_it_does(tmp_path, used):
    content = {"info": {"about": '"categories"'}, "images": [], "categories": categories((5, "a", None), (6, "b", "a")),
               "annotations": [{"category_id": 55, "image_id": 1}, {"category_id": used, "image_id": 1, "bbox": []}]}
    for name, encoding in (("utf-8", "utf-8"), ("marked", "utf-8-sig"), ("wide", "utf-16")):
        (tmp_path / name).write_text(json.dumps(content), encoding=encoding)
    assert {tuple(coco_class_names([str(tmp_path / name)])) for name in ("utf-8", "marked", "wide")} == {("a", "b")}
    content["annotations"].pop()
    (tmp_path / "unused").write_text(json.dumps(content))
    assert coco_class_names([str(tmp_path / "unused")]) == ["b"]
    assert coco_class_names([str(tmp_path / "unused"), str(tmp_path / "utf-8")]) == ["a", "b"]


def test_many_categories_are_scanned_in_steps(tmp_path):
    names = [f"class {'x' * 200} {i}" for i in range(3000)]
    content = {"categories": [{"id": i, "name": name} for i, name in enumerate(names)], "images": [], "annotations": []}
    (tmp_path / "many.json").write_text(json.dumps(content))
    assert coco_class_names([str(tmp_path / "many.json")]) == names


def test_categories_with_one_name_are_one_class(coco_tree):
    coco_tree.content["categories"] = categories((2, "cat", "a"), (9, "cat", "b"))
    dataset = load(coco_tree)
    assert dataset.classes == ("cat",) and dataset.category_ids == (2,)
    assert labels(dataset) == [["cat", "cat"], ["cat"], []]
    assert "2 categories are named 'cat'; they are one class" in dataset.summary()


def test_names_of_categories_are_texts(coco_tree):
    coco_tree.content["categories"] = [{"id": 2, "name": 9}, {"id": 9, "name": False}, {"id": 11, "name": " no "}]
    assert load(coco_tree).classes == ("9", "false", "no")
    assert labels(load(coco_tree, classes=["no", 9])) == [["9"], ["9"], []]
    del coco_tree.content["categories"][1]
    assert load(coco_tree, classes=[False, 9]).classes == ("no", "9")  # as YAML reads [no, 9]


def test_a_category_without_a_name_is_none(coco_tree):
    coco_tree.content["categories"] = [{"id": 2, "name": "cat"}, {"id": 9}, {"name": "cow"}, 5,
                                       {"id": None, "name": "x"}]
    dataset = load(coco_tree)
    assert dataset.classes == ("cat",) and dataset.log.counts == {"class_unknown": 1}
    assert dataset.records[0].regions.tolist() == [[10, 5, 29, 34]]


@pytest.mark.parametrize("name", ["train\\a.jpg", "train/a.jpg", "./a.jpg", "C:\\photos\\train\\a.jpg", "a.JPG", "a",
                                  "a.png"])
def test_names_of_files(coco_tree, name):
    coco_tree.content["images"][0]["file_name"] = name
    dataset = load(coco_tree, on_error="raise")
    assert dataset.records[0].path == str(coco_tree.root / "train" / "a.jpg")


def test_a_name_that_is_a_number(coco_tree):
    (coco_tree.root / "train" / "a.jpg").rename(coco_tree.root / "train" / "12.jpg")
    coco_tree.content["images"][0]["file_name"] = 12
    assert load(coco_tree, on_error="raise").records[0].path.endswith("12.jpg")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings(coco_tree, encoding):
    coco_tree.content["categories"][0]["name"] = "Käfer"
    coco_tree.write()
    coco_tree.file.write_bytes(json.dumps(coco_tree.content, ensure_ascii=False).encode(encoding))
    dataset = load_dataset("coco", coco_tree.root, "train")
    assert dataset.classes == ("cat", "Käfer")
    assert coco_tree.file.read_bytes().startswith(codecs.BOM_UTF8) == (encoding == "utf-8-sig")


@pytest.mark.parametrize("stated, crowd", [("0", False), ("1", True), (0.0, False), (True, True), (None, False)])
def test_crowds_by_meaning(coco_tree, stated, crowd):
    coco_tree.content["annotations"][0]["iscrowd"] = stated
    assert load(coco_tree, on_error="raise").records[0].crowd.tolist() == [crowd, True]


def test_polygons_and_masks_are_not_kept(coco_tree):
    coco_tree.content["annotations"][0]["segmentation"] = [[1, 2, 3, 4, 5, 6]]
    coco_tree.content["annotations"][1]["segmentation"] = {"size": [40, 60], "counts": [1, 2]}
    coco_tree.content["images"][0]["image_id"] = 7  # as some converters write
    assert labels(load(coco_tree, on_error="raise")) == [["dog", "cat"], ["cat"], []]


def test_a_file_in_any_place(coco_tree, tmp_path):
    file = tmp_path / "elsewhere" / "boxes.json"
    file.parent.mkdir()
    coco_tree.write()
    coco_tree.file.rename(file)
    raw = read_coco_file(str(file), (str(coco_tree.root / "train"),))
    assert raw.category_ids == {"cat": 2, "dog": 9} and raw.box_format == "xywh"
    records = assemble(raw, ("dog",), FaultLog(FaultPolicy("raise")))
    assert [len(record.boxes) for record in records] == [1, 0, 0]
    with pytest.raises(DataError, match="nowhere.json: the annotation file cannot be read .*No such file"):
        read_coco_file("nowhere.json", ())
