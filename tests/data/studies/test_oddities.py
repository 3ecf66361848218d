"""What is odd is found, counted and named, and what is not odd is not."""
import itertools
import shutil

import pytest
from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.data.studies.oddities import find_oddities

NUMBERS = itertools.count()  # no picture is in two sets


def record(name, *annotations, size=(600, 800)):
    return make_record(name, f"/no/such/{name}", *size, annotations)


def many(class_id=0, count=20):
    return [record(str(next(NUMBERS)), Annotation((10, 10, 60, 60), class_id)) for _ in range(count)]


def oddities(sets, classes=("cat", "dog")):
    return {oddity.kind: oddity for oddity in find_oddities(sets, classes)}


def test_nothing_is_odd_about_a_good_data_set():
    assert oddities({"train": many(0) + many(1), "val": many(0) + many(1), "test": [record("empty")]}) == {}


@pytest.mark.parametrize("classes", [("Dog", "dog "), ("traffic light", "traffic_light"), ("T-Shirt", "t shirt")])
def test_classes_whose_names_look_alike(classes):
    assert oddities({"train": many(0) + many(1)}, classes)["classes_alike"].count == 1


def test_other_names_do_not_look_alike():
    assert "classes_alike" not in oddities({"train": many(0) + many(1)}, ("class 1", "class 2"))
    assert "classes_alike" not in oddities({"train": many(0) + many(1)}, ("+", "-"))


def test_classes_without_boxes_with_few_and_not_in_all_sets():
    found = oddities({"train": many(0) + many(1, 3), "val": many(0), "test": [record("empty")]}, ("cat", "dog", "cow"))
    assert found["class_without_boxes"].examples == ["cow"]
    assert found["class_with_few_boxes"].examples == ["dog (3)"]
    assert found["class_not_in_all_sets"].examples == ["dog: in train, not in val"]
    assert len(found) == 3


def test_many_names_of_classes_are_in_one_line_and_cut():
    oddity = oddities({"train": many()}, ("cat", *map(str, range(1, 20))))["class_without_boxes"]
    assert oddity.count == 19 and oddity.examples == [", ".join(map(str, range(1, 13))) + ", ..."]


def test_tiny_boxes_are_told_by_the_size_that_the_network_sees():
    assert "tiny_boxes" not in oddities({"train": many() + [record("x", Annotation((5, 5, 8, 20), 0))]})
    found = oddities({"train": many() + [record("x", Annotation((5, 5, 7, 20), 0)),
                                         record("y", Annotation((5, 5, 12, 20), 0), size=(1800, 2400))]})
    assert found["tiny_boxes"].count == 2
    assert "/no/such/x: a box of 3 x 16 pixels (cat)" in found["tiny_boxes"].examples[0]


def test_boxes_of_the_whole_image():
    whole = [record("x", Annotation((0, 0, 599, 799), 0)), record("y", Annotation((0, 0, 599, 700), 0))]
    assert oddities({"train": many() + whole})["box_of_whole_image"].count == 1


def test_boxes_twice_and_boxes_with_two_classes():
    box, near = (10, 10, 60, 60), (10.2, 10, 60, 60.1)
    twice = record("x", Annotation(box, 0), Annotation(near, 0), Annotation(box, 0), Annotation((80, 80, 99, 99), 0))
    both = record("y", Annotation(box, 0), Annotation(box, 1))
    found = oddities({"train": many(0) + many(1) + [twice, both]})
    assert found["boxes_twice"].count == 2 and found["boxes_twice"].examples == ["/no/such/x: 3 boxes of cat at one "
                                                                                 "place"]
    assert found["box_with_two_classes"].count == 1
    assert found["box_with_two_classes"].examples == ["/no/such/y: cat, dog"]


def test_examples_are_the_first_three():
    found = oddities({"train": many() + [record(str(i), Annotation((0, 0, 599, 799), 0)) for i in range(5)]})
    assert found["box_of_whole_image"].count == 5 and len(found["box_of_whole_image"].examples) == 3


def test_an_image_is_an_example_once():
    odd = record("x", *[Annotation((0, 0, 1 + i, 1), 0) for i in range(5)])
    oddity = oddities({"train": many() + [odd]})["tiny_boxes"]
    assert oddity.count == 5 and oddity.examples == ["/no/such/x: a box of 2 x 2 pixels (cat) in an image of 600 x 800"]


def test_a_set_that_joins_others_is_not_looked_at():
    train, val = many(), many()
    odd = record("x", Annotation((0, 0, 1, 1), 0))
    found = oddities({"train": train + [odd], "val": val, "trainval": train + [odd] + val}, ("cat",))
    assert list(found) == ["tiny_boxes"] and found["tiny_boxes"].count == 1
    # A set that lies in one other set is no part of it, but a mistake.
    assert "picture_in_two_sets" in oddities({"train": train, "val": train[:5]}, ("cat",))
    assert "picture_in_two_sets" in oddities({"train": train, "val": train}, ("cat",))


def test_one_picture_in_two_sets_and_twice_in_one(tmp_path, make_image):
    for index, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        make_image(tmp_path / name, 60, 40, index)
    shutil.copy(tmp_path / "a.jpg", tmp_path / "copy.jpg")
    shutil.copy(tmp_path / "b.jpg", tmp_path / "again.jpg")

    def records(*names):
        return [make_record(name, str(tmp_path / name), 60, 40, []) for name in names]

    found = oddities({"train": records("a.jpg", "b.jpg", "again.jpg", "c.jpg"), "val": records("copy.jpg", "c.jpg")})
    assert found["picture_in_two_sets"].count == 2
    assert found["picture_in_two_sets"].examples == [
        f"{tmp_path}/a.jpg (train), {tmp_path}/copy.jpg (val)", f"{tmp_path}/c.jpg (train and val)"]
    assert found["picture_twice"].examples == [f"{tmp_path}/b.jpg (train), {tmp_path}/again.jpg (train)"]


def test_of_many_equal_pictures_the_first_of_each_set_is_named(tmp_path):
    for index in range(9):
        (tmp_path / f"{index}.jpg").write_bytes(b"black")
    records = [make_record(str(index), str(tmp_path / f"{index}.jpg"), 60, 40, []) for index in range(9)]
    found = oddities({"train": records[:8], "val": records[8:]})
    assert found["picture_in_two_sets"].examples == [
        f"{tmp_path}/0.jpg (train), {tmp_path}/8.jpg (val), and 7 more files"]
