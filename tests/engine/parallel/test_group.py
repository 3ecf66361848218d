"""What processes agree on, and sums and words that arrive as they were."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from light_head_rcnn import data
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.parallel import joining
from light_head_rcnn.engine.parallel.group import ALONE, Group
from light_head_rcnn.engine.parallel.kvstore_group import VARIABLES, KVStoreGroup
from light_head_rcnn.engine.parallel.statistics import share_statistics
from light_head_rcnn.errors import LibraryError, TrainingError, UsageError

WORKER = """
import light_head_rcnn
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.parallel.joining import join_group
import numpy as np, mxnet as mx
from mxnet import gluon
group = join_group(load_config(None, ["default.kvstore", "dist_sync"]))
rank = group.rank
assert (rank, group.size) == (int(__import__("os").environ["DMLC_WORKER_ID"]), 2)
np.testing.assert_array_equal(group.sum(np.arange(3) + rank), [1, 3, 5])
large = np.arange(3 * 2 ** 19, dtype=np.float32)
np.testing.assert_array_equal(group.sum(large), 2 * large)
assert group.gather(bytes(range(256)) * (1 + 700 * rank) + b"x") == [bytes(range(256)) * n + b"x" for n in (1, 701)]
assert group.gather(b"") == [b"", b""]
assert group.broadcast(b"zero" if rank == 0 else b"other") == b"zero"
assert group.any(rank == 1) and not group.any(False)
assert group.different(b"%d" % rank) == [1] and group.different(b"same") == []
weight = gluon.Parameter("weight", shape=(2, 3))
weight.initialize(mx.init.Constant(rank + 0.1))
assert group.share_parameters({"weight": weight}) and not group.share_parameters({"weight": weight})
np.testing.assert_array_equal(weight.data().asnumpy(), np.full((2, 3), 0.1, np.float32))
group.leave(rank, True)
"""


def test_two_workers(start, tmp_path):
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    with start(2, [str(path)]) as processes:
        outputs = processes.outputs()
        assert [worker.returncode for worker in processes.workers] == [0, 1], "\n".join(outputs)
        assert [process.wait(timeout=20) for process in processes.all[:2]] == [0, 0]


class OfTwo(Group):
    """Rank 0 of two, whose other process says and adds what the test wants."""

    size = 2

    def __init__(self, other):
        self._other = other

    def sum(self, values):
        return np.asarray(values, np.float32) + self._other

    def gather(self, content):
        return [content, self._other]


def test_statistics_are_means_over_devices_and_processes():
    arrays = {"b": [mx.nd.array([1, 2]), mx.nd.array([3, 4])], "a": [mx.nd.array([[5]]), mx.nd.array([[7]])]}
    share_statistics(OfTwo(np.array([8, 0, 1], np.float32)), arrays)
    for device in range(2):
        np.testing.assert_array_equal(arrays["a"][device].asnumpy(), [[7]])  # (6 + 8) / 2
        np.testing.assert_array_equal(arrays["b"][device].asnumpy(), [1, 2])  # (2 + 0) / 2, (3 + 1) / 2


def test_unequal_weights_are_an_error():
    with pytest.raises(TrainingError, match="the weights of the processes 1 are not those of process 0"):
        OfTwo(b"").check_equal({"w": mx.nd.zeros(2)}, "the weights")


def test_alone():
    assert ALONE.shard == data.Shard() and ALONE.is_first and not ALONE.is_joined
    assert ALONE.gather(b"x") == [b"x"] and ALONE.broadcast(b"x") == b"x" and ALONE.any(True) and not ALONE.any(False)
    ALONE.leave(3, False)
    weight = gluon.Parameter("weight", shape=(1,))
    weight.initialize()
    with pytest.raises(UsageError, match="lhrcnn train is for several"):
        ALONE.optimizer({"weight": weight}, "sgd", {}, "dist_sync")


def test_how_a_group_is_joined(monkeypatch):
    monkeypatch.delenv("DMLC_ROLE", raising=False)
    assert joining.join_group(load_config(None)) is ALONE
    with pytest.raises(UsageError, match="DMLC_ROLE, DMLC_PS_ROOT_URI, .* not set: lhrcnn launch"):
        KVStoreGroup()
    monkeypatch.setattr(joining, "_joined", lambda make, seconds: (make.args, seconds))
    for kvstore, name in (("device", "dist_sync"), ("dist_sync_device", "dist_sync_device")):
        monkeypatch.setenv(VARIABLES[0], "worker")
        cfg = load_config(None, ["default.kvstore", kvstore])
        assert joining.join_group(cfg) == ((name,), 60)
        with pytest.raises(UsageError, match="two ways"):
            joining.join_group(cfg, horovod=True)


def test_horovod_is_missed(monkeypatch):
    monkeypatch.delenv("DMLC_ROLE", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "horovod.mxnet", None)
    with pytest.raises(LibraryError, match="--horovod needs Horovod built for MXNet .* docs/scaling.md"):
        joining.join_group(load_config(None), horovod=True)
