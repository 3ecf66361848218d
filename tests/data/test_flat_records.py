"""Records as long arrays: what is cut from them equals what was joined, and arrays that do not fit are refused."""
import dataclasses

import numpy as np
import pytest
from light_head_rcnn.data.flat_records import FlatRecords, flatten_records, join_texts, split_texts
from light_head_rcnn.data.record import Annotation, Record, make_record


def records():
    return [
        make_record(7, "/data/a.jpg", 60, 40, [Annotation((1.25, 2, 30, 39), 2, crowd=True, area=55.5),
                                               Annotation((0, 0, 59, 39), 0, difficult=True, ignored=True)]),
        make_record(2 ** 70, "/data/\udcff.jpg", 30000, 2, [], regions=[(0, 0, 1, 1)], upright=False),
        make_record("7", "bär\N{COMBINING DIAERESIS}/\U0001f600 (1).jpg", 50, 50,
                    [Annotation((3, 4, 5, 6), 1, coco_box=(3, 4, 0.1, 2))], regions=[(1, 2, 3, 4), (5, 6, 7, 8)])]


def assert_equal_records(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        for field in dataclasses.fields(Record):
            value, wanted = getattr(one, field.name), getattr(other, field.name)
            assert type(value) is type(wanted), field.name
            if isinstance(wanted, np.ndarray):
                assert value.dtype == wanted.dtype and value.shape == wanted.shape, field.name
            assert np.array_equal(value, wanted), field.name


def test_records_come_back_equal_in_every_field():
    arrays = flatten_records(records())
    assert all(array.dtype != object for array in arrays.values())
    assert_equal_records(FlatRecords(arrays), records())


def test_records_are_views():
    arrays = flatten_records(records())
    record = FlatRecords(arrays)[0]
    assert np.shares_memory(record.boxes, arrays["boxes"]) and np.shares_memory(record.areas, arrays["areas"])


@pytest.mark.parametrize("some", [[], records()[1:2]], ids=["no record", "no box"])
def test_few(some):
    assert_equal_records(FlatRecords(flatten_records(some)), some)


@pytest.mark.parametrize("image_id", [1.0, True, np.int64(3), None])
def test_ids_of_other_types_are_refused(image_id):
    with pytest.raises(TypeError, match="image id"):
        flatten_records([make_record(image_id, "a.jpg", 1, 1, [])])


@pytest.mark.parametrize("change", [
    {"boxes": np.zeros((2, 4))}, {"classes": np.zeros(2, np.float32)}, {"areas": np.zeros(3)},
    {"coco_boxes": np.zeros((2, 5))}, {"crowd": np.zeros((2, 1), bool)}], ids=lambda change: next(iter(change)))
def test_arrays_of_other_types_and_shapes_are_refused(change):
    first, *others = records()
    for chosen in ([dataclasses.replace(first, **change), *others], [dataclasses.replace(first, **change)]):
        with pytest.raises((TypeError, ValueError)):
            flatten_records(chosen)


@pytest.mark.parametrize("name, change", [
    ("boxes", lambda array: array[:-1]),
    ("boxes", lambda array: array.astype(np.float64)),
    ("coco_boxes", lambda array: array[:, :3]),
    ("regions", lambda array: array[:0]),
    ("objects_of_image", lambda array: array[::-1] * 2),
    ("objects_of_image", lambda array: np.array([4, -3, 2])),
    ("width", lambda array: array[:2]),
    ("path_lengths", lambda array: array + 1),
    ("id_lengths", lambda array: array[:2]),
    ("ids", lambda array: array[:-1]),
    ("paths", lambda array: array.astype(np.int16)),
])
def test_arrays_that_do_not_belong_together_are_refused(name, change):
    arrays = flatten_records(records())
    arrays[name] = change(arrays[name])
    with pytest.raises((ValueError, TypeError)):
        FlatRecords(arrays)


def test_texts():
    texts = ["", "a", "\ud800\udcff", "é\0\n", ""]
    assert split_texts(*join_texts(texts), 5) == texts
    assert split_texts(*join_texts([]), 0) == []
