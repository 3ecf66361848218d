"""Progress on a terminal and as log lines."""
import io
import re
import sys

from light_head_rcnn.engine.reporting import progress as progress_module
from light_head_rcnn.engine.reporting.logger import open_logger
from light_head_rcnn.engine.reporting.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_without_a_terminal_is_lines(capsys):
    with Progress(7, 2, open_logger(), every=2) as progress:
        for step in range(3, 8):
            progress.update(step, loss=0.123456, epoch=1)
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line.split()[1] for line in lines] == ["4/7", "6/7", "7/7"]
    assert "loss 0.1235" in lines[0] and "epoch 1" in lines[0] and re.search(r"left  \d+ MB in use$", lines[0])
    assert "images/s" not in lines[0]


def test_images_a_second_are_a_mean_since_the_last_line(capsys):
    seconds = [1, 9, 0.25, 0.75, 2]
    with Progress(5, 0, open_logger(), every=2) as progress:
        for step, duration in enumerate(seconds, 1):
            progress.update(step, images=4, seconds=duration, loss=1.0)
    lines = capsys.readouterr().err.strip().splitlines()
    # 8 images in 10 s, 8 images in 1 s, 4 images in 2 s; a mean of the steps' own speeds would be 2.22, 10.67, 2.
    assert [float(re.search(r"images/s (\S+)", line)[1]) for line in lines] == [0.8, 8, 2]


def test_the_time_left_goes_by_the_steps_of_this_run(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    with Progress(1000, 400, open_logger(), every=100) as progress:
        for step in range(401, 501):
            now[0] += 0.5
            progress.update(step)
    # 100 steps took 50 s; 500 are left.
    assert "  04:10 left  " in capsys.readouterr().err


def test_progress_on_a_terminal_is_a_bar_with_losses(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(4, 0, open_logger(), every=100) as progress:
        for step in range(1, 5):
            progress.update(step, images=1, seconds=0.5, loss=0.5)
    assert "4/4" in terminal.getvalue() and "loss 0.5" in terminal.getvalue() and "images/s 2" in terminal.getvalue()


def test_the_bar_of_a_resumed_run_begins_where_it_was(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(4, 2, open_logger(), every=100):
        pass
    assert "2/4" in terminal.getvalue() and "0/4" not in terminal.getvalue()
