"""Batches of a packed data set are those of its source, in processes and ranks too, and the disk is asked in order."""
import os

import numpy as np
import pytest

from light_head_rcnn import data
from light_head_rcnn.data.batching import read_ahead
from light_head_rcnn.data.files.packed_images import packed_place
from light_head_rcnn.data.packing.set_packer import PackOptions
from light_head_rcnn.data.packing.writing import pack_datasets

SCALES = ((64, 96),)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """The source and the packed set, 24 images in about 6 shards."""
    root = tmp_path_factory.mktemp("shapes")
    data.write_shapes(root / "set", train=24, val=1, seed=4)
    source = data.load_dataset("shapes", root / "set", "train")
    (root / "packed").mkdir()
    pack_datasets(str(root / "packed"), {"train": source}, str(root / "set"),
                  PackOptions(shard_bytes=130_000, shuffled=("train",)))
    return source, data.load_dataset("auto", root / "packed", "train")


def batches_of(dataset, window=0, workers=0, shard=data.ONE_PROCESS, epoch=1, start=0):
    records = data.drop_images_without_boxes(dataset.records)
    sampler = data.TrainSampler(records, 4, SCALES, seed=5, shuffle_window=window, shard=shard)
    return list(data.TrainLoader(records, sampler, None, (10, 20, 30), num_workers=workers).epoch(epoch, start))


def assert_equal(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others):
        for array, expected in zip(one, other):
            np.testing.assert_array_equal(array, expected)


def test_batches_are_those_of_the_source(sets):
    source, packed = sets
    assert_equal(batches_of(packed), batches_of(source))
    assert_equal(batches_of(packed, workers=2), batches_of(source))


def test_windows_in_workers_ranks_and_in_mid_epoch(sets):
    _, packed = sets
    whole = batches_of(packed, window=16)
    assert_equal(batches_of(packed, window=16, workers=2), whole)
    assert_equal(batches_of(packed, window=16, start=4), whole[4:])
    halves = [batches_of(packed, window=16, shard=data.Shard(rank, 2)) for rank in range(2)]
    for one, left, right in zip(whole, *halves):
        np.testing.assert_array_equal(np.concatenate([left[0], right[0]]), one[0])


def test_a_damaged_image_is_replaced(sets, tmp_path, monkeypatch):
    _, packed = sets
    path = packed.records[3].path
    place = packed_place(path)
    with open(place.shard, "r+b") as file:
        file.seek(place.offset + place.length // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    try:
        records = packed.records
        loader = data.TrainLoader(records, data.TrainSampler(records, 4, SCALES), None, (1, 2, 3), faults=data.FaultLog(
            data.FaultPolicy()))
        assert len(list(loader.epoch(0))) == len(loader)
        assert list(loader.unreadable) == [path] and "its checksum is another" in loader.unreadable[path]
        with pytest.raises(data.DataError, match="its checksum is another"):
            list(data.TrainLoader(records, data.TrainSampler(records, 4, SCALES), None, (1, 2, 3)).epoch(0))
    finally:
        with open(place.shard, "r+b") as file:
            file.seek(place.offset + place.length // 2)
            file.write(byte)


@pytest.mark.parametrize("start", [0, 3, 7])
def test_every_image_is_asked_for_before_its_batch_and_in_order(sets, monkeypatch, start):
    records = sets[1].records
    asked = []
    monkeypatch.setattr(read_ahead, "read_shard_ahead", lambda *part: asked.append(part))
    sampler = data.TrainSampler(records, 2, SCALES, shuffle_window=8, shard=data.Shard(1, 2))
    batches = sampler.global_batches(2)
    ahead = read_ahead.ReadAhead(sampler.places, batches.images(sampler.shard), 8, start)
    for number in ahead.follow(range(start, len(batches))):
        for sampled in sampler.shard.of(batches[number]):
            place = packed_place(records[sampled.index].path)
            end = place.offset + place.length
            assert any(shard == place.shard and offset <= place.offset and end <= offset + length
                       for shard, offset, length in asked)
    # What is asked for in one window goes forward.
    total = sum(length for _, _, length in asked)
    assert total < 2.5 * sum(os.path.getsize(shard) for shard in sampler.places.shards)


def test_sets_of_files_and_full_shuffles_ask_for_nothing(sets, monkeypatch):
    source, packed = sets
    monkeypatch.setattr(read_ahead, "read_shard_ahead", None)
    batches_of(source, window=16)
    batches_of(packed)
