"""Worker processes: order, errors, and ends of all kinds."""
import gc
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data.batching import WorkerPool, array_transfer, channel
from light_head_rcnn.errors import TrainingError, UsageError


@pytest.fixture(params=["served", "forked", "forked, without files in memory"])
def start(request, monkeypatch):
    """Function that makes a pool of workers that call a function, in each of the ways in which they are started."""
    if request.param.endswith("memory"):
        monkeypatch.setattr(array_transfer, "HAS_MEMORY_FILES", False)
    is_served = request.param == "served"

    def make_pool(function, *arguments):
        # A lambda cannot be pickled.
        return WorkerPool(function if is_served else lambda task: function(task), *arguments)
    return make_pool


def make(task):
    if callable(task):
        return task()
    time.sleep(0.02 * (task % 3 == 0))  # some take longer
    return np.full((3, task), task, np.float32), np.array([os.getpid()])


def run(pool, tasks):
    return [(int(a[0, 0]) if a.size else 0, pid[0]) for a, pid in pool.run(tasks)]


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("tasks", [0, 1, 2, 20])
def test_results_come_in_order(start, count, tasks):
    pool = start(make, count, 60)
    for _ in range(2):
        results = run(pool, list(range(1, tasks + 1)))
        assert [r[0] for r in results] == list(range(1, tasks + 1))
        assert len({r[1] for r in results}) == (1 if count == 0 and tasks else min(count, tasks))
        assert (os.getpid() in {r[1] for r in results}) == (count == 0 and tasks > 0)


def give_back(task):
    return task


def test_arrays_arrive_as_they_were(start):
    arrays = (np.arange(7, dtype=np.uint8), np.zeros((0, 5), np.float32), np.float64([[1.5, np.nan]]), np.array(3),
              np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1), np.array([True]), np.zeros((0,), np.int32))
    received, = start(give_back, 1, 60).run([arrays])
    assert len(received) == len(arrays)
    for a, b in zip(received, arrays):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_array_equal(a, b)
    received[0][:] = 9  # they can be written to
    results = [(), None, {"a": [1, "b"]}, data.DataError("text", "kind")]
    *same, error = start(give_back, 1, 60).run(results)
    assert same == results[:3] and (str(error), error.kind) == ("text", "kind")


@pytest.mark.skipif(not array_transfer.HAS_MEMORY_FILES, reason="arrays are sent through a pipe here")
def test_arrays_are_aligned_and_leave_no_open_file():
    arrays = (np.zeros(3, np.uint8), np.zeros(5, np.float32), np.zeros(20000, np.float64))
    pool = WorkerPool(give_back, 1, 60)
    received, = pool.run([arrays])
    assert [array.ctypes.data % 64 for array in received] == [0, 0, 0]
    open_files = len(os.listdir("/proc/self/fd"))
    for result in pool.run([arrays] * 20):
        assert len(result) == 3
    del received, result
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= open_files


def test_unfinished_run_disturbs_nothing(start):
    pool = start(make, 2, 60)
    unfinished = pool.run(list(range(1, 30)))
    for _ in range(3):
        next(unfinished)
    assert [r[0] for r in run(pool, [7, 5, 3])] == [7, 5, 3]
    with pytest.raises(UsageError, match="ended by a newer one"):
        next(unfinished)


def fail():
    raise ZeroDivisionError("in the targets")


def test_error_surfaces_with_its_place(start):
    pool = start(make, 2, 60)
    results = pool.run([1, 2, fail, 4])
    assert [int(next(results)[0][0, 0]) for _ in range(2)] == [1, 2]
    with pytest.raises(ZeroDivisionError, match="in the targets") as caught:
        next(results)
    assert "test_workers.py" in str(caught.value.__cause__) and "in fail" in str(caught.value.__cause__)
    assert [r[0] for r in run(pool, [5, 6])] == [5, 6]  # the workers go on


def warn():
    logging.getLogger("light_head_rcnn").warning("a file is %s", "odd")
    return np.zeros((1, 1)), [0]


