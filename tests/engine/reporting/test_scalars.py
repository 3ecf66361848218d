"""Scalars survive a killed run, and the log says what becomes of TensorBoard's events."""
import json
import logging
import sys
import threading
import types

import numpy as np
import pytest

from light_head_rcnn.engine.reporting.scalars import ScalarLog, read_scalars
from light_head_rcnn.errors import DataError

LOGGER = "light_head_rcnn.engine.reporting.scalars"


class FakeWriter:
    """Stands in for tensorboardX's SummaryWriter."""

    opened = []

    def __init__(self, folder, purge_step=None):
        self.folder, self.purge_step, self.scalars, self.closed = folder, purge_step, [], False
        self.opened.append(self)

    def add_scalar(self, name, value, step):
        self.scalars.append((name, value, step))

    def close(self):
        self.closed = True


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
    log.write(1, test_AP=0.25)
    assert read_scalars(tmp_path / "losses.jsonl") == [{"step": 1, "loss": 2}, {"step": 1, "test_AP": 0.25}]
    log.close()


def test_a_value_that_is_not_finite_is_null(tmp_path):
    path = tmp_path / "losses.jsonl"
    with ScalarLog(path) as log:
        log.write(1, test_AP=float("nan"), loss=float("inf"))
    assert path.read_text() == '{"step": 1, "test_AP": null, "loss": null}\n'
    with ScalarLog(path, start_step=1):
        pass
    assert read_scalars(path) == [{"step": 1, "test_AP": None, "loss": None}]


def test_whole_numbers_stay_whole(tmp_path):
    with ScalarLog(tmp_path / "losses.jsonl") as log:
        log.write(1, epoch=0, loss=np.float32(0.5))
    assert (tmp_path / "losses.jsonl").read_text() == '{"step": 1, "epoch": 0, "loss": 0.5}\n'


@pytest.mark.parametrize("line", ["nonsense", "7", "[1]", '{"loss": 2}', '{"step": "one"}', "", "\xff"])
def test_a_broken_line_is_named(tmp_path, line):
    path = tmp_path / "losses.jsonl"
    path.write_text('{"step": 1}\n' + line + '\n{"step": 3}\n', encoding="latin-1")
    with pytest.raises(DataError, match=r"losses\.jsonl, line 2"):
        read_scalars(path)
    with pytest.raises(DataError, match=r"losses\.jsonl, line 2"):
        ScalarLog(path, start_step=3)


def test_tensorboard_events(tmp_path, caplog):
    pytest.importorskip("tensorboardX")
    with caplog.at_level(logging.INFO, LOGGER), \
            ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board") as log:
        log.write(1, loss=0.25)
        log.write(2, loss=0.25)
    events = list((tmp_path / "board").glob("events*"))
    assert len(events) == 1 and b"loss" in events[0].read_bytes()
    assert caplog.messages.count(f"TensorBoard: writing to {tmp_path / 'board'}; to look at it: "
                                 f"tensorboard --logdir {tmp_path / 'board'}") == 1


@pytest.mark.parametrize("start_step, purge_step", [(0, None), (4, 5)])
def test_tensorboard_gets_every_value_and_forgets_later_steps(tmp_path, monkeypatch, start_step, purge_step):
    monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace(SummaryWriter=FakeWriter))
    with ScalarLog(tmp_path / "a.jsonl", start_step, tensorboard=tmp_path / "board") as log:
        log.write(5, loss=0.25, epoch=1)
        log.write(5, test_AP=0.5)
    writer = FakeWriter.opened.pop()
    assert (writer.folder, writer.purge_step, writer.closed) == (str(tmp_path / "board"), purge_step, True)
    assert writer.scalars == [("loss", 0.25, 5), ("epoch", 1, 5), ("test_AP", 0.5, 5)]


def test_without_tensorboard_the_log_says_how_to_have_it(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with caplog.at_level(logging.INFO, LOGGER), \
            ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board") as log:
        log.write(1, loss=0.25)
        log.write(2, loss=0.25)
    assert not (tmp_path / "board").exists() and len(read_scalars(tmp_path / "a.jsonl")) == 2
    assert len(caplog.messages) == 1 and "pip install tensorboardX" in caplog.messages[0]


def test_a_broken_tensorboard_does_not_end_a_training(tmp_path, monkeypatch, caplog):
    (tmp_path / "tensorboardX.py").write_text("raise AttributeError('module torch has no attribute Tensor')")
    monkeypatch.delitem(sys.modules, "tensorboardX", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with caplog.at_level(logging.INFO, LOGGER), ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board"):
        pass
    assert len(caplog.messages) == 1 and "cannot be imported: AttributeError" in caplog.messages[0]


def test_nothing_is_said_where_no_events_are_asked_for(tmp_path, caplog):
    with caplog.at_level(logging.INFO, LOGGER), ScalarLog(tmp_path / "a.jsonl"):
        pass
    assert not caplog.messages


def test_lines_wait_where_the_disk_is_full(tmp_path, caplog):
    with ScalarLog(tmp_path / "a.jsonl") as log:
        log.write(1, loss=1)
        file = log._file
        log._file = open("/dev/full", "ab", buffering=0)
        log.write(2, loss=2)
        log.write(3, loss=3)
        log._file.close()
        log._file = file
        assert [line["step"] for line in read_scalars(tmp_path / "a.jsonl")] == [1]
        log.write(4, loss=4)
        assert [line["step"] for line in read_scalars(tmp_path / "a.jsonl")] == [1, 2, 3, 4]
    warned, = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "a.jsonl cannot be written (No space left on device): its lines are kept, and written when there" in warned


def test_half_a_line_does_not_stay(tmp_path):
    class Narrow:
        def __init__(self, file, room):
            self._file, self._room = file, room

        def write(self, content):
            return self._file.write(content[:self._room])

        def __getattr__(self, name):
            return getattr(self._file, name)

    with ScalarLog(tmp_path / "a.jsonl") as log:
        log.write(1, loss=1)
        file, log._file = log._file, Narrow(log._file, 10)
        log.write(2, loss=2)
        assert len((tmp_path / "a.jsonl").read_bytes().splitlines()) == 1
        log._file = file
    assert [line["loss"] for line in read_scalars(tmp_path / "a.jsonl")] == [1, 2]


def test_the_lines_of_another_run_are_not_overwritten(tmp_path):
    for number in range(3):
        with ScalarLog(tmp_path / "losses.jsonl") as log:
            log.write(1, loss=number)
    with ScalarLog(tmp_path / "losses.jsonl", start_step=1) as log:
        log.write(2, loss=9)
    found = {path.name: [line["loss"] for line in read_scalars(path)] for path in tmp_path.iterdir()}
    assert found == {"losses-1.jsonl": [0], "losses-2.jsonl": [1], "losses.jsonl": [2, 9]}


def test_a_thread_of_events_that_has_ended_does_not_hang_the_training(tmp_path, monkeypatch, caplog):
    """Its queue would fill up, and block."""
    pytest.importorskip("tensorboardX")
    from tensorboardX.event_file_writer import EventsWriter

    def fail(self, event):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    with ScalarLog(tmp_path / "a.jsonl", tensorboard=tmp_path / "board") as log:
        monkeypatch.setattr(EventsWriter, "write_event", fail)
        log.write(1, loss=1.0)
        log._writer._writer.file_writer.event_writer._worker.join(10)
        for step in range(2, 40):
            log.write(step, loss=1.0)
    assert caplog.text.count("no more events are written, because their file cannot be") == 1
