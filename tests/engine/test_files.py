"""Files are written whole or not at all."""
import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from light_head_rcnn.engine import files
from light_head_rcnn.engine.files import (
    atomic_set, atomic_write, storage_errors, to_json, write_json, write_json_list)
from light_head_rcnn.errors import StorageError


def test_the_folder_is_made_and_no_other_file_is_left(tmp_path):
    with atomic_write(tmp_path / "a" / "b" / "c.txt") as temporary:
        assert isinstance(temporary, str) and temporary.endswith(".tmp-c.txt")
        Path(temporary).write_text("text")
        assert not (tmp_path / "a" / "b" / "c.txt").exists()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["c.txt"]
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "text"


def test_an_exception_leaves_the_old_file(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        Path(temporary).write_text("new")
        raise RuntimeError
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(FileNotFoundError), atomic_write(path):
        pass
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    (tmp_path / ".tmp-c.txt").write_text("half of someth")
    with atomic_write(tmp_path / "c.txt") as temporary, open(temporary, "w") as file:
        file.write("new")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["new"]


def test_file_and_folder_reach_the_disk_around_the_rename(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle):
        events.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    monkeypatch.setattr(files.os, "fsync", spy_fsync)
    monkeypatch.setattr(files.os, "replace", lambda *paths: events.append("rename") or replace(*paths))
    write_json(tmp_path / "c.json", 1)
    assert events == [str(tmp_path / ".tmp-c.json"), "rename", str(tmp_path)]


def test_json(tmp_path):
    value = {"a": float("nan"), "b": (1, 2.5, [float("inf"), -float("inf")]), "c": {"ä": None, "d": True}}
    assert json.loads(to_json(value)) == {"a": None, "b": [1, 2.5, [None, None]], "c": {"ä": None, "d": True}}
    assert to_json([1, {"a": 2}]) == '[1, {"a": 2}]'
    write_json(tmp_path / "c.json", value)
    assert (tmp_path / "c.json").read_text() == to_json(value, indent=1) + "\n"
    write_json(tmp_path / "c.json", value, indent=None)
    assert (tmp_path / "c.json").read_text() == to_json(value) + "\n"


@pytest.mark.parametrize("entries", [[], [1], [{"a": float("nan")}, [2, "ä"], None]])
def test_lists_entry_by_entry(tmp_path, entries):
    write_json_list(tmp_path / "c.json", iter(entries))
    text = (tmp_path / "c.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(to_json(entries))
    assert len(text.splitlines()) == (len(entries) + 2 if entries else 1)


def test_a_list_that_breaks_off_leaves_the_old_file(tmp_path):
    def entries():
        yield 1
        raise RuntimeError

    write_json_list(tmp_path / "c.json", [0])
    with pytest.raises(RuntimeError):
        write_json_list(tmp_path / "c.json", entries())
    assert [json.loads(file.read_text()) for file in tmp_path.iterdir()] == [[0]]


@pytest.mark.parametrize("number, advice", [
    (errno.ENOSPC, "No space left on device.: make room there"), (errno.EDQUOT, "Disk quota exceeded.: make room"),
    (errno.EFBIG, "File too large.: raise the limit"), (errno.EROFS, "Read-only file system.: make the folder"),
    (errno.EACCES, "Permission denied.: make the folder"), (errno.EIO, "output error.: the disk may be broken")])
def test_a_refused_write_says_what_to_do_and_leaves_nothing(tmp_path, monkeypatch, number, advice):
    (tmp_path / "c.txt").write_text("old")

    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(StorageError, match=f"c.txt cannot be written .*{advice}"):
        write_json(tmp_path / "c.txt", 1)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("c.txt", "old")]


def test_errors_of_other_files_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), atomic_write(tmp_path / "c.txt"):
        open(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="inner.*make room"), atomic_write(tmp_path / "c.txt"):
        with storage_errors(tmp_path / "inner"):
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_that_goes_meanwhile(tmp_path):
    with pytest.raises(StorageError, match="a/c.txt cannot be written .*: the folder has been removed meanwhile"):
        with atomic_write(tmp_path / "a" / "c.txt") as temporary:
            shutil.rmtree(tmp_path / "a")
            open(temporary, "w")


def test_a_set_is_replaced_as_a_whole(tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "last")]
    for text in ("old", "new"):
        with atomic_set(paths) as temporaries:
            for temporary in temporaries:
                Path(temporary).write_text(text)
            assert [path.read_text() for path in paths if path.exists()] == (["old"] * 3 if text == "new" else [])
    with pytest.raises(StorageError), atomic_set(paths) as temporaries:
        Path(temporaries[0]).write_text("newer")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new", "b": "new", "last": "new"}
