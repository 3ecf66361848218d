"""The order of training epochs, and the random changes of their images."""
from collections import Counter

import numpy as np
import pytest
from light_head_rcnn.data import TrainSampler, make_record
from light_head_rcnn.errors import UsageError

SCALES = ((600, 1000), (700, 1100), (800, 1200))


def records_of(wide, tall, square=0):
    sizes = [(60, 40)] * wide + [(40, 60)] * tall + [(50, 50)] * square
    return [make_record(i, "x", w, h, []) for i, (w, h) in enumerate(sizes)]


def sampled_images(sampler, epoch):
    return [image for batch in sampler.batches(epoch) for image in batch]


def test_an_epoch_depends_on_seed_and_epoch_alone():
    records = records_of(13, 8, 3)
    sampler = TrainSampler(records, 4, SCALES, seed=5)
    third = sampler.batches(3)
    sampler.batches(0)
    assert sampler.batches(3) == third == TrainSampler(records, 4, SCALES, seed=5).batches(3)
    assert TrainSampler(records, 4, SCALES).batches(3) == TrainSampler(records, 4, SCALES, seed=0).batches(3)
    others = [sampler.batches(2), TrainSampler(records, 4, SCALES, seed=6).batches(3)]
    assert all(other != third for other in others) and others[0] != others[1]


def test_the_sequence_is_frozen():
    """Across versions of NumPy and of this code: a checkpoint resumed by a newer version goes on as it was."""
    batches = TrainSampler(records_of(3, 2), 2, SCALES, seed=1).batches(2)
    assert [tuple(d) for d in batches[0]] == [(4, True, 700, 1100, 3997078339),
                                              (3, False, 700, 1100, 2384895440)]
    assert [d.index for batch in batches for d in batch] == [4, 3, 2, 1, 0, 2]


