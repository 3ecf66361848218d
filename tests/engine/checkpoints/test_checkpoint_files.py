"""Checkpoints on the disk: whole or not at all; which is the latest, and which the best."""
import errno
import os
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints import checkpoint_files
from light_head_rcnn.engine.checkpoints.checkpoint_files import (
    BEST, Content, copy_checkpoint, epoch_tag, list_checkpoints, read_checkpoint, remove_checkpoint, remove_leftovers,
    step_tag, write_checkpoint)
from light_head_rcnn.engine.checkpoints.choosing import best_checkpoint, latest_checkpoint
from light_head_rcnn.engine.checkpoints.networks import load_checkpoint, save_checkpoint
from light_head_rcnn.errors import CheckpointError, StorageError


def test_a_damaged_checkpoint_does_not_count(tmp_path, small):
    net, trainer = small.build()
    prefix = tmp_path / "net"
    for epoch in (1, 2, 3):
        save_checkpoint(prefix, net, trainer, epoch, 10 * epoch)
    assert latest_checkpoint(prefix) == f"{prefix}-0003"
    with open(f"{prefix}-0003.params", "r+b") as file:
        file.truncate(os.path.getsize(file.name) // 2)
    Path(f"{prefix}-0002.json").unlink()
    assert latest_checkpoint(prefix) == f"{prefix}-0001"
    with pytest.raises(CheckpointError, match=r"net-0003 is damaged: .*net-0003\.params has \d+ bytes, and \d+ were"):
        load_checkpoint(f"{prefix}-0003", net)
    Path(f"{prefix}-0001.json").write_text("{")
    assert latest_checkpoint(prefix) is None
    assert latest_checkpoint(tmp_path / "nowhere" / "net") is None


def test_a_checkpoint_stays_where_it_could_not_be_replaced(tmp_path, monkeypatch, small):
    net, trainer = small.build()
    save_checkpoint(tmp_path / "net", net, trainer, 2, 20)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(entries):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint_files, "sealed_json", fail)
    with pytest.raises(StorageError, match="net-0002.json cannot be written .*: make room there"):
        save_checkpoint(tmp_path / "net", net, trainer, 2, 21)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_kill_between_two_renames_leaves_no_checkpoint_of_two_halves(tmp_path, monkeypatch, small):
    net, trainer = small.build()
    save_checkpoint(tmp_path / "net", net, trainer, 1, 10)
    replace, count = os.replace, iter(range(9))

    def die(*paths):
        if next(count) == 1:
            raise KeyboardInterrupt
        replace(*paths)

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "net", net, trainer, 1, 10)
    assert latest_checkpoint(tmp_path / "net") is None and not list(tmp_path.glob(".tmp*"))


def test_what_kills_left_goes_and_files_of_others_stay(tmp_path):
    prefix = str(tmp_path / "net")
    write(prefix, step_tag(25), 25)
    left = [".tmp-net-step00000031.params", ".tmp-net-0004.states", ".tmp-net-best.json", "net-step00000029.params",
            "net-step00000029.states"]
    others = ["net-0007.params", ".tmp-net-big-0004.states", "net-symbol.json", ".tmp-losses.jsonl",
              "net-big-step00000029.params"]
    for name in left + others:
        (tmp_path / name).touch()
    remove_leftovers(prefix)
    assert {path.name for path in tmp_path.iterdir()} == {f"net-step00000025{end}" for end in (
        ".json", ".params", ".states")} | set(others)


def test_a_prefix_does_not_take_anothers_checkpoints(tmp_path, small):
    net, trainer = small.build()
    save_checkpoint(tmp_path / "net-big", net, trainer, 9, 90)
    assert latest_checkpoint(tmp_path / "net") is None


CONTENT = Content({"arg:a_weight": mx.nd.ones((2, 3))}, {}, {"a_weight": 4}, ("cat", "dog"))


def write(prefix, tag, step, content=CONTENT):
    return write_checkpoint(str(prefix), tag, content, step // 10, step)


def test_checkpoints_are_listed_by_their_steps(tmp_path):
    prefix = tmp_path / "net"
    for tag, step in ((epoch_tag(2), 20), (step_tag(25), 25), (epoch_tag(1), 10), (BEST, 10), (epoch_tag(10000), 90)):
        write(prefix, tag, step)
    found = list_checkpoints(str(prefix))
    assert [(c.tag, c.step, c.ends_epoch) for c in found if c.tag != BEST] == [
        ("0001", 10, True), ("0002", 20, True), ("step00000025", 25, False), ("10000", 90, True)]
    assert latest_checkpoint(str(prefix)) == f"{prefix}-10000"


def test_a_copy_of_the_best_is_not_the_latest(tmp_path):
    prefix = str(tmp_path / "net")
    assert best_checkpoint(prefix) is None
    base = write(prefix, epoch_tag(1), 10)
    copy = copy_checkpoint(base, prefix, BEST, {"test": {"AP": 0.5}})
    assert copy == best_checkpoint(prefix) == prefix + "-best"
    assert dict(read_checkpoint(base), test={"AP": 0.5}) == read_checkpoint(copy)
    for end in (".params", ".states"):
        assert Path(base + end).read_bytes() == Path(copy + end).read_bytes()
    remove_checkpoint(base)
    assert latest_checkpoint(prefix) is None and best_checkpoint(prefix) == copy
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net-best.json", "net-best.params", "net-best.states"]


def test_what_a_checkpoint_says(tmp_path):
    state = read_checkpoint(write(tmp_path / "net", epoch_tag(3), 30))
    assert (state["epoch"], state["step"], state["classes"]) == (3, 30, ["cat", "dog"])
    assert state["update_counts"] == {"a_weight": 4}
