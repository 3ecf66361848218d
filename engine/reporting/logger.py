"""The logger of the package: lines on the console and in a file."""
import contextlib
import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Optional

from tqdm import tqdm

from ...data.files.plain_names import printable
from ..files import PathLike, refuse_link, storage_errors

_NAME = "light_head_rcnn"


def open_logger(folder: Optional[PathLike] = None, filename: str = "train.log") -> logging.Logger:
    """Sets up the logger of the package and returns it.

    It writes to stderr, where its lines do not break a progress bar, and to a file if a folder is given. The handlers
    that an earlier call set up are removed and closed first, so that no line appears twice; those of the program around
    stay.

    Args:
        folder: folder of the log file, made if it does not exist; None writes to stderr alone.
        filename: name of the log file in `folder`. Lines are added to a file that exists; each begins with date and
            time.

    Returns:
        The logger "light_head_rcnn", with the level INFO.
    """
    logger = logging.getLogger(_NAME)
    for handler in list(logger.handlers):
        if isinstance(handler, (_ConsoleHandler, _LogFile)):
            logger.removeHandler(handler)
            handler.close()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_ConsoleHandler())
    if folder is not None:
        logger.addHandler(_file_handler(folder, filename))
    return logger


class HeldLogFile:
    """A log file that is not begun before it is known that there is something to log: a start that fails leaves none.

    It is a context manager, at whose end the file is closed, or the held lines are forgotten where it was not begun.

    Args:
        logger: lines that it takes from now on are held.
    """

    def __init__(self, logger: logging.Logger):
        self._logger = logger
        self._handler = logging.handlers.MemoryHandler(capacity=100000, flushLevel=logging.CRITICAL + 1)
        logger.addHandler(self._handler)

    def __enter__(self) -> "HeldLogFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._remove_handler()

    def begin(self, folder: PathLike, filename: str = "train.log") -> None:
        """Writes the held lines to a file, and all that follow."""
        file = _file_handler(folder, filename)
        self._handler.setTarget(file)
        self._remove_handler()
        self._handler = file
        self._logger.addHandler(file)

    def _remove_handler(self) -> None:
        self._logger.removeHandler(self._handler)
        self._handler.close()  # hands the held lines on, where there is a file


def _file_handler(folder: PathLike, filename: str) -> logging.Handler:
    with storage_errors(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    refuse_link(Path(folder) / filename)
    with storage_errors(Path(folder) / filename, folder):
        file = _LogFile(Path(folder) / filename, encoding="utf-8")
    file.setFormatter(_Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    return file


class _Formatter(logging.Formatter):
    """Writes control characters, which names of images and classes may have, as \\x1b."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


class _LogFile(logging.FileHandler):
    """A log file that says once on the console that it cannot be written: a full disk there ends nothing."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            tqdm.write(f"{self.baseFilename} cannot be written ({error.strerror}): its lines are lost until there is "
                       "room", file=sys.stderr)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _ConsoleHandler(logging.Handler):
    """Writes log lines to stderr; `tqdm.write` moves a progress bar out of the way and draws it again below."""

    def __init__(self):
        super().__init__()
        self.setFormatter(_Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)