@pytest.mark.parametrize("wide, tall, batch_size", [(13, 8, 4), (8, 8, 4), (5, 0, 2), (0, 5, 2), (1, 1, 8), (3, 1, 1)])
def test_every_record_is_seen_and_groups_do_not_mix(wide, tall, batch_size):
    sampler = TrainSampler(records_of(wide, tall), batch_size, SCALES)
    batches = sampler.batches(0)
    assert len(batches) == len(sampler) == -(-wide // batch_size) + -(-tall // batch_size)
    counts = Counter(d.index for batch in batches for d in batch)
    assert set(counts) == set(range(wide + tall)) and all(len(batch) == batch_size for batch in batches)
    for batch in batches:
        assert len({d.index < wide for d in batch}) == 1
    for group in (range(wide), range(wide, wide + tall)):  # what fills the last batch is spread evenly
        seen = [counts[i] for i in group]
        assert not seen or max(seen) - min(seen) <= 1


@pytest.mark.parametrize("records", [records_of(4, 4, 4), records_of(4, 4, 4)[::-1]])
def test_square_images_are_grouped_with_wide_ones(records):
    """As in the MXNet original, whose one group holds the images with width >= height."""
    sampler = TrainSampler(records, 4, SCALES)
    together = set()
    for epoch in range(10):
        for batch in sampler.batches(epoch):
            shapes = {np.sign(records[image.index].width - records[image.index].height) for image in batch}
            assert shapes in ({-1}, {0}, {1}, {0, 1})
            together.add(frozenset(shapes))
    assert {0, 1} in together and {-1} in together
    # One pixel makes an image wide or tall.
    almost = [make_record(i, "x", w, h, []) for i, (w, h) in enumerate([(50, 50), (51, 50), (50, 51)])]
    batches = TrainSampler(almost, 2, SCALES, shuffle=False).batches(0)
    assert [[image.index for image in batch] for batch in batches] == [[0, 1], [2, 2]]


def test_without_shuffling_wide_images_come_first():
    records = records_of(2, 2, 2)[::-1]  # square, square, tall, tall, wide, wide
    batches = TrainSampler(records, 2, SCALES, shuffle=False).batches(3)
    assert [[image.index for image in batch] for batch in batches] == [[0, 1], [4, 5], [2, 3]]


def test_without_grouping_no_more_is_filled_than_needed():
    sampler = TrainSampler(records_of(3, 3), 2, SCALES, group_by_aspect=False)
    assert len(sampler) == 3 and sorted(d.index for d in sampled_images(sampler, 0)) == list(range(6))
    mixed = [len({d.index < 3 for d in batch}) == 2 for epoch in range(10) for batch in sampler.batches(epoch)]
    assert any(mixed)


def test_without_shuffling_the_order_is_that_of_the_records():
    sampler = TrainSampler(records_of(3, 3), 2, SCALES, shuffle=False, group_by_aspect=False)
    for epoch in (0, 7):
        assert [image.index for image in sampled_images(sampler, epoch)] == list(range(6))


def test_one_scale_a_batch_and_all_of_them_drawn():
    sampler = TrainSampler(records_of(100, 100), 2, SCALES)
    used = Counter()
    for batch in sampler.batches(0):
        scales = {(d.short_edge, d.long_edge) for d in batch}
        assert len(scales) == 1
        used.update(scales)
    assert set(used) == set(SCALES) and min(used.values()) > 15


def test_edges_of_a_scale_may_be_equal():
    image, = TrainSampler(records_of(1, 0), 1, ((600, 600),)).batches(0)[0]
    assert (image.short_edge, image.long_edge) == (600, 600)


def test_flips_are_fair_and_drawn_anew():
    sampler = TrainSampler(records_of(500, 500), 2, SCALES)
    first = {d.index: d.flip for d in sampled_images(sampler, 0)}
    second = {d.index: d.flip for d in sampled_images(sampler, 1)}
    assert 400 < sum(first.values()) < 600
    assert 400 < sum(first[i] != second[i] for i in first) < 600
    assert not any(d.flip for d in sampled_images(TrainSampler(records_of(50, 50), 2, SCALES, flip=False), 0))


def test_seeds_differ():
    seeds = [d.seed for epoch in range(2) for d in sampled_images(TrainSampler(records_of(100, 0), 2, SCALES), epoch)]
    assert len(set(seeds)) == 200 and all(0 <= s < 2 ** 32 for s in seeds)
    np.random.RandomState(max(seeds))


@pytest.mark.parametrize("arguments, message", [
    (dict(records=[]), "records"), (dict(batch_size=0), "batch_size is 0"), (dict(scales=()), "scales is"),
    (dict(scales=((1000, 600),)), "scales is"), (dict(scales=((0, 600),)), "scales is"),
    (dict(scales=(SCALES[0], (-5, 600))), "scales is"), (dict(batch_size=-1), "batch_size is -1"),
])
def test_arguments_are_checked(arguments, message):
    with pytest.raises(UsageError, match=message):
        TrainSampler(**{**dict(records=records_of(2, 0), batch_size=1, scales=SCALES), **arguments})


def test_a_scale_for_each_image():
    """With one scale for each batch, or one scale in all, the draws are those without the option."""
    records = [make_record(number, f"{number}.png", 100, 80, []) for number in range(400)]
    scales = [(48, 96), (64, 96), (80, 96)]
    per_image = TrainSampler(records, 4, scales, scale_per_image=True).batches(0)
    counts = np.unique([sampled.short_edge for batch in per_image for sampled in batch], return_counts=True)[1]
    assert len(counts) == 3 and (abs(counts - 400 / 3) < 50).all()
    assert sum(len({sampled.short_edge for sampled in batch}) > 1 for batch in per_image) > 80
    assert all(len({sampled.short_edge for sampled in batch}) == 1
               for batch in TrainSampler(records, 4, scales).batches(0))
    assert per_image == TrainSampler(records, 4, scales, scale_per_image=True).batches(0)
    one = [TrainSampler(records, 4, scales[:1], scale_per_image=option).batches(1) for option in (False, True)]
    assert one[0] == one[1]
