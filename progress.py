"""Shows how far long work has come: a bar on a terminal, lines now and then elsewhere; with time left and memory."""
import logging
import sys
import time
from typing import Any, Dict, Iterator

from tqdm import tqdm

from .process_memory import resident_megabytes

_LOGGER = logging.getLogger("light_head_rcnn")
_FIRST, _LEAST = 30.0, 60.0  # seconds before the first line, and between two of them at least
_SHARE = 0.1  # of the time so far between two lines: work of ten hours writes some fifty


class ProgressBar(tqdm):
    """A bar of tqdm that also shows the memory of this process; called as tqdm is, with `total` or an iterable.

    Where stderr is no terminal, and `disable` is None or not given, there is no bar: a line is written when the work
    has taken half a minute, and then every minute or more seldom, to the log of the package if that shows such lines,
    else to stderr.
    """

    def __init__(self, *arguments: Any, **options: Any):
        options.setdefault("disable", None)
        super().__init__(*arguments, **options)
        self._writes_lines = options["disable"] is None and self.disable
        self._words = options
        self._done = self._start = int(options.get("initial", 0))
        self._began = time.monotonic()
        self._next_line = self._began + _FIRST

    def __iter__(self) -> Iterator[Any]:
        if not self._writes_lines:
            yield from super().__iter__()
            return
        for item in self.iterable:
            yield item
            self.update()

    def update(self, n: float = 1) -> Any:
        """Counts so many more; see tqdm."""
        if not self._writes_lines:
            return super().update(n)
        self._done += n
        now = time.monotonic()
        if now >= self._next_line and self._done > self._start:
            self._next_line = now + max(_LEAST, _SHARE * (now - self._began))
            self._write_line(now - self._began)
        return None

    @property
    def format_dict(self) -> Dict[str, Any]:
        """What the bar is made of; see tqdm."""
        shown = super().format_dict
        memory = f"{resident_megabytes():.0f} MB"
        return dict(shown, postfix=f"{shown['postfix']}, {memory}" if shown.get("postfix") else memory)

    def _write_line(self, seconds: float) -> None:
        total, unit = self._words.get("total"), self._words.get("unit", "it")
        if total is None and hasattr(self.iterable, "__len__"):
            total = len(self.iterable)
        name = f"{self._words['desc']}: " if self._words.get("desc") else ""
        of = f" of {total:.0f}" if total else ""
        left = ""
        if total:
            left = f", {tqdm.format_interval(seconds / (self._done - self._start) * (total - self._done))} left"
        line = f"{name}{self._done:.0f}{of} {unit}s{left}, {resident_megabytes():.0f} MB in use"
        if _LOGGER.isEnabledFor(logging.INFO) and _LOGGER.hasHandlers():
            _LOGGER.info("%s", line)
        else:
            print(line, file=sys.stderr, flush=True)
