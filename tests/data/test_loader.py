"""Batches: what they hold, and that workers change nothing but the time."""

import numpy as np
import pytest

from light_head_rcnn import data
from light_head_rcnn.data import workers

MEAN = (10.0, 20.0, 30.0)


def anchor_targets(im_info, gt_boxes, height, width, rng):
    """Something random, something of the padded size, something of the boxes."""
    return rng.rand(4).astype(np.float32), np.full((2, height // 16, width // 16), len(gt_boxes), np.float32)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "set"
    data.write_shapes(root, train=11, val=1, seed=2)
    return data.load_dataset("shapes", root, "train").records


def train_loader(records, num_workers=0, targets=anchor_targets, **options):
    sampler = data.TrainSampler(records, 2, ((96, 160), (128, 200)), seed=4)
    return data.TrainLoader(records, sampler, targets, MEAN, num_workers=num_workers, **options)


def same(first, second):
    return len(first) == len(second) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for one, other in zip(first, second) for a, b in zip(one, other))


def test_training_batches(records):
    loader = train_loader(records)
    batches = list(loader.epoch(0))
    assert len(batches) == len(loader)
    for batch, draws in zip(batches, loader.sampler.batches(0)):
        images, im_info, gt_boxes, random, counts = batch
        assert images.shape[:2] == (2, 3) and images.shape[2] % 32 == images.shape[3] % 32 == 0
        assert all(a.dtype == np.float32 for a in batch)
        assert counts.shape == (2, 2, images.shape[2] // 16, images.shape[3] // 16)
        for i, draw in enumerate(draws):
            boxes, classes = data.targets_of(records[draw.index])
            image, info, expected = data.to_network(data.read_image(records[draw.index]), draw.short_edge,
                                                    draw.long_edge, MEAN, boxes=boxes, classes=classes, flip=draw.flip)
            assert np.array_equal(images[i, :, :image.shape[1], :image.shape[2]], image)
            assert not images[i, :, image.shape[1]:].any() and not images[i, :, :, image.shape[2]:].any()
            assert np.array_equal(im_info[i], info)
            assert np.array_equal(gt_boxes[i, :len(expected)], expected) and (gt_boxes[i, len(expected):] == -1).all()
            assert np.array_equal(random[i], np.random.RandomState(draw.seed).rand(4).astype(np.float32))
            assert (counts[i] == len(expected)).all()


@pytest.mark.parametrize("memory", [workers.HAS_MEMFD, False])
def test_workers_change_nothing(records, monkeypatch, memory):
    monkeypatch.setattr(workers, "HAS_MEMFD", memory)  # handed over as memory, or through the pipe
    alone, two = train_loader(records), train_loader(records, 2)
    for epoch in (0, 1):
        assert same(list(alone.epoch(epoch)), list(two.epoch(epoch)))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_epoch_resumes_in_the_middle(records, num_workers):
    loader = train_loader(records, num_workers)
    whole = list(loader.epoch(1))
    unfinished = loader.epoch(0)
    next(unfinished)  # an epoch that is left early disturbs nothing
    unfinished.close()
    assert same(whole[2:], list(loader.epoch(1, start=2)))
    assert list(loader.epoch(1, start=len(loader))) == []


@pytest.mark.parametrize("num_workers", [0, 2])
def test_test_batches_keep_the_order(records, num_workers):
    loader = data.TestLoader(records, 3, 128, 200, MEAN, num_workers=num_workers)
    for _ in range(2):
        batches = list(loader)
        assert len(batches) == len(loader) == 4
        assert np.concatenate([b[0] for b in batches]).tolist() == list(range(11))
        for indices, images, im_info in batches:
            for i, index in enumerate(indices):
                image, info, _ = data.to_network(data.read_image(records[index]), 128, 200, MEAN)
                assert np.array_equal(im_info[i], info)
                assert np.array_equal(images[i, :, :image.shape[1], :image.shape[2]], image)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_broken_image_is_named(records, num_workers, tmp_path):
    path = tmp_path / "broken.png"
    with open(records[3].path, "rb") as file:
        path.write_bytes(file.read()[:2000])
    broken = list(records)
    broken[3] = data.Record(**{**vars(records[3]), "path": str(path)})
    with pytest.raises(data.DataError, match=r"broken.png: not a readable image .*entry 4\)") as caught:
        list(train_loader(broken, num_workers).epoch(0))
    assert caught.value.kind == "image unreadable"


def test_without_targets(records):
    images, im_info, gt_boxes = next(train_loader(records, targets=None).epoch(0))
    assert images.shape[0] == im_info.shape[0] == gt_boxes.shape[0] == 2
