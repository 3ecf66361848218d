"""Progress on a terminal and as log lines."""
import io
import sys

from light_head_rcnn.engine.reporting.logger import open_logger
from light_head_rcnn.engine.reporting.progress import Progress


def test_progress_without_a_terminal_is_lines(tmp_path, capsys):
    with Progress(7, 2, open_logger(), every=2) as progress:
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
    with Progress(4, 0, open_logger(), every=100) as progress:
        for step in range(1, 5):
            progress.update(step, loss=0.5)
    assert "4/4" in terminal.getvalue() and "loss 0.5" in terminal.getvalue()
