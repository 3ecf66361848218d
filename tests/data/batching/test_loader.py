"""Batches: what they hold, and that workers change nothing but the time."""
from dataclasses import replace

import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data.batching import array_transfer
from PIL import Image

MEAN, STD = (10.0, 20.0, 30.0), (2.0, 3.0, 5.0)


def targets_of_image(im_info, gt_boxes, height, width, rng):
    """Something random, something of the padded size, something of the boxes, and what the function was given."""
    return (rng.rand(4).astype(np.float32), np.full((2, height // 16, width // 16), len(gt_boxes), np.float32),
            np.array([*im_info, gt_boxes.sum(), height, width], np.float32))


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "set"
    data.write_shapes(root, train=11, val=1, seed=2)
    return data.load_dataset("shapes", root, "train").records


def train_loader(records, num_workers=0, target_function=targets_of_image, std=STD, **options):
    sampler = data.TrainSampler(records, 2, ((96, 160), (128, 200)), seed=4)
    return data.TrainLoader(records, sampler, target_function, MEAN, std, num_workers=num_workers, **options)


def same(first, second):
    return len(first) == len(second) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for one, other in zip(first, second) for a, b in zip(one, other))


def check_image(padded, im_info, record, short_edge, long_edge, **options):
    """Compares one image of a batch with `preprocess`; returns the expected ground truths."""
    image, expected_info, gt_boxes = data.preprocess(data.read_image(record), short_edge, long_edge, MEAN, STD,
                                                     **options)
    assert np.array_equal(padded[:, :image.shape[1], :image.shape[2]], image)
    assert not padded[:, image.shape[1]:].any() and not padded[:, :, image.shape[2]:].any()
    assert np.array_equal(im_info, expected_info)
    return gt_boxes


@pytest.mark.parametrize("epoch", [0, 3])
def test_training_batches(records, epoch):
    loader = train_loader(records)
    batches = list(loader.epoch(epoch))
    assert len(batches) == len(loader)
    flips = set()
    for batch, sampled in zip(batches, loader.sampler.batches(epoch)):
        images, im_info, gt_boxes, random, counts, given = batch
        assert images.shape[:2] == (2, 3) and images.shape[2] % 32 == images.shape[3] % 32 == 0
        assert all(array.dtype == np.float32 and len(array) == 2 for array in batch)
        assert counts.shape == (2, 2, images.shape[2] // 16, images.shape[3] // 16) and gt_boxes.shape == (2, 8, 5)
        for i, one in enumerate(sampled):
            boxes, classes = data.training_boxes(records[one.index])
            expected = check_image(images[i], im_info[i], records[one.index], one.short_edge, one.long_edge,
                                   boxes=boxes, classes=classes, flip=one.flip)
            assert np.array_equal(gt_boxes[i, :len(expected)], expected) and (gt_boxes[i, len(expected):] == -1).all()
            assert np.array_equal(random[i], np.random.RandomState(one.seed).rand(4).astype(np.float32))
            assert (counts[i] == len(expected)).all()
            assert np.array_equal(given[i], np.float32([*im_info[i], expected.sum(), *images.shape[2:]]))
            flips.add(one.flip)
    assert flips == {False, True}


def test_means_and_deviations_are_rgb_in_both_loaders(tmp_path):
    Image.new("RGB", (96, 96), (20, 50, 230)).save(str(tmp_path / "x.png"))
    records = [data.make_record("x", str(tmp_path / "x.png"), 96, 96, [data.Annotation((0, 0, 9, 9), 0)])]
    sampler = data.TrainSampler(records, 1, ((96, 160),))
    for deviations, expected in ((STD, [5, 10, 40]), (None, [10, 30, 200])):
        options = {} if deviations is None else {"std": deviations}
        train = next(data.TrainLoader(records, sampler, None, MEAN, **options).epoch(0))[0]
        (test, _), = next(iter(data.TestLoader(records, 1, [(96, 160)], MEAN, **options))).views
        for images in (train, test):
            assert images.shape == (1, 3, 96, 96)
            assert images[0].min(axis=(1, 2)).tolist() == images[0].max(axis=(1, 2)).tolist() == expected


@pytest.mark.parametrize("flip", [False, True])
def test_crowds_and_difficult_objects_are_regions_in_batches_or_stay_out(records, flip):
    """Objects come first, then a region that lacks an annotation, then difficult, crowd and ignored objects."""
    record = records[0]
    count, scale = len(record.boxes), 128 / min(record.height, record.width)
    assert count >= 4
    marked = data.make_record(record.image_id, record.path, record.width, record.height, [
        data.Annotation(box, class_id, difficult=i == 0, crowd=i == 1, ignored=i == 2)
        for i, (box, class_id) in enumerate(zip(record.boxes, record.classes))], regions=[(1, 2, 7, 9)])
    sampler = data.TrainSampler([marked], 1, ((128, 200),), flip=flip, seed=0)
    sides = set()
    for ignore, regions in ((True, [[1, 2, 7, 9], *record.boxes[:3]]), (False, [[1, 2, 7, 9], record.boxes[2]])):
        loader = data.TrainLoader([marked], sampler, None, MEAN, ignore_crowd_and_difficult=ignore)
        for epoch in range(8):
            is_flipped = sampler.batches(epoch)[0][0].flip
            gt_boxes = next(loader.epoch(epoch))[2][0]
            expected = np.concatenate([record.boxes[3:], np.float32(regions)])
            if is_flipped:
                expected[:, [0, 2]] = record.width - 1 - expected[:, [2, 0]]
            classes = [*(record.classes[3:] + 1), *[data.IGNORED_REGION] * len(regions)]
            assert gt_boxes[:len(classes), 4].tolist() == classes and (gt_boxes[len(classes):] == -1).all()
            np.testing.assert_allclose(gt_boxes[:len(classes), :4], expected * scale, rtol=1e-5)
            sides.add(is_flipped)
    assert sides == {False, flip}


@pytest.mark.parametrize("memory_files", [array_transfer.HAS_MEMORY_FILES, False])
def test_workers_change_nothing(records, monkeypatch, memory_files):
    monkeypatch.setattr(array_transfer, "HAS_MEMORY_FILES", memory_files)
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
    scales = [(128, 200), (64, 100), (128, 200)]
    loader = data.TestLoader(records, 3, scales, MEAN, STD, num_workers=num_workers)
    for _ in range(2):
        batches = list(loader)
        assert len(batches) == len(loader) == 4 and [len(b.indices) for b in batches] == [3, 3, 3, 2]
        assert np.concatenate([b.indices for b in batches]).tolist() == list(range(11))
        for indices, views, unread in batches:
            assert not unread and len(views) == 3
            for (images, im_info), scale in zip(views, scales):
                assert len(images) == len(im_info) == len(indices)
                for i, index in enumerate(indices):
                    check_image(images[i], im_info[i], records[index], *scale)


@pytest.mark.parametrize("stride", [1, 16, 64])
def test_stride_of_the_padding(records, stride):
    image, _, _ = data.preprocess(data.read_image(records[0]), 100, 200, MEAN)
    expected = tuple(-(-edge // stride) * stride for edge in image.shape[1:])
    sampler = data.TrainSampler(records[:1], 1, ((100, 200),))
    train = next(data.TrainLoader(records[:1], sampler, None, MEAN, stride=stride).epoch(0))[0]
    (test, _), = next(iter(data.TestLoader(records[:1], 1, [(100, 200)], MEAN, stride=stride))).views
    assert train.shape[2:] == test.shape[2:] == expected


def with_broken(records, positions, folder):
    """The records, of which some name files that are no images."""
    broken = list(records)
    for position in positions:
        path = folder / f"broken-{position}.png"
        path.write_text("no image")
        broken[position] = replace(records[position], path=str(path))
    return broken


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("faults", [None, data.FaultLog(data.FaultPolicy({"image_unreadable": "error"}))])
def test_a_broken_image_is_named(records, num_workers, faults, tmp_path):
    loader = train_loader(with_broken(records, [3], tmp_path), num_workers, faults=faults)
    with pytest.raises(data.DataError, match=r"broken-3.png: .*entry 4\)") as caught:
        list(loader.epoch(0))
    assert caught.value.kind == "image_unreadable"
    assert ("image_unreadable: drop" in str(caught.value)) == (faults is not None)


def test_batches_without_targets(records):
    images, im_info, gt_boxes = next(train_loader(records, target_function=None).epoch(0))
    assert images.shape[0] == im_info.shape[0] == gt_boxes.shape[0] == 2
