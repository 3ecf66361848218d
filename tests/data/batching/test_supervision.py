"""Workers that die, are stopped, lack memory or may not use files: each is named, and the results are the same."""
import errno
import os
import resource
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from light_head_rcnn.data.batching import WorkerPool, array_transfer, channel, supervision, workers
from light_head_rcnn.errors import TrainingError

from .test_workers import alive, assert_end


@pytest.fixture(params=["served", "forked"])
def start(request):
    """Function that makes a pool whose workers call a function, in each of the ways in which they are started."""
    def make_pool(function, count=2, timeout=60):
        # A lambda cannot be pickled.
        return WorkerPool(function if request.param == "served" else lambda task: function(task), count, timeout,
                          lambda task: [f"image {task}"])
    return make_pool


class Once:
    """Function that does something the first time that it meets a task, in whichever worker, and then answers."""

    def __init__(self, folder, harm, at):
        self.folder, self.harm, self.at = folder, harm, at

    def __call__(self, task):
        if task == self.at:
            try:
                (Path(self.folder) / str(task)).touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                self.harm()
        return np.full((50, 500), task), os.getpid()


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def crash():
    import ctypes
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def hang():
    time.sleep(60)


def leave():
    os._exit(7)


def exhaust_memory():
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28),) * 2)
    np.ones(1 << 30)


def exhaust_handles():
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    open("/dev/null")


@pytest.mark.parametrize("harm, reason", [
    (kill, "it was ended by SIGKILL, as the system does where memory runs out"),
    (crash, "it crashed in native code (SIGSEGV)"), (leave, "it ended with status 7"),
    (stop, "it was stopped by a signal, and gave no answer for "),
    (hang, "it gave no answer for 2 seconds"),
    (exhaust_memory, "it had too little memory, or might open no more files (MemoryError: "),
    (exhaust_handles, "it had too little memory, or might open no more files (OSError: [Errno 24]")])
def test_one_fault_costs_nothing(start, harm, reason, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(channel, "TICK", 0.1)
    monkeypatch.setattr(supervision, "_STOPPED_SECONDS", 0.5)
    results = list(start(Once(str(tmp_path), harm, 4), timeout=2 if harm is hang else 60).run(range(9)))
    assert [int(array[0, 0]) for array, _ in results] == list(range(9))
    (line,) = caplog.messages
    assert "data worker 1 of 2 (process " in line and reason in line and ", at work on image 4; " in line
    assert line.endswith("a new worker takes its place, and nothing is left out (try 2 of 3)")
    process = int(line.split("(process ")[1].split(")")[0])
    assert_end([process])
    assert len({pid for _, pid in results}) == 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_an_idle_worker_that_is_lost_is_replaced(start, number, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(channel, "TICK", 0.1)
    monkeypatch.setattr(supervision, "_STOPPED_SECONDS", 0.3)
    pool = start(Once(str(tmp_path), kill, -1))
    lost = {pid for _, pid in pool.run(range(4))}
    for pid in lost:
        os.kill(pid, number)
    assert [int(array[0, 0]) for array, _ in pool.run(range(8))] == list(range(8))
    assert len(caplog.messages) == 2
    assert not any(alive(pid) for pid in lost)


def test_a_stopped_server_is_replaced_with_its_workers(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(channel, "TICK", 0.1)
    monkeypatch.setattr(supervision, "_STOPPED_SECONDS", 0.3)
    pool = WorkerPool(Once(str(tmp_path), stop, 2), 1, 60)
    server = workers.start_worker.__globals__["_server"].process
    results = pool.run(range(6))
    assert int(next(results)[0][0, 0]) == 0
    os.kill(server.pid, signal.SIGSTOP)
    assert [int(array[0, 0]) for array, _ in results] == [1, 2, 3, 4, 5]
    assert not alive(server.pid)


def test_a_fault_in_an_earlier_run_blames_none_of_the_next(start, tmp_path, caplog):
    pool = start(Once(str(tmp_path), kill, 1), count=1)
    next(pool.run(range(3)))
    assert [int(array[0, 0]) for array, _ in pool.run(range(10, 14))] == [10, 11, 12, 13]
    assert len(caplog.messages) <= 1


class Refusing:
    """Function whose worker may not make files in memory, or not hand them over."""

    def __init__(self, what):
        self.what = what

    def __call__(self, task):
        def refuse(*arguments):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        if self.what == "memfd_create":
            os.memfd_create = refuse
        else:
            channel.Channel.post_with_file = refuse
        return np.full((300, 300), task)


@pytest.mark.skipif(not array_transfer.HAS_MEMORY_FILES, reason="there are no files in memory here")
@pytest.mark.parametrize("what", ["memfd_create", "SCM_RIGHTS"])
def test_where_files_in_memory_are_refused_pipes_take_over_and_that_is_said_once(start, caplog, what):
    results = list(start(Refusing(what)).run(range(6)))
    assert [array[7, 7] for array in results] == list(range(6))
    assert caplog.messages == ["the system refuses files in memory (Operation not permitted): workers hand their "
                               "batches over through pipes, which takes longer and changes nothing else"]


def big(task):
    return np.full((300, 300), task)


@pytest.mark.skipif(not array_transfer.HAS_MEMORY_FILES, reason="there are no files in memory here")
def test_where_this_process_may_open_no_more_files_pipes_take_over(start, caplog):
    pool = start(big)
    list(pool.run(range(4)))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 40, limits[1]))
        while True:
            held.append(open("/dev/null"))
    except OSError:
        results = list(pool.run(range(12)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for file in held:
            file.close()
    assert [array[7, 7] for array in results] == list(range(12))
    (line,) = caplog.messages
    assert line.startswith("this process may open no more files")


def test_many_small_results_keep_no_files_open():
    before = len(os.listdir("/proc/self/fd"))
    results = list(WorkerPool(small, 2, 60).run(range(200)))
    assert len(results) == 200 and len(os.listdir("/proc/self/fd")) < before + 10


def small(task):
    return np.full((20, 20), task)


def echo_size(task):
    return len(task)


def test_tasks_that_fill_the_pipe_do_not_hang():
    """Each side has more to send than the system takes at once, and the other one does not read meanwhile."""
    for limit in (1 << 60, 0):
        pool = WorkerPool(echo_bytes if limit else echo_size, 1, 60)
        tasks = [bytes(3 << 20) for _ in range(6)]
        assert len(list(pool.run(tasks))) == 6


def echo_bytes(task):
    return task


def test_a_worker_that_cannot_be_started_is_an_error(monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EMFILE, "Too many open files")
    monkeypatch.setattr(workers, "start_worker", refuse)
    with pytest.raises(TrainingError, match="a worker process cannot be started: Too many open files; try fewer"):
        WorkerPool(big, 1, 60)


def test_an_interrupt_within_an_answer_spoils_no_later_one(monkeypatch):
    monkeypatch.setattr(array_transfer, "HAS_MEMORY_FILES", False)
    pool = WorkerPool(lambda task: big(task), 1, 60)  # forked: it has no files in memory either
    take, interrupts = channel.Channel._take, [KeyboardInterrupt]

    def interrupted(self, size, idle):
        if size > 100000 and interrupts:
            take(self, 1000, idle)
            raise interrupts.pop()
        return take(self, size, idle)
    monkeypatch.setattr(channel.Channel, "_take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(pool.run(range(4)))
    assert [array[7, 7] for array in pool.run(range(10, 14))] == [10, 11, 12, 13]
