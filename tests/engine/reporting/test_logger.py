"""The log on the console and in a file."""
from light_head_rcnn.engine.reporting.logger import open_logger


def test_the_logger_writes_a_file_and_the_console_once(tmp_path, capsys):
    open_logger(tmp_path / "run")
    logger = open_logger(tmp_path / "run")
    logger.info("hello %d", 7)
    assert capsys.readouterr().err.count("hello 7") == 1
    assert (tmp_path / "run" / "train.log").read_text().count("hello 7") == 1