def test_what_workers_log_is_logged_here_once(start, caplog):
    pool = start(make, 2, 60)
    assert len(run(pool, [warn, warn, 1, warn])) == 4
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("WARNING", "a file is odd")]


def end():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_task_that_ends_worker_after_worker_is_an_error_that_names_it(start, caplog):
    begin = time.time()
    with pytest.raises(TrainingError, match=r"data worker 1 of 2.*ended by SIGKILL.*3 workers have ended so at "
                                            r"the same task: .*function end"):
        run(start(make, 2, 60), [1, 2, end, 4])
    assert time.time() - begin < 20
    assert [line.split("; ")[1] for line in caplog.messages] == [
        f"a new worker takes its place, and nothing is left out (try {number} of 3)" for number in (2, 3)]


def linger():
    time.sleep(30)


def test_worker_that_hangs_is_replaced_and_at_last_an_error(start, monkeypatch, caplog):
    monkeypatch.setattr(channel, "TICK", 0.1)
    with pytest.raises(TrainingError, match="it gave no answer for 0.3 seconds. 3 workers have ended so"):
        run(start(make, 1, 0.3), [linger])
    assert len(caplog.messages) == 2


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


def test_an_interrupt_is_left_to_the_main_process(start):
    """Ctrl-C reaches every process of the terminal: the workers must answer until the main process ends them."""
    pool = start(make, 2, 60)
    for pid in {pid for _, pid in run(pool, [1, 2])}:
        os.kill(int(pid), signal.SIGINT)
    assert [result for result, _ in run(pool, [4, 5, 6])] == [4, 5, 6]


def test_mxnet_is_idle_when_its_threads_are_forked(monkeypatch):
    calls = []
    monkeypatch.setitem(sys.modules, "mxnet", SimpleNamespace(nd=SimpleNamespace(waitall=lambda: calls.append(1))))
    WorkerPool(lambda task: task, 3, 60)
    assert len(calls) == 3
    monkeypatch.delitem(sys.modules, "mxnet")
    WorkerPool(lambda task: task, 1, 60)
    assert len(calls) == 3


@pytest.fixture(params=["served", "forked"])
def prologue(request, tmp_path):
    """The start of a program with a function `make` that is pickled for a server, or is not and goes with a fork."""
    code = "import os, sys\nimport numpy as np\ndef make(task):\n    return np.full((1000, 1000), task), os.getpid()\n"
    (tmp_path / "some_tasks.py").write_text(code)
    if request.param == "served":
        code = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nfrom some_tasks import make\n"
    return code + "from light_head_rcnn.data.batching import WorkerPool, worker_server\n"


def test_a_program_ends_while_its_pool_is_alive(prologue):
    script = prologue + textwrap.dedent("""
        pool = WorkerPool(make, 2, 60)
        print(sum(int(array[0, 0]) for array, _ in pool.run([1, 2, 3])), worker_server._server is not None)
    """)
    process = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=60, check=True)
    assert process.stdout == (b"6 True\n" if "some_tasks" in prologue else b"6 False\n")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
@pytest.mark.parametrize("unfinished", [False, True])
def test_workers_end_with_their_owner(start, unfinished):
    pool, other = start(make, 3, 60), start(make, 2, 60)
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
def test_workers_end_when_the_main_process_does(signal_number, prologue):
    script = prologue + textwrap.dedent("""
        import time
        first, second = WorkerPool(make, 2, 60), WorkerPool(make, 2, 60)
        for pool in first, second:
            results = pool.run(list(range(50)))
            print(*{next(results)[1] for _ in range(6)}, flush=True)
        server = worker_server._server
        print(0 if server is None else server.process.pid, flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               universal_newlines=True)
    try:
        pids = [int(pid) for _ in range(3) for pid in process.stdout.readline().split()]
        assert len(pids) == 5
        if not pids[-1]:
            pids.pop()
        assert all(alive(pid) for pid in pids)
    finally:
        process.send_signal(signal_number)
        process.wait()
        process.stdout.close()
    assert_end(pids)
