"""Worker processes: order, errors, and ends of all kinds."""
import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.data.batching import WorkerPool, array_transfer
from light_head_rcnn.errors import TrainingError, UsageError


@pytest.fixture(params=[array_transfer.HAS_MEMORY_FILES, False])
def transfer(request, monkeypatch):
    monkeypatch.setattr(array_transfer, "HAS_MEMORY_FILES", request.param)


def make(task):
    if callable(task):
        return task()
    time.sleep(0.02 * (task % 3 == 0))  # some take longer
    return np.full((3, task), task, np.float32), np.array([os.getpid()])


def run(pool, tasks):
    return [(int(a[0, 0]) if a.size else 0, pid[0]) for a, pid in pool.run(tasks)]


@pytest.mark.usefixtures("transfer")
@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("tasks", [0, 1, 2, 20])
def test_results_come_in_order(count, tasks):
    pool = WorkerPool(make, count, 60)
    for _ in range(2):
        results = run(pool, list(range(1, tasks + 1)))
        assert [r[0] for r in results] == list(range(1, tasks + 1))
        assert len({r[1] for r in results}) == (1 if count == 0 and tasks else min(count, tasks))
        assert (os.getpid() in {r[1] for r in results}) == (count == 0 and tasks > 0)


@pytest.mark.usefixtures("transfer")
def test_arrays_arrive_as_they_were():
    arrays = (np.arange(7, dtype=np.uint8), np.zeros((0, 5), np.float32), np.float64([[1.5, np.nan]]), np.array(3),
              np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1), np.array([True]), np.zeros((0,), np.int32))
    received, = WorkerPool(lambda task: arrays, 1, 60).run([0])
    assert len(received) == len(arrays)
    for a, b in zip(received, arrays):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_array_equal(a, b)
    received[0][:] = 9  # they can be written to
    assert list(WorkerPool(lambda task: (), 1, 60).run([0, 0])) == [(), ()]


@pytest.mark.skipif(not array_transfer.HAS_MEMORY_FILES, reason="arrays are sent through a pipe here")
def test_arrays_are_aligned_and_leave_no_open_file():
    arrays = (np.zeros(3, np.uint8), np.zeros(5, np.float32), np.zeros(7, np.float64))
    pool = WorkerPool(lambda task: arrays, 1, 60)
    received, = pool.run([0])
    assert [array.ctypes.data % 64 for array in received] == [0, 0, 0]
    open_files = len(os.listdir("/proc/self/fd"))
    for result in pool.run(range(20)):
        assert len(result) == 3
    del received, result
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= open_files


@pytest.mark.usefixtures("transfer")
def test_unfinished_run_disturbs_nothing():
    pool = WorkerPool(make, 2, 60)
    unfinished = pool.run(list(range(1, 30)))
    for _ in range(3):
        next(unfinished)
    assert [r[0] for r in run(pool, [7, 5, 3])] == [7, 5, 3]
    with pytest.raises(UsageError, match="ended by a newer one"):
        next(unfinished)


def fail():
    raise ZeroDivisionError("in the targets")


@pytest.mark.usefixtures("transfer")
def test_error_surfaces_with_its_place():
    pool = WorkerPool(make, 2, 60)
    results = pool.run([1, 2, fail, 4])
    assert [int(next(results)[0][0, 0]) for _ in range(2)] == [1, 2]
    with pytest.raises(ZeroDivisionError, match="in the targets") as caught:
        next(results)
    assert "test_workers.py" in str(caught.value.__cause__) and "in fail" in str(caught.value.__cause__)
    assert [r[0] for r in run(pool, [5, 6])] == [5, 6]  # the workers go on


def end():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("transfer")
def test_killed_worker_is_an_error_at_once():
    begin = time.time()
    with pytest.raises(TrainingError, match="a worker process ended .exit code -9"):
        run(WorkerPool(make, 2, 60), [1, 2, end, 4])
    assert time.time() - begin < 20


def linger():
    time.sleep(30)


def test_worker_that_hangs_is_an_error():
    with pytest.raises(TrainingError, match="no batch came from a worker process for 0.2 seconds"):
        run(WorkerPool(make, 1, 0.2), [linger])


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def assert_end(pids):
    deadline = time.time() + 20
    while any(alive(pid) for pid in pids) and time.time() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids)


def test_an_interrupt_is_left_to_the_main_process():
    """Ctrl-C reaches every process of the terminal: the workers must answer until the main process ends them."""
    pool = WorkerPool(make, 2, 60)
    for pid in {pid for _, pid in run(pool, [1, 2])}:
        os.kill(int(pid), signal.SIGINT)
    assert [result for result, _ in run(pool, [4, 5, 6])] == [4, 5, 6]


def test_mxnet_is_idle_when_its_threads_are_forked(monkeypatch):
    calls = []
    monkeypatch.setitem(sys.modules, "mxnet", SimpleNamespace(nd=SimpleNamespace(waitall=lambda: calls.append(1))))
    WorkerPool(make, 3, 60)
    assert len(calls) == 3
    monkeypatch.delitem(sys.modules, "mxnet")
    WorkerPool(make, 1, 60)
    assert len(calls) == 3


def test_a_program_ends_while_its_pool_is_alive():
    script = textwrap.dedent("""
        import numpy as np
        from light_head_rcnn.data.batching import WorkerPool
        pool = WorkerPool(lambda task: (np.array([task]),), 2, 60)
        print(sum(int(array[0]) for array, in pool.run([1, 2, 3])))
    """)
    process = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60, check=True)
    assert process.stdout == b"6\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
@pytest.mark.parametrize("unfinished", [False, True])
def test_workers_end_with_their_owner(unfinished):
    pool, other = WorkerPool(make, 3, 60), WorkerPool(make, 2, 60)
    results = pool.run(list(range(1, 20)))
    pids = {int(next(results)[1][0]) for _ in range(3)}
    if not unfinished:
        pids |= {int(r[1][0]) for r in results}
    others = {pid for _, pid in run(other, [1, 2, 3, 4])}
    assert len(pids) == 3 and all(alive(pid) for pid in pids)
    del other
    gc.collect()
    assert_end(others)
    assert all(alive(pid) for pid in pids)
    del pool, results
    gc.collect()
    assert_end(pids)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_when_the_main_process_does(signal_number):
    script = textwrap.dedent("""
        import os, time
        import numpy as np
        import light_head_rcnn
        from light_head_rcnn.data.batching import WorkerPool
        def make(task):
            return np.full((1000, 1000), os.getpid()),
        first, second = WorkerPool(make, 2, 60), WorkerPool(make, 2, 60)
        for pool in first, second:
            results = pool.run(list(range(50)))
            print(*{next(results)[0][0, 0] for _ in range(6)}, flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               universal_newlines=True)
    try:
        pids = [int(pid) for _ in range(2) for pid in process.stdout.readline().split()]
        assert len(pids) == 4 and all(alive(pid) for pid in pids)
    finally:
        process.send_signal(signal_number)
        process.wait()
        process.stdout.close()
    assert_end(pids)
