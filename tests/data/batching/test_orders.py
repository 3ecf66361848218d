"""Batches drawn from windows: every image comes, near ones come together, and yet the order is random."""
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn import data
from light_head_rcnn.data.batching.orders import RUNS, shuffled_rows, windowed_rows
from light_head_rcnn.errors import UsageError

SCALES = ((96, 160),)


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 7), st.integers(1, 120), st.integers(0, 3), st.floats(0, 1))
def test_every_image_comes_and_groups_do_not_mix(count, batch_size, window, seed, share):
    rng = np.random.RandomState(seed)
    tall, storage = rng.rand(count) < share, rng.permutation(count)
    rows = windowed_rows(storage, tall, batch_size, window, rng)
    groups = [np.flatnonzero(~tall), np.flatnonzero(tall)]
    assert rows.shape == shuffled_rows([group for group in groups if len(group)], batch_size, rng, True).shape
    assert all(len(set(tall[row])) == 1 for row in rows)
    counts = Counter(rows.ravel().tolist())
    assert set(counts) == set(range(count))
    for group in groups:  # what fills the last batch is spread evenly
        seen = [counts[image] for image in group.tolist()]
        assert not seen or max(seen) - min(seen) <= 1


def test_images_of_a_window_lie_in_few_runs():
    count, window, batch = 3200, 320, 4
    rows = windowed_rows(np.arange(count), np.zeros(count, bool), batch, window, np.random.RandomState(0))
    for start in range(0, count // batch, window // batch):
        images = np.sort(rows[start:start + window // batch].ravel())
        assert (np.diff(images) > 1).sum() < RUNS and len(images) == window
    # Two epochs join other runs, and a batch holds images of many of them.
    other = windowed_rows(np.arange(count), np.zeros(count, bool), batch, window, np.random.RandomState(1))
    assert set(rows[:80].ravel().tolist()) != set(other[:80].ravel().tolist())
    assert np.mean([len(set((row // (window // RUNS)).tolist())) for row in rows]) > 3.5


def test_a_window_of_all_images_is_a_full_shuffle():
    """The place of an image in the epoch says nothing of its place in the set."""
    count, correlations = 2000, []
    for seed in range(20):
        rows = windowed_rows(np.arange(count), np.zeros(count, bool), 4, count, np.random.RandomState(seed))
        correlations.append(np.corrcoef(rows.ravel(), np.arange(count))[0, 1])
    assert abs(np.mean(correlations)) < 3 / np.sqrt(count * 20)


@pytest.fixture
def sizes():
    rng = np.random.RandomState(0)
    return [data.make_record(i, "x", *((60, 40) if rng.rand() < 0.7 else (40, 60)), []) for i in range(203)]


def test_batches_depend_on_seed_and_epoch_alone_and_shards_are_parts(sizes):
    options = dict(shuffle_window=48, seed=3)
    whole = data.TrainSampler(sizes, 6, SCALES, **options)
    again = data.TrainSampler(sizes, 6, SCALES, **options)
    again.batches(0)[30]  # what was asked for before changes nothing
    assert whole.batches(4) == again.batches(4) != whole.batches(5)
    assert again.batches(4)[17:] == whole.batches(4)[17:]
    assert len(whole.batches(4)) == len(whole)
    parts = [data.TrainSampler(sizes, 6, SCALES, shard=data.Shard(rank, 3), **options).batches(4) for rank in range(3)]
    assert [sum(batch, []) for batch in zip(*parts)] == whole.batches(4)


def test_without_shuffling_there_is_no_window(sizes):
    one, other = (data.TrainSampler(sizes, 6, SCALES, shuffle=False, shuffle_window=window) for window in (0, 48))
    assert one.batches(1) == other.batches(1) and other.shuffle_window == 0
    with pytest.raises(UsageError, match="shuffle_window is -1"):
        data.TrainSampler(sizes, 6, SCALES, shuffle_window=-1)
