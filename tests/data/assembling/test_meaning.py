"""Values of annotations by their meaning."""
import math

import numpy as np
import pytest
from light_head_rcnn.data import DataError
from light_head_rcnn.data.assembling.meaning import as_area, as_class_name, as_flag, as_number


@pytest.mark.parametrize("value, expected", [
    (96, 96), (96.5, 96.5), ("96", 96), (" 96.0 ", 96), ("1e2", 100), (-3, -3), ("-3", -3), (0, 0), (10 ** 15, 1e15),
    (np.float32(2.5), 2.5)])
def test_numbers(value, expected):
    assert as_number(value) == expected and type(as_number(value)) is float


@pytest.mark.parametrize("value", [
    "", "a", "1_0", "10,5", "0x1", "nan", "inf", math.nan, -math.inf, True, False, None, [1], (2,), {}, 10 ** 400,
    "1e999"])
def test_what_is_no_number(value):
    with pytest.raises(DataError, match="is not a finite number") as caught:
        as_number(value, "box_not_numbers")
    assert caught.value.kind == "box_not_numbers"


@pytest.mark.parametrize("value", [0, 0.0, -0.0, False, None, "", " ", "0", "0.0", "false", "False", "no", "NO", "Off",
                                   "none", "null", "Unspecified"])
def test_no(value):
    assert as_flag(value) is False


@pytest.mark.parametrize("value", [1, 1.0, True, "1", "1.0", " 1 ", "true", "TRUE", "yes", "Yes", "on"])
def test_yes(value):
    assert as_flag(value) is True


@pytest.mark.parametrize("value", [2, -1, 0.5, "2", "maybe", math.nan, "nan", [], [1], {}, "01x"])
def test_neither_yes_nor_no(value):
    with pytest.raises(DataError, match="neither yes nor no") as caught:
        as_flag(value)
    assert caught.value.kind == "value_not_understood"


@pytest.mark.parametrize("value, expected", [(None, None), ("", None), (" ", None), (600, 600), ("72.5", 72.5), (0, 0)])
def test_areas(value, expected):
    assert as_area(value) == expected


@pytest.mark.parametrize("value", [-1, "-0.5", math.nan, math.inf, "large", True, [600]])
def test_what_is_no_area(value):
    with pytest.raises(DataError) as caught:
        as_area(value)
    assert caught.value.kind == "value_not_understood"


@pytest.mark.parametrize("value, expected", [
    ("dog", "dog"), (" traffic light\n", "traffic light"), (9, "9"), (1.5, "1.5"), (True, "true"), (False, "false"),
    ("9", "9"), ("", None), ("  ", None), (None, None), (["dog"], None)])
def test_names_of_classes(value, expected):
    assert as_class_name(value) == expected


def test_long_values_are_cut_in_messages():
    with pytest.raises(DataError) as caught:
        as_number("x" * 1000)
    assert len(str(caught.value)) < 100
