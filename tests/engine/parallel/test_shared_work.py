"""Processes that share tests and stops, one after the other in this process: what each says is played to the others."""
import numpy as np
import pytest

from light_head_rcnn import data
from light_head_rcnn.engine.inference import dataset_detections
from light_head_rcnn.engine.inference.dataset_detections import DatasetDetections, detect_dataset
from light_head_rcnn.engine.parallel.group import Group


class Played(Group):
    """A process whose others have said what is in a list, or that only says its own."""

    def __init__(self, rank, size, said=None):
        self.rank, self.size, self._said, self.own = rank, size, said, b""

    def gather(self, content):
        self.own = content
        return [content] if self._said is None else self._said


class Preparation:
    scales, means, stds, stride = ((40, 60),), (10, 20, 30), (1, 1, 1), 1


class Net:
    """Stands for a detector whose answer depends on the pixels and on how they are padded."""

    contexts, rois, preparation = [None], None, Preparation

    def views(self, views, context):
        images = views[0][0]
        sums = images.sum((1, 2, 3))
        count = images.shape[3]
        boxes = np.stack([np.outer(sums, np.arange(count))] * 4, 2).astype(np.float32)
        ids = np.where(np.arange(count) < (np.abs(sums) % 7)[:, None], 1, -1)
        return tuple(Array(one) for one in (ids[:, :, None], np.ones((*ids.shape, 1), np.float32), boxes))


class Array(np.ndarray):
    def __new__(cls, values):
        return np.asarray(values).view(cls)

    def asnumpy(self):
        return np.asarray(self)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "set"
    data.write_shapes(root, train=1, val=7, seed=2)
    return data.load_dataset("shapes", root, "val", on_error={"image_unreadable": "drop"})


@pytest.mark.parametrize("size", [2, 3, 9])
@pytest.mark.parametrize("broken", [(), (0, 5)])
def test_a_shared_test_is_that_of_one_process(dataset, monkeypatch, size, broken):
    monkeypatch.setattr(dataset_detections, "_network_needs_all_cores", lambda *arguments: True)
    paths = [dataset.records[number].path for number in broken]
    read = data.batching.batch_makers.read_image

    def read_or_fail(record, sizes):
        if record.path in paths:
            raise data.DataError(f"{record.path} is broken", "image_unreadable")
        return read(record, sizes)
    monkeypatch.setattr(data.batching.batch_makers, "read_image", read_or_fail)
    alone = detect_dataset(Net(), dataset, 2)
    assert sorted(alone.failures) == list(broken) and any(len(one.ids) for one in alone.detections)
    ranks = [Played(rank, size) for rank in range(size)]
    for group in ranks:
        try:
            detect_dataset(Net(), dataset, 2, group=group)
        except data.DataError:
            pass  # this process alone has read no image
    said = [group.own for group in ranks]
    for rank in range(size):
        assert_equal(detect_dataset(Net(), dataset, 2, group=Played(rank, size, said)), alone)


def assert_equal(one: DatasetDetections, other: DatasetDetections):
    assert one.failures == other.failures
    for mine, theirs in zip(one.detections, other.detections):
        for array, expected in zip(mine, theirs):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)
