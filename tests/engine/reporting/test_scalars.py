"""Scalars survive a killed run."""
import json
import sys

import pytest

from light_head_rcnn.engine.reporting.scalars import ScalarLog, read_scalars


def test_scalars_continue_after_the_resumed_step(tmp_path):
    path = tmp_path / "sub" / "losses.jsonl"
    with ScalarLog(path) as log:
        for step in range(1, 8):
            log.write(step, loss=1 / step, epoch=0)
    with open(path, "a") as file:
        file.write('{"step": 8, "lo')
    assert [line["step"] for line in read_scalars(path)] == list(range(1, 8))
    with ScalarLog(path, start_step=4) as log:
        log.write(5, loss=0.5, epoch=1)
    lines = read_scalars(path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines[2] == {"step": 3, "loss": 1 / 3, "epoch": 0} and lines[-1]["loss"] == 0.5
    with ScalarLog(path):
        pass
    assert read_scalars(path) == []


def test_every_line_is_on_disk_at_once(tmp_path):
    log = ScalarLog(tmp_path / "losses.jsonl")
    log.write(1, loss=2)
    assert json.loads((tmp_path / "losses.jsonl").read_text()) == {"step": 1, "loss": 2}
    log.close()


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "losses.jsonl"
    path.write_text('{"step": 1}\nnonsense\n{"step": 3}\n')
    with pytest.raises(ValueError, match=r"losses\.jsonl, line 2"):
        read_scalars(path)


def test_tensorboard_events(tmp_path):
    pytest.importorskip("tensorboardX")
    with ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board") as log:
        log.write(1, loss=0.25)
    events = list((tmp_path / "board").glob("events*"))
    assert len(events) == 1 and b"loss" in events[0].read_bytes()


def test_no_tensorboard_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board") as log:
        log.write(1, loss=0.25)
    assert not (tmp_path / "board").exists() and len(read_scalars(tmp_path / "a.jsonl")) == 1
