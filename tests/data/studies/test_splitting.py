"""Sets get their share of images and of classes, the same ones for one seed, and no picture is in two."""
import shutil

import numpy as np
import pytest
from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.data.studies.splitting import split_records
from light_head_rcnn.errors import UsageError


def make_records(count=500, seed=0):
    """Images with 0 to 8 boxes of five classes, of which the last is in about one image of forty."""
    random = np.random.RandomState(seed)
    shares = [0.6, 0.2, 0.15, 0.045, 0.005]
    return [make_record(str(index), f"/no/such/{index}.jpg", 100, 100, [
        Annotation((1, 1, 9, 9), class_id) for class_id in random.choice(5, random.randint(9), p=shares)])
        for index in range(count)]


def boxes_of(records):
    return np.bincount(np.concatenate([record.classes for record in records]), minlength=5)


@pytest.mark.parametrize("shares", [{"train": 0.8, "val": 0.2}, {"train": 0.7, "val": 0.2, "test": 0.1}])
def test_sets_have_their_share_of_images_and_of_each_class(shares):
    records = make_records()
    sets = split_records(records, shares)
    assert list(sets) == list(shares)
    empty = sum(not len(record.boxes) for record in records)
    for name, share in shares.items():
        assert len(sets[name]) == round(share * len(records))
        assert np.abs(boxes_of(sets[name]) - share * boxes_of(records)).max() <= 2
        assert abs(sum(not len(record.boxes) for record in sets[name]) - share * empty) <= 1
    assert sorted(map(id, sum(sets.values(), []))) == sorted(map(id, records))


def test_the_order_of_the_records_is_kept():
    sets = split_records(make_records(50), {"train": 0.6, "val": 0.4})
    for records in sets.values():
        assert [int(record.image_id) for record in records] == sorted(int(record.image_id) for record in records)


def test_a_seed_decides():
    def split(seed):
        return [record.image_id for record in split_records(make_records(), {"train": 0.8, "val": 0.2}, seed)["val"]]

    assert split(1) == split(1) != split(2)


def test_equal_pictures_stay_together(tmp_path, make_image):
    records = []
    for index in range(20):
        make_image(tmp_path / f"{index}.png", 60, 40, index)
        shutil.copy(tmp_path / f"{index}.png", tmp_path / f"copy-{index}.png")
        records += [make_record(name, str(tmp_path / name), 60, 40, [Annotation((1, 1, 9, 9), 0)])
                    for name in (f"{index}.png", f"copy-{index}.png")]
    val = {record.image_id for record in split_records(records, {"train": 0.7, "val": 0.3})["val"]}
    assert len(val) == 12
    assert {name for name in val if name.startswith("copy-")} == {f"copy-{name}" for name in val if "copy" not in name}


def test_no_set_is_empty():
    sets = split_records(make_records(3), {"train": 0.9, "val": 0.05, "test": 0.05})
    assert [len(records) for records in sets.values()] == [1, 1, 1]


@pytest.mark.parametrize("shares", [{"train": 0.8, "val": 0.3}, {"train": 1.0, "val": 0.0},
                                    {"train": 1.5, "val": -0.5}])
def test_shares_that_are_none(shares):
    with pytest.raises(UsageError, match="shares of the sets must"):
        split_records(make_records(5), shares)


def test_too_few_images():
    with pytest.raises(UsageError, match="1 different images cannot be divided into 2 sets"):
        split_records(make_records(1), {"train": 0.5, "val": 0.5})
