"""Images that can no longer be read when a batch needs them."""
from dataclasses import replace

import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data.batching import loader as loaders
from light_head_rcnn.errors import TrainingError

MEAN = (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "set"
    data.write_shapes(root, train=12, val=1, seed=2)
    return data.load_dataset("shapes", root, "train").records


@pytest.fixture
def break_files(records, tmp_path):
    """Function that returns the records, of which those at some positions name files that are no images."""
    def make(*positions):
        broken = list(records)
        for position in positions:
            path = tmp_path / f"broken-{position}.png"
            path.write_text("no image")
            broken[position] = replace(records[position], path=str(path))
        return broken
    return make


def skipping():
    return data.FaultLog(data.FaultPolicy())


def train_loader(records, num_workers=0, batch_size=2, faults=None, **options):
    sampler = data.TrainSampler(records, batch_size, ((64, 96), (96, 128)), seed=3, **options)
    return data.TrainLoader(records, sampler, None, MEAN, num_workers=num_workers, faults=faults or skipping())


def expected_indices(loader, bad, epoch):
    """The images of each batch, found anew: each bad one gives way to the next good one of its group."""
    batches = loader.sampler.batches(epoch)

    def is_tall(index):
        return loader._records[index].height > loader._records[index].width

    expected = []
    for number, batch in enumerate(batches):
        tall = is_tall(batch[0].index)
        later = [one.index for other in batches[number + 1:] + batches[:number + 1] for one in other]
        spare = [index for index in dict.fromkeys(later) if is_tall(index) == tall and index not in bad]
        expected.append([spare.pop(0) if one.index in bad else one.index for one in batch])
    return expected


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("bad", [(4,), (0, 1), (2, 5, 7, 8, 11)])
def test_other_images_take_the_places(records, break_files, bad, num_workers):
    faults = skipping()
    loader = train_loader(break_files(*bad), num_workers, faults=faults)
    replaced = 0
    for epoch in (0, 1, 0):
        batches, sampled = list(loader.epoch(epoch)), loader.sampler.batches(epoch)
        assert len(batches) == len(sampled)
        for (images, im_info, gt_boxes), ones, indices in zip(batches, sampled, expected_indices(loader, bad, epoch)):
            for slot, (one, index) in enumerate(zip(ones, indices)):
                boxes, classes = data.training_boxes(records[index])
                x, info, rows = data.preprocess(data.read_image(records[index]), one.short_edge, one.long_edge, MEAN,
                                                boxes=boxes, classes=classes, flip=one.flip)
                assert np.array_equal(images[slot, :, :x.shape[1], :x.shape[2]], x)
                assert np.array_equal(im_info[slot], info) and np.array_equal(gt_boxes[slot, :len(rows)], rows)
                replaced += one.index in bad
    assert loader.replaced == replaced >= 3 * len(bad)
    assert faults.counts == {"image_unreadable": len(bad)}
    assert sorted(path.rsplit("-")[-1] for path in loader.unreadable) == sorted(f"{index}.png" for index in bad)
    assert all(path in message for path, message in loader.unreadable.items())


def test_a_resumed_epoch_replaces_as_an_unbroken_one(break_files):
    broken = break_files(2, 5, 7)
    whole = list(train_loader(broken).epoch(1))
    for start in range(len(whole)):
        for one, other in zip(whole[start:], train_loader(broken).epoch(1, start)):
            assert all(np.array_equal(a, b) for a, b in zip(one, other))


def test_an_image_of_another_size_than_its_record_is_replaced(records):
    changed = list(records)
    changed[3] = replace(records[3], width=records[3].width + 1)
    loader = train_loader(changed)
    list(loader.epoch(0))
    assert list(loader.unreadable) == [records[3].path]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_when_nothing_can_be_read_the_training_ends(records, break_files, batch_size, num_workers):
    loader = train_loader(break_files(*range(12)), num_workers, batch_size)
    with pytest.raises(TrainingError, match=r"none was found in their place. The last one: .*broken-\d+.png: "):
        list(loader.epoch(0))
    assert len(loader.unreadable) <= loaders.UNREADABLE_IN_A_ROW + batch_size


def test_the_only_image_of_a_group_has_no_substitute(break_files):
    records = break_files(0)[:1]
    with pytest.raises(TrainingError, match="1 images cannot be read, and none was found"):
        list(train_loader(records, batch_size=1).epoch(0))


def test_images_that_fail_now_and_then_end_no_training(records, break_files, monkeypatch):
    monkeypatch.setattr(loaders, "UNREADABLE_IN_A_ROW", 2)
    broken = break_files(0, 3, 6, 9)
    loader = train_loader(broken, batch_size=1, shuffle=False, group_by_aspect=False)
    assert len(list(loader.epoch(0))) == 12 and len(loader.unreadable) == 4
    with pytest.raises(TrainingError):
        list(train_loader(break_files(0, 1, 2), batch_size=1, shuffle=False, group_by_aspect=False).epoch(0))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_tests_name_the_images_and_go_on(records, break_files, num_workers):
    loader = data.TestLoader(break_files(1, 4, 5, 6, 7), 4, [(64, 96), (96, 128)], MEAN, num_workers=num_workers)
    batches = list(loader)
    assert [batch.indices.tolist() for batch in batches] == [[0, 2, 3], [], [8, 9, 10, 11]]
    assert [[index for index, _ in batch.unread] for batch in batches] == [[1], [4, 5, 6, 7], []]
    assert [len(batch.views) for batch in batches] == [2, 0, 2]
    assert "broken-1.png" in str(batches[0].unread[0].error)
    assert batches[0].unread[0].error.kind == "image_unreadable"
    x, info, _ = data.preprocess(data.read_image(records[2]), 96, 128, MEAN)
    images, im_info = batches[0].views[1]
    assert np.array_equal(images[1, :, :x.shape[1], :x.shape[2]], x) and np.array_equal(im_info[1], info)
