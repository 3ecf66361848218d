"""Batches are made when they are asked for, in any order, and are those that were drawn one after the other."""
import tracemalloc

import numpy as np
import pytest

from light_head_rcnn.data import TrainSampler, make_record
from light_head_rcnn.data.flat_records import FlatRecords, flatten_records

SCALES = ((600, 1000), (700, 1100))
# Sums of the five fields over an epoch, as the version made them that drew all batches at once.
FROZEN = [5247.0, 51.0, 67700.0, 109300.0, 205059337611.0]


@pytest.fixture(scope="module")
def sampler():
    return TrainSampler([make_record(i, "x", 60, 40, []) for i in range(101)], 4, SCALES, seed=2, scale_per_image=True)


def test_any_order_of_asking_gives_the_same(sampler):
    in_order = list(sampler.global_batches(1))
    lazily = sampler.global_batches(1)
    for number in [7, 3, 25, -1, 0, 12]:
        assert lazily[number] == in_order[number]
    assert lazily[5:9] == in_order[5:9] and lazily == in_order
    with pytest.raises(IndexError, match="batch 26 of 26"):
        lazily[26]


def test_the_sequence_of_many_batches_is_frozen(sampler):
    """A checkpoint that a newer version resumes in mid-epoch goes on as it was."""
    numbers = np.array([tuple(image) for batch in sampler.batches(1) for image in batch], np.float64)
    assert numbers.sum(axis=0).tolist() == FROZEN


def test_substitutes_follow_in_the_order_of_the_epoch(sampler):
    batches = sampler.global_batches(0)
    order = [image.index for batch in batches for image in batch]
    found = list(sampler.others(batches, 10))
    assert found == list(dict.fromkeys(order[44:] + order[:44]))


def test_a_large_set_needs_little_memory():
    few = flatten_records([make_record(i, "x", 60, 40 + 40 * (i % 2), []) for i in range(10)])
    many = {name: np.tile(array, 20_000) if array.ndim == 1 else np.tile(array, (20_000, 1))
            for name, array in few.items()}
    records = FlatRecords(many)
    tracemalloc.start()
    sampler = TrainSampler(records, 2, SCALES[:1])
    batches = sampler.batches(0)
    assert len(batches) == 100_000 and len(batches[5]) == 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * 200_000  # bytes; as tuples they would be ten times as many
