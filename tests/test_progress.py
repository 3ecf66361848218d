"""Long work without a terminal writes lines now and then; on one it is a bar. Both tell the memory."""
import io
import logging
import re
import sys

import pytest
from light_head_rcnn import progress
from light_head_rcnn.progress import ProgressBar


@pytest.fixture
def clock(monkeypatch):
    """A list with the time that the bar sees."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def work(clock, seconds, **options):
    for _ in ProgressBar(range(1000), desc="testing", unit="image", **options):
        clock[0] += seconds


def test_lines_are_few_and_tell_the_time_left_and_the_memory(clock, caplog):
    caplog.set_level(logging.INFO, "light_head_rcnn")
    work(clock, 10.0)
    assert re.fullmatch(r"testing: \d+ of 1000 images, [\d:]+ left, \d+ MB in use", caplog.messages[0])
    first, second = (int(line.split()[1]) for line in caplog.messages[:2])
    assert (first, second) == (3, 9) and len(caplog.messages) < 45
    assert "testing: 3 of 1000 images, 2:46:10 left" in caplog.messages[0]


def test_short_work_and_unwanted_progress_are_silent(clock, caplog, capsys):
    caplog.set_level(logging.INFO, "light_head_rcnn")
    work(clock, 0.02)
    work(clock, 10.0, disable=True)
    assert not caplog.messages and not capsys.readouterr().err


def test_without_a_log_lines_go_to_stderr(clock, capsys, monkeypatch):
    monkeypatch.setattr(progress._LOGGER, "level", logging.WARNING)
    progress._LOGGER.manager._clear_cache()
    bar = ProgressBar(total=100, initial=40, unit="image")
    for _ in range(4):
        clock[0] += 20
        bar.update(5)
    assert re.fullmatch(r"50 of 100 images, 03:20 left, \d+ MB in use\n", capsys.readouterr().err)


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(ProgressBar(range(3), desc="testing")) == [0, 1, 2]
    assert "3/3" in sys.stderr.getvalue() and re.search(r"\d+ MB", sys.stderr.getvalue())
