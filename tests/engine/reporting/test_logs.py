"""Log lines, scalars that survive a killed run, and progress."""
import io
import json
import logging
import sys

import pytest

from light_head_rcnn.engine.reporting import logs


@pytest.fixture(autouse=True)
def restore_logger():
    yield
    logger = logging.getLogger("light_head_rcnn")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def test_the_logger_writes_a_file_and_the_console_once(tmp_path, capsys):
    logs.open_logger(tmp_path / "run")
    logger = logs.open_logger(tmp_path / "run")
    logger.info("hello %d", 7)
    assert capsys.readouterr().err.count("hello 7") == 1
    assert (tmp_path / "run" / "train.log").read_text().count("hello 7") == 1


def test_scalars_continue_after_the_resumed_step(tmp_path):
    path = tmp_path / "sub" / "losses.jsonl"
    with logs.ScalarLog(path) as log:
        for step in range(1, 8):
            log.write(step, loss=1 / step, epoch=0)
    with open(path, "a") as file:
        file.write('{"step": 8, "lo')
    assert [line["step"] for line in logs.read_scalars(path)] == list(range(1, 8))
    with logs.ScalarLog(path, start_step=4) as log:
        log.write(5, loss=0.5, epoch=1)
    lines = logs.read_scalars(path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines[2] == {"step": 3, "loss": 1 / 3, "epoch": 0} and lines[-1]["loss"] == 0.5
    with logs.ScalarLog(path):
        pass
    assert logs.read_scalars(path) == []


def test_every_line_is_on_disk_at_once(tmp_path):
    log = logs.ScalarLog(tmp_path / "losses.jsonl")
    log.write(1, loss=2)
    assert json.loads((tmp_path / "losses.jsonl").read_text()) == {"step": 1, "loss": 2}
    log.close()


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "losses.jsonl"
    path.write_text('{"step": 1}\nnonsense\n{"step": 3}\n')
    with pytest.raises(ValueError, match=r"losses\.jsonl, line 2"):
        logs.read_scalars(path)


def test_tensorboard_events(tmp_path):
    pytest.importorskip("tensorboardX")
    with logs.ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board") as log:
        log.write(1, loss=0.25)
    events = list((tmp_path / "board").glob("events*"))
    assert len(events) == 1 and b"loss" in events[0].read_bytes()


def test_no_tensorboard_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with logs.ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board") as log:
        log.write(1, loss=0.25)
    assert not (tmp_path / "board").exists() and len(logs.read_scalars(tmp_path / "a.jsonl")) == 1


def test_progress_without_a_terminal_is_lines(tmp_path, capsys):
    with logs.Progress(7, 2, logs.open_logger(), every=2) as progress:
        for step in range(3, 8):
            progress.update(step, loss=0.123456, epoch=1)
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line.split()[1] for line in lines] == ["4/7", "6/7", "7/7"]
    assert "loss 0.1235" in lines[0] and "epoch 1" in lines[0] and lines[0].endswith("left")


def test_progress_on_a_terminal_is_a_bar_with_losses(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with logs.Progress(4, 0, logs.open_logger(), every=100) as progress:
        for step in range(1, 5):
            progress.update(step, loss=0.5)
    assert "4/4" in terminal.getvalue() and "loss 0.5" in terminal.getvalue()
