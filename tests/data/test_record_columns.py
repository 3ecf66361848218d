"""What is counted from long arrays is what is counted from records, of all of them and of some."""
import numpy as np
import pytest

from light_head_rcnn.data import Annotation, drop_images_without_boxes, make_record
from light_head_rcnn.data import record_columns as columns
from light_head_rcnn.data.flat_records import FlatRecords, PackedPlaces, flatten_records


def some_records(count=12, seed=0):
    rng = np.random.RandomState(seed)
    records = []
    for number in range(count):
        annotations = [Annotation(sorted(rng.rand(2)) * 2, int(rng.randint(3)), rng.rand() < 0.2, rng.rand() < 0.2, 5.0,
                                  rng.rand() < 0.2) for _ in range(rng.randint(4))]
        records.append(make_record([number, f"id {number}"][number % 2], f"/data/{number}ä.jpg", 40 + number, 50,
                                   annotations, [(0, 0, 1, 1)] * rng.randint(3), upright=bool(number % 3)))
    return records


CHOICES = {"all": None, "none": [], "some": [7, 2, 2, 11], "twice": [3, 1, 9, 8]}


@pytest.fixture(params=CHOICES)
def pair(request):
    """A list of records, and the same as long arrays."""
    records = some_records()
    flat = FlatRecords(flatten_records(records))
    chosen = CHOICES[request.param]
    if chosen is None:
        return records, flat
    if request.param == "twice":
        return [records[chosen[i]] for i in (2, 0)], flat.take(chosen).take([2, 0])
    return [records[i] for i in chosen], flat.take(chosen)


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert (one.image_id, one.path, one.width, one.upright) == (
            other.image_id, other.path, other.width, other.upright)
        for name in ("boxes", "classes", "regions", "areas", "ignored"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_columns(pair):
    records, flat = pair
    assert_equal(flat, records)
    for name in ("width", "height", "upright"):
        np.testing.assert_array_equal(columns.image_field(flat, name), columns.image_field(records, name))
    for name in ("boxes", "regions"):
        np.testing.assert_array_equal(columns.object_counts(flat, name), columns.object_counts(records, name))
    for name in ("boxes", "classes", "crowd", "regions", "coco_boxes"):
        found, expected = columns.joined_field(flat, name), columns.joined_field(records, name)
        assert found.shape == expected.shape and found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(columns.training_box_counts(flat), columns.training_box_counts(records))
    assert list(columns.record_paths(flat)) == list(columns.record_paths(records))
    assert_equal(drop_images_without_boxes(flat), drop_images_without_boxes(records))


def test_sequences(pair):
    records, flat = pair
    assert_equal(flat[1:], records[1:])
    assert_equal(flat[::-2], records[::-2])
    assert bool(flat) == bool(records)
    if records:
        assert flat[-1].path == records[-1].path and flat[np.int64(0)].path == records[0].path
    for index in (len(records), -len(records) - 1):
        with pytest.raises(IndexError):
            flat[index]
    assert_equal(FlatRecords(*flat.whole_arrays()), records)


def test_joined(pair):
    records, flat = pair
    more = some_records(5, seed=1)
    assert_equal(columns.join_records([flat, FlatRecords(flatten_records(more))]), records + more)
    assert_equal(columns.join_records([flat, more]), records + more)
    assert columns.join_records([flat]) is flat
    chosen = [0, 0][:len(records)]
    assert_equal(columns.take_records(records, chosen), columns.take_records(flat, chosen))


def test_places_of_packed_images():
    records = some_records(6)
    places = [PackedPlaces((f"{name}.rec",), np.zeros(6, np.int64), np.arange(6)[::-1] * 100, np.full(6, 99))
              for name in ("a", "b")]
    parts = [FlatRecords(flatten_records(records), one) for one in places]
    joined = columns.join_records([parts[0].take([1, 4]), parts[1]])
    assert [record.path for record in joined][:3] == ["a.rec/400+99//data/1ä.jpg", "a.rec/100+99//data/4ä.jpg",
                                                     "b.rec/500+99//data/0ä.jpg"]
    assert columns.storage_order(joined).tolist() == [1, 0, 7, 6, 5, 4, 3, 2]
    assert columns.storage_order(records).tolist() == list(range(6))
    with pytest.raises(ValueError, match="5 places are not those of 6 images"):
        FlatRecords(flatten_records(records), PackedPlaces((), *[np.zeros(5, np.int64)] * 3))
