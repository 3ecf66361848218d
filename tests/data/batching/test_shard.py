"""Several processes share batches without overlap or loss."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn import data
from light_head_rcnn.errors import UsageError

SCALES = ((96, 160), (128, 200))


def records_of(wide, tall):
    sizes = [(60, 40)] * wide + [(40, 60)] * tall
    return [data.make_record(i, "x", *size, []) for i, size in enumerate(sizes)]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "set"
    data.write_shapes(root, train=11, val=5, seed=2)
    return data.load_dataset("shapes", root, "train").records


@given(st.integers(0, 40), st.integers(1, 9))
def test_parts_are_the_sequence_in_order_and_of_almost_equal_lengths(length, size):
    items = list(range(length))
    parts = [data.Shard(rank, size).of(items) for rank in range(size)]
    assert [item for part in parts for item in part] == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 9), st.integers(1, 9), st.integers(1, 3), st.integers(1, 4), st.integers(0, 3), st.booleans(),
       st.booleans())
def test_parts_of_all_ranks_are_the_batches_of_one_process(wide, tall, images, size, epoch, group, per_image):
    options = dict(group_by_aspect=group, scale_per_image=per_image, seed=7, scale_jitter=(0.5, 1.5))
    records = records_of(wide, tall)
    whole = data.TrainSampler(records, images * size, SCALES, **options)
    ranks = [data.TrainSampler(records, images * size, SCALES, shard=data.Shard(rank, size), **options)
             for rank in range(size)]
    parts = [sampler.batches(epoch) for sampler in ranks]
    assert [sum(batch, []) for batch in zip(*parts)] == whole.batches(epoch)
    assert {len(part) for of_rank in parts for part in of_rank} == {images}
    assert {len(sampler) for sampler in ranks} == {len(whole)}


@pytest.mark.parametrize("shard", [(0, 0), (2, 2), (-1, 2)])
def test_a_rank_that_does_not_exist_is_refused(shard):
    with pytest.raises(UsageError, match="ranks are 0 to size - 1"):
        data.TrainSampler(records_of(2, 0), 4, SCALES, shard=data.Shard(*shard))


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(UsageError, match="a multiple of the 2 processes"):
        data.TrainSampler(records_of(2, 0), 3, SCALES, shard=data.Shard(0, 2))


@pytest.mark.parametrize("crop", [0.0, 1.0])
def test_loaders_make_the_parts_of_one_batch(records, crop):
    """Each part is padded to the size of the whole batch, so that a network sees the same arrays."""
    def batches(shard):
        sampler = data.TrainSampler(records, 4, ((96, 160), (128, 200)), seed=4, group_by_aspect=False, shard=shard)
        return list(data.TrainLoader(records, sampler, None, (10, 20, 30), random_crop=crop).epoch(1))

    whole = batches(data.Shard())
    for one, *parts in zip(whole, *(batches(data.Shard(rank, 2)) for rank in range(2))):
        for array, halves in zip(one[:2], zip(*(part[:2] for part in parts))):
            np.testing.assert_array_equal(np.concatenate(halves), array)
        for half, image in zip(parts, (0, 2)):
            rows = half[2].shape[1]
            np.testing.assert_array_equal(half[2], one[2][image:image + 2, :rows])


def test_test_loaders_share_the_batches_of_one_process(records):
    def batches(shard):
        return list(data.TestLoader(records, 2, ((96, 160),), (10, 20, 30), shard=shard))

    whole, parts = batches(data.Shard()), [batch for rank in range(3) for batch in batches(data.Shard(rank, 3))]
    assert len(whole) == len(parts)
    for one, other in zip(whole, parts):
        np.testing.assert_array_equal(one.indices, other.indices)
        np.testing.assert_array_equal(one.views[0][0], other.views[0][0])
