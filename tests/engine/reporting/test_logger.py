"""The log on the console and in a file."""
import io
import logging
import re
import sys

import pytest
from tqdm import tqdm

from light_head_rcnn.engine.reporting.logger import HeldLogFile, open_logger


def test_the_logger_writes_a_file_and_the_console_once(tmp_path, capsys):
    open_logger(tmp_path / "run")
    logger = open_logger(tmp_path / "run")
    logger.info("hello %d", 7)
    logger.debug("not shown")
    shown = capsys.readouterr()
    assert shown.err == "hello 7\n" and shown.out == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d hello 7\n", (tmp_path / "run" / "train.log").read_text())


def test_the_file_grows_until_another_one_is_opened(tmp_path):
    open_logger(tmp_path).info("first")
    open_logger(tmp_path).info("second")
    open_logger(tmp_path, "test.log").info("third")
    open_logger().info("on the console alone")
    assert [line.split()[2] for line in (tmp_path / "train.log").read_text().splitlines()] == ["first", "second"]
    assert (tmp_path / "test.log").read_text().endswith("third\n")


def test_handlers_of_the_program_around_do_not_write_the_lines_again(caplog, capsys):
    open_logger().info("hello")
    assert caplog.messages == [] and capsys.readouterr().err == "hello\n"


def test_loggers_of_modules_are_heard(capsys):
    logger = open_logger().getChild("engine.reporting.scalars")
    logger.info("from a module")
    assert capsys.readouterr().err == "from a module\n"


def test_a_line_does_not_break_a_progress_bar(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    logger = open_logger()
    with tqdm(total=2, file=terminal, ncols=40, mininterval=0) as bar:
        bar.update()
        logger.info("a line")
    # The bar is wiped out, the line written, and the bar drawn again.
    assert re.search(r"\r +\ra line\n\r[^\n]*1/2", terminal.getvalue())


def test_a_held_log_file_has_all_lines_and_is_not_there_before_it_begins(tmp_path, capsys):
    logger = open_logger()
    with HeldLogFile(logger) as file:
        logger.info("before %d", 1)
        assert list(tmp_path.iterdir()) == []
        file.begin(tmp_path / "run")
        logger.info("after")
    lines = (tmp_path / "run" / "train.log").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["before 1", "after"]
    assert capsys.readouterr().err == "before 1\nafter\n"


@pytest.mark.parametrize("begins", [False, True])
def test_a_held_log_file_leaves_no_handler_behind(tmp_path, begins):
    logger = open_logger()
    handlers = list(logger.handlers)
    with pytest.raises(ZeroDivisionError), HeldLogFile(logger) as file:
        if begins:
            file.begin(tmp_path)
        taken = logger.handlers[-1]
        raise ZeroDivisionError
    logger.info("of another run")
    assert logger.handlers == handlers
    assert getattr(taken, "stream", None) is None and getattr(taken, "target", None) is None
    assert [file.read_text() for file in tmp_path.iterdir()] == [""] * begins


def test_handlers_that_the_program_around_has_added_stay(tmp_path):
    heard = io.StringIO()
    theirs = logging.StreamHandler(heard)
    logger = logging.getLogger("light_head_rcnn")
    logger.addHandler(theirs)
    open_logger(tmp_path)
    open_logger().info("hello")
    assert heard.getvalue() == "hello\n" and theirs in logger.handlers and len(logger.handlers) == 2


def test_a_full_disk_is_told_once_and_ends_nothing(tmp_path, capsys):
    logger = open_logger(tmp_path)
    file = logger.handlers[-1]
    file.stream, stream = open("/dev/full", "w"), file.stream
    logger.info("one")
    logger.info("two")
    error = capsys.readouterr().err
    assert error.count("train.log cannot be written (No space left on device)") == 1 and "Traceback" not in error
    assert error.endswith("two\n")
    file.stream = stream
    logger.info("three")
    assert (tmp_path / "train.log").read_text().endswith("three\n")
