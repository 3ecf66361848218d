"""A packing that was interrupted, however, goes on to the same files; another one is not mixed with it."""
import errno
import os
import subprocess
import sys
import time

import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.data.files.packed_folders import JOURNAL, MANIFEST
from light_head_rcnn.data.packing import set_packer, whole_files
from light_head_rcnn.data.packing.journal import Journal, WholeShard
from light_head_rcnn.data.packing.manifest import PackedFile
from light_head_rcnn.errors import DataError, UsageError


@pytest.fixture
def source(make_image, tmp_path):
    """Thirty images of a kilobyte: about eight shards of 4000 bytes."""
    lines = ["filename,class,xmin,ymin,xmax,ymax"]
    for number in range(30):
        make_image(tmp_path / "set" / f"{number:02}.jpg", 40, 30, number)
        lines.append(f"{number:02}.jpg,{'ab'[number % 2]},1,2,{10 + number / 2},20")
    (tmp_path / "set" / "boxes.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "set"


@pytest.fixture
def whole(source, tmp_path, pack):
    """What an unbroken packing writes: the bytes of each file by name."""
    pack(source, tmp_path / "whole", ("all",), shuffled=("all",))
    return contents(tmp_path / "whole")


def contents(folder):
    """The bytes of each file; arrays are compared as they are, without the times in their file."""
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder)) if not name.endswith(".npz")
            and name != MANIFEST}


def assert_whole(folder, whole):
    assert contents(folder) == whole
    assert len(load_dataset("auto", folder, "all")) == 30


class Interrupted(BaseException):
    """Comes from nowhere, as a signal does."""


@pytest.mark.parametrize("moment", [1, 2, 3, 7, 12])
def test_an_interrupted_packing_goes_on(source, tmp_path, pack, whole, monkeypatch, moment):
    folder, original, left = tmp_path / "packed", set_packer.pack_content, [moment * 2]

    def pack_some(content, labels, number):
        left[0] -= 1
        if left[0] < 0:
            raise Interrupted
        return original(content, labels, number)

    monkeypatch.setattr(set_packer, "pack_content", pack_some)
    monkeypatch.setattr(set_packer, "_AT_ONCE", 1)
    with pytest.raises(Interrupted):
        pack(source, folder, ("all",), shuffled=("all",))
    there = os.listdir(folder)
    assert JOURNAL in there and MANIFEST not in there and not any(name.startswith(".tmp") for name in there)
    assert sum(name.endswith(".rec") for name in there) < 9
    with pytest.raises(DataError, match="was interrupted; the same `lhrcnn data pack` as before goes on"):
        load_dataset("auto", folder, "all")
    monkeypatch.setattr(set_packer, "pack_content", original)
    pack(source, folder, ("all",), shuffled=("all",))
    assert_whole(folder, whole)


@pytest.mark.parametrize("number", [0, 3, 11])
def test_a_full_disk_leaves_whole_shards(source, tmp_path, pack, whole, monkeypatch, number):
    calls, original = [], os.fsync

    def fail(handle):
        calls.append(handle)
        if len(calls) > number:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(handle)

    monkeypatch.setattr(whole_files.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        pack(source, tmp_path / "packed", ("all",), shuffled=("all",))
    monkeypatch.setattr(whole_files.os, "fsync", original)
    assert not any(name.startswith(".tmp") for name in os.listdir(tmp_path / "packed"))
    pack(source, tmp_path / "packed", ("all",), shuffled=("all",))
    assert_whole(tmp_path / "packed", whole)


@pytest.mark.parametrize("change", ["journal is cut", "shard is gone", "shard is short", "half a shard is there"])
def test_what_a_crash_left_is_made_whole(source, tmp_path, pack, whole, monkeypatch, change):
    folder = tmp_path / "packed"
    monkeypatch.setattr(set_packer, "write_arrays", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pack(source, folder, ("all",), shuffled=("all",))
    monkeypatch.undo()
    if change == "journal is cut":
        text = (folder / JOURNAL).read_bytes()
        (folder / JOURNAL).write_bytes(text[:len(text) - 30])
    elif change == "shard is gone":
        (folder / "all-00002.rec").unlink()
    elif change == "shard is short":
        os.truncate(folder / "all-00004.rec", 100)
    else:
        (folder / ".tmp-all-00007.rec").write_bytes(b"half")
    pack(source, folder, ("all",), shuffled=("all",))
    (folder / ".tmp-all-00007.rec").unlink(missing_ok=True)
    assert_whole(folder, whole)


def test_the_journal_forgets_what_is_behind_a_lost_shard(tmp_path):
    """Otherwise a second interruption would take the old lines for new ones."""
    folder, task = str(tmp_path), {"set all": "1"}
    journal = Journal(folder, task)
    for number in range(3):
        files = [PackedFile(f"{number}.{kind}", 4, "0", 1) for kind in ("rec", "idx")]
        for file in files:
            (tmp_path / file.name).write_bytes(b"abcd")
        journal.add("all", WholeShard(*files, number + 1, (("image_missing", "gone"),)))
    assert Journal(folder, task).shards == journal.shards and len(journal.shards["all"]) == 3
    (tmp_path / "1.rec").unlink()
    assert Journal(folder, task).shards["all"] == journal.shards["all"][:1]
    (tmp_path / "1.rec").write_bytes(b"abcd")
    assert Journal(folder, task).shards["all"] == journal.shards["all"][:1]


def test_other_data_and_options_are_not_mixed_in(source, tmp_path, pack, monkeypatch, make_image):
    folder = tmp_path / "packed"
    monkeypatch.setattr(set_packer, "write_arrays", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pack(source, folder, ("all",))
    monkeypatch.undo()
    for options in (dict(shard_bytes=5000), dict(shuffled=("all",)), dict(resize_short=9)):
        with pytest.raises(UsageError, match="holds an unfinished packing of something else"):
            pack(source, folder, ("all",), **options)
    with open(source / "boxes.csv", "a") as file:
        file.write("00.jpg,a,1,1,9,9\n")
    with pytest.raises(UsageError, match=r"something else \(another set all\)"):
        pack(source, folder, ("all",))


def test_a_killed_packing_goes_on(source, tmp_path, whole):
    """The real command, killed at several moments; each run goes further, and a last one ends it."""
    command = [sys.executable, "-c", "import sys, time\nfrom light_head_rcnn.data.packing import set_packer\n"
               "pack = set_packer.pack_content\nset_packer.pack_content = lambda *a: (time.sleep(0.05), pack(*a))[1]\n"
               "from light_head_rcnn.experiments.commands.data_pack import main\nimport light_head_rcnn.data.packing."
               "set_packer\nfrom light_head_rcnn.experiments.commands import data_pack\ndata_pack._LEAST_SHARD = 1\n"
               "sys.exit(main(sys.argv[1:]))",
               str(source), "--out", str(tmp_path / "packed"), "--shard-size", "0.004MB", "--workers", "1"]
    for seconds in (0.1, 0.2):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (tmp_path / "packed" / JOURNAL).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
        process.wait()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    assert not os.path.exists(tmp_path / "packed" / JOURNAL)
    assert_whole(tmp_path / "packed", whole)
