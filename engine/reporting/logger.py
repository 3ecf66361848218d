"""The logger of the project."""
import logging
import sys
from pathlib import Path

from tqdm import tqdm

_NAME = "light_head_rcnn"


def open_logger(folder=None, filename="train.log"):
    """The project's logger, to stderr, without breaking a progress bar, and with `folder` appending to a file there.

    Handlers of an earlier call are closed first.
    """
    logger = logging.getLogger(_NAME)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_BarHandler())
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(Path(folder) / filename, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        logger.addHandler(file)
    return logger


class _BarHandler(logging.Handler):
    def emit(self, record):
        tqdm.write(self.format(record), file=sys.stderr)
