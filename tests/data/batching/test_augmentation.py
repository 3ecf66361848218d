"""Batches of images that are cropped, get other colours, and vary in size."""
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn import data
from light_head_rcnn.data.batching.augmentation import Augmentation
from light_head_rcnn.errors import UsageError

ALL_ON = dict(photometric=0.7, random_crop=0.7)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Shapes, an image without boxes, one with regions alone, and two strips of which one is thinner than a cell."""
    root = tmp_path_factory.mktemp("shapes") / "set"
    data.write_shapes(root, train=7, val=1, seed=2)
    records = data.load_dataset("shapes", root, "train").records
    made = []
    for name, (width, height), boxes, regions in (("empty", (90, 60), [], []),
                                                  ("unknown", (90, 60), [], [(10, 10, 50, 50)]),
                                                  ("strip", (300, 4), [(20, 0, 60, 3)], []), ("line", (1, 90), [], [])):
        pixels = np.random.RandomState(0).randint(0, 256, (height, width, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"{name}.png")
        made.append(data.make_record(name, str(root / f"{name}.png"), width, height,
                                     [data.Annotation(box, 0) for box in boxes], regions))
    return list(records) + made


def targets_of_image(im_info, gt_boxes, height, width, rng):
    return (rng.rand(4).astype(np.float32),)


def loader_of(records, num_workers=0, jitter=(0.5, 1.5), **options):
    sampler = data.TrainSampler(records, 2, ((96, 160), (128, 200)), seed=4, scale_jitter=jitter)
    return data.TrainLoader(records, sampler, targets_of_image, (10, 20, 30), num_workers=num_workers, **options)


def same(first, second):
    return len(first) == len(second) and all(np.array_equal(a, b) for one, other in zip(first, second)
                                             for a, b in zip(one, other))


def test_batches_depend_on_seed_and_epoch_alone(records):
    alone = loader_of(records, **ALL_ON)
    whole = list(alone.epoch(1))
    assert same(whole, list(loader_of(records, 2, **ALL_ON).epoch(1)))
    assert same(whole[3:], list(alone.epoch(1, start=3)))
    assert not same(whole, list(alone.epoch(0)))


def test_options_change_nothing_but_what_they_say(records):
    """The order of images, their mirroring, and what the targets draw are those without any option."""
    plain, loaders = loader_of(records, jitter=(1, 1)), [
        loader_of(records, jitter=(1, 1), photometric=1.0), loader_of(records, jitter=(1, 1), random_crop=1.0)]
    for epoch in (0, 1):
        before, colored, cropped = (list(one.epoch(epoch)) for one in (plain, *loaders))
        for one, with_colors, with_crops in zip(before, colored, cropped):
            assert one[0].shape == with_colors[0].shape == with_crops[0].shape
            assert np.array_equal(one[3], with_colors[3]) and np.array_equal(one[3], with_crops[3])
            assert np.array_equal(one[1], with_colors[1]) and np.array_equal(one[2], with_colors[2])
            is_strip = one[1][:, :2].min(axis=1) <= 16
            assert (is_strip | (with_crops[1][:, 2] >= one[1][:, 2] * 0.99)).all()
        assert not same([b[:1] for b in before], [b[:1] for b in colored])
    jittered = [image for batch in loader_of(records).sampler.batches(2) for image in batch]
    expected = [image for batch in plain.sampler.batches(2) for image in batch]
    assert [(i.index, i.flip, i.seed) for i in jittered] == [(i.index, i.flip, i.seed) for i in expected]


def test_strips_and_images_without_boxes(records):
    seen = set()
    loader = loader_of(records, photometric=1.0, random_crop=1.0)
    for epoch in range(6):
        for batch, sampled in zip(loader.epoch(epoch), loader.sampler.batches(epoch)):
            assert np.isfinite(batch[0]).all() and (batch[1][:, :2] >= 16).all()
            for one, rows in zip(sampled, batch[2]):
                record = records[one.index]
                seen.add(record.image_id)
                assert (rows[:, 4] > 0).any() == bool(len(record.boxes))
                if record.image_id == "unknown":
                    assert set(rows[:, 4]) <= {-1, data.IGNORED_REGION}
    assert {"empty", "unknown", "strip", "line"} <= seen


def test_an_image_that_cannot_be_read_is_replaced(records, tmp_path):
    (tmp_path / "broken.png").write_text("no image")
    broken = [replace(records[0], path=str(tmp_path / "broken.png")), *records[1:]]
    faults = data.FaultLog(data.FaultPolicy("skip"))
    loaders = [loader_of(broken, workers, faults=faults, **ALL_ON) for workers in (0, 2)]
    first, second = ([batch for epoch in (0, 1) for batch in loader.epoch(epoch)] for loader in loaders)
    assert same(first, second) and loaders[0].replaced == 2


def test_probabilities():
    boxes, classes = np.float32([[10, 10, 60, 60]]), np.array([0])
    changes = [Augmentation(0.3, 0.6).draw(seed, boxes, classes, 100, 120, (80, 100)) for seed in range(1000)]
    colored, cropped = (np.array([getattr(one, name) is not None for one in changes]) for name in ("colors", "crop"))
    assert 0.26 < colored.mean() < 0.34 and 0.56 < cropped.mean() < 0.64
    assert abs((colored & cropped).mean() - 0.18) < 0.04  # neither depends on the other
    for name in ("photometric", "random_crop"):
        for value in (-0.1, 1.1):
            with pytest.raises(UsageError, match=f"{name} is {value}"):
                Augmentation(**{name: value})


def test_sizes_vary_in_few_steps(records):
    sizes = Counter()
    sampler = data.TrainSampler(records, 2, ((100, 150),), scale_jitter=(0.5, 2.0))
    for epoch in range(40):
        for batch in sampler.batches(epoch):
            one, = {(image.short_edge, image.long_edge) for image in batch}  # one size a batch
            sizes[one] += 1
    assert sorted(sizes) == data.jittered_sizes((100, 150), (0.5, 2.0)) and len(sizes) == 8
    assert min(sizes) == (50, 75) and max(sizes) == (200, 300) and min(sizes.values()) > 10
    ratios = np.divide(*(np.array(sorted(sizes))[part, 0] for part in (slice(1, None), slice(-1))))
    assert np.abs(ratios - 4 ** (1 / 7)).max() < 0.02
    assert data.jittered_sizes((100, 150), (1.0, 1.0)) == [(100, 150)]
    assert data.jittered_sizes((100, 150), (0.5, 0.5)) == [(50, 75)]
    for jitter in ((0, 1), (1.5, 1.2), (-1, 1)):
        with pytest.raises(UsageError, match="scale_jitter is"):
            data.TrainSampler(records, 2, ((100, 150),), scale_jitter=jitter)
