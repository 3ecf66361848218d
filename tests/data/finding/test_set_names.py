import pytest
from light_head_rcnn.data.finding.set_names import (
    canonical_name, canonical_of_path, canonical_of_paths, choose_names, in_order)


@pytest.mark.parametrize("text, name", [
    ("train", "train"), ("Training", "train"), ("train2017", "train"), ("custom_train", "train"),
    ("train-images", "train"), ("val", "val"), ("valid", "val"),
    ("Validation_2", "val"), ("dev", "val"), ("eval", "val"), ("test", "test"),
    ("testing", "test"), ("test-dev2015", "test"), ("obj_train_data", "train"),
    ("trainval", None), ("train_val", None), ("minival2014", None), ("constraints", None), ("latest", None), ("", None),
    ("images", None), ("contest", None),
])
def test_words_for_the_sets(text, name):
    assert canonical_name(text) == name


def test_the_last_folder_that_names_a_set_counts():
    assert canonical_of_path(["test", "images", "train", "a"]) == ("train", 2)
    assert canonical_of_path(["images"]) == canonical_of_path([]) == (None, -1)


@pytest.mark.parametrize("pairs, names", [
    ([("train2017", "train"), ("valid", "val")], ["train", "val"]),
    ([("train2014", "train"), ("train2017", "train"), ("v", "val")], ["train2014", "train2017", "val"]),
    ([("labels", None)], ["all"]), ([("", None)], ["all"]), ([("train", "train")], ["train"]),
    ([("a", None), ("b", None)], ["a", "b"]), ([("a", None), ("a", None)], ["a", "a-2"]),
])
def test_no_two_sets_have_one_name(pairs, names):
    assert choose_names(pairs) == names


def test_the_order_of_names():
    assert in_order(["b", "test", "all", "val", "train"]) == ["train", "val", "test", "all", "b"]


def test_of_several_names_in_a_path_that_counts_which_divides():
    classes = [("images", part, kind) for part in ("train", "val") for kind in ("bus", "train")]
    assert canonical_of_paths(classes) == [("train", 1), ("train", 1), ("val", 1), ("val", 1)]
    assert canonical_of_paths([("training", "train"), ("training", "val")]) == [("train", 1), ("val", 1)]
    assert canonical_of_paths([("training", "train"), ("training", "val"), ("testing", "a")]) == [
        ("train", 1), ("val", 1), ("test", 0)]
    assert canonical_of_paths([("test", "train")]) == [("train", 1)]
