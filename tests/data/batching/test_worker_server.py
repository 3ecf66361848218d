"""The process from which workers are forked: it starts once, and what happens to it harms nothing."""
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from light_head_rcnn.data.batching import WorkerPool, worker_server, workers


def double(task):
    return 2 * task, os.getpid(), os.getppid()


def hang(task):
    time.sleep(60)


def servers(pool):
    return {parent for _, _, parent in pool.run(range(4))}


def test_all_workers_are_forked_from_one_server():
    first, second = WorkerPool(double, 2, 60), WorkerPool(double, 2, 60)
    assert [result for result, _, _ in first.run(range(9))] == list(range(0, 18, 2))
    assert servers(first) == servers(second) == {worker_server._server.process.pid} != {os.getpid()}


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
def test_workers_that_ended_leave_no_trace():
    pool = WorkerPool(double, 3, 60)
    ended = {worker for _, worker, _ in pool.run(range(9))}
    del pool  # its workers end with it
    deadline = time.time() + 60
    # One that has ended stays in /proc until its server has looked after it.
    while any(os.path.isdir(f"/proc/{worker}") for worker in ended):
        assert time.time() < deadline, "processes that have ended are still there"
        servers(WorkerPool(double, 1, 60))  # the server looks after its workers when it starts one


def test_workers_end_with_their_server_and_a_new_one_starts(caplog):
    pool = WorkerPool(double, 2, 60)
    (old,) = servers(pool)
    os.kill(old, signal.SIGKILL)
    worker_server._server.process.wait()
    answers = list(pool.run(range(5)))
    assert [result for result, _, _ in answers] == [0, 2, 4, 6, 8]
    (new,) = {parent for _, _, parent in answers}
    assert new == worker_server._server.process.pid != old
    assert len(caplog.messages) == 2 and all("a new worker takes its place" in line for line in caplog.messages)


def test_a_forked_process_has_a_server_of_its_own():
    (mine,) = servers(WorkerPool(double, 1, 60))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        (other,) = pool.apply(_servers_here)
    assert other != mine and servers(WorkerPool(double, 1, 60)) == {mine}


def _servers_here():
    return servers(WorkerPool(double, 1, 60))


def test_modules_are_found_that_came_after_the_server(tmp_path, monkeypatch):
    WorkerPool(double, 1, 60)
    (tmp_path / "later_tasks.py").write_text(textwrap.dedent("""
        class Times:
            def __init__(self, factor):
                self.factor = factor

            def __call__(self, task):
                return self.factor * task
    """))
    monkeypatch.syspath_prepend(str(tmp_path))
    import later_tasks
    assert list(WorkerPool(later_tasks.Times(3), 2, 60).run([1, 2])) == [3, 6]
    monkeypatch.delitem(sys.modules, "later_tasks")


class Unloadable:
    def __reduce__(self):
        return (_no_such, ())

    def __call__(self, task):
        return task


def _no_such():
    raise OSError("only elsewhere")


def test_a_function_that_cannot_be_loaded_is_an_error_of_its_tasks():
    results = WorkerPool(Unloadable(), 1, 60)
    for _ in range(2):
        with pytest.raises(OSError, match="only elsewhere"):
            list(results.run([1]))


def test_a_function_of_the_script_is_not_looked_for_in_the_server(monkeypatch):
    assert pickle.loads(workers._pickle(double)) is double
    of_script = type(double)(double.__code__, {}, "of_script")
    of_script.__module__, of_script.__qualname__ = "__main__", "of_script"
    monkeypatch.setattr(sys.modules["__main__"], "of_script", of_script, raising=False)
    assert pickle.dumps(of_script) and workers._pickle(of_script) is None


def test_workers_that_hang_end_with_the_main_process():
    code = textwrap.dedent(f"""
        import sys, threading
        sys.path[:] = {sys.path!r}
        from light_head_rcnn.data.batching import WorkerPool
        from {__name__} import double, hang
        hanging, other = WorkerPool(hang, 1, 60), WorkerPool(double, 1, 60)
        threading.Thread(target=next, args=(hanging.run([1]),), daemon=True).start()
        print(next(other.run([1]))[0], flush=True)
    """)
    # The pipe of its output closes when the last process that could write to it has ended.
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=45, check=True)
    assert done.stdout == b"2\n"
