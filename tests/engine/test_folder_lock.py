"""One process at a time works in a folder."""
import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from light_head_rcnn.engine.folder_lock import lock_folder
from light_head_rcnn.errors import StorageError, UsageError

HOLD = ("import sys, time\nfrom light_head_rcnn.engine.folder_lock import lock_folder\n"
        "with lock_folder(sys.argv[1]): print('held', flush=True); time.sleep(100)")


def test_nothing_is_left_of_a_lock(tmp_path):
    with lock_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / ".lock").read_text().startswith(f"{os.getpid()} on ")
    assert list(tmp_path.iterdir()) == []
    with lock_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b", "file"]


def test_unfinished_files_go_when_nobody_can_be_writing_them(tmp_path):
    (tmp_path / "below").mkdir()
    kept = [tmp_path / "a.json", tmp_path / ".hidden", tmp_path / "below" / ".tmp-b.json"]
    for path in [*kept, tmp_path / ".tmp-a.json"]:
        path.write_text("{")
    (tmp_path / ".tmp-link").symlink_to(tmp_path / "a.json")
    with lock_folder(tmp_path):
        assert {path for path in tmp_path.rglob("*") if not path.is_dir()} == {*kept, tmp_path / ".lock"}


def test_the_second_names_the_first_and_a_dead_one_holds_nothing(tmp_path):
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match=rf"another process \({first.pid} on .*\) works in {tmp_path}: wait"):
            with lock_folder(tmp_path):
                pass
    finally:
        first.kill()
        first.wait()
    assert (tmp_path / ".lock").exists()
    with lock_folder(tmp_path):
        pass
    assert not (tmp_path / ".lock").exists()


def test_a_process_that_was_forked_does_not_keep_the_lock(tmp_path):
    fork = HOLD.replace("print(", "child = os.fork(); child and print(child, ").replace("import sys", "import os, sys")
    first = subprocess.Popen([sys.executable, "-c", fork, str(tmp_path)], stdout=subprocess.PIPE)
    child = int(first.stdout.readline().split()[0])
    try:
        first.kill()
        first.wait()
        os.kill(child, 0)  # it is there
        with lock_folder(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_folder_that_was_removed_or_replaced_is_noticed(tmp_path):
    folder = tmp_path / "run"
    with lock_folder(folder) as lock:
        lock.check()
        (folder / ".lock").unlink()
        folder.rmdir()
        with pytest.raises(StorageError, match="run has been removed or replaced"):
            lock.check()
        with lock_folder(folder):  # another process begins there
            with pytest.raises(StorageError, match="run has been removed or replaced"):
                lock.check()


def test_a_holder_that_leaves_between_two_calls_is_no_obstacle(tmp_path, monkeypatch):
    """The file that was opened has gone when it is locked: the one that is there now is locked."""
    flock, gone = fcntl.flock, []

    def leave_first(handle, flags):
        if not gone:
            gone.append((tmp_path / ".lock").unlink())
        flock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", leave_first)
    with lock_folder(tmp_path) as lock:
        lock.check()


def test_a_file_system_without_locks_is_told_of(tmp_path, monkeypatch, caplog):
    def refuse(handle, flags):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with lock_folder(tmp_path):
        assert "the file system knows no locks (No locks available); see to it that no other" in caplog.text


def test_a_folder_that_takes_no_files(tmp_path):
    (tmp_path / "file").touch()
    for folder in ("file", "file/run"):
        with pytest.raises(StorageError, match="file.* cannot be written .*: a file is in the way: choose another"):
            with lock_folder(tmp_path / folder):
                pass
