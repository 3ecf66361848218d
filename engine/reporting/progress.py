"""The progress of a training: a bar on a terminal, and log lines."""
import logging
import sys
import time
from typing import Any, Union

from tqdm import tqdm

from ...process_memory import resident_megabytes
from ...progress import ProgressBar


class Progress:
    """Shows how far a training has come: on a terminal as a bar, and every few steps as a log line, on a terminal too.

    Both tell the time that is left and the memory that this process has in use.

    Args:
        total: steps of the whole training.
        done: steps that are completed already.
        logger: takes the log lines.
        every: steps between two log lines. The last step always has one.

    Example::

        with Progress(total=1000, done=0, logger=logger, every=20) as progress:
            ...
            progress.update(1, images=2, seconds=0.4, loss=2.5, epoch=0)
    """

    def __init__(self, total: int, done: int, logger: logging.Logger, every: int):
        self._total, self._start, self._logger, self._every = total, done, logger, every
        self._began = time.monotonic()
        self._images, self._seconds = 0, 0.0
        # The log lines are there without a terminal too.
        self._bar = ProgressBar(total=total, initial=done, disable=None if sys.stderr.isatty() else True,
                                dynamic_ncols=True, unit="step", smoothing=0.1)

    def update(self, step: int, images: int = 0, seconds: float = 0.0, **values: Union[int, float, str]) -> None:
        """Reports a completed step.

        Args:
            step: number of completed steps, this one included.
            images: images of this step.
            seconds: duration of this step. Bar and log line show as images/s the images of all steps since the last
                log line divided by the duration of those steps; nothing is shown if no step had a duration.
            values: named values of this step to show, such as losses.
        """
        self._images += images
        self._seconds += seconds
        if self._seconds > 0:
            values["images/s"] = self._images / self._seconds
        shown = "  ".join(f"{name} {_shorten(value)}" for name, value in values.items())
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update(step - self._bar.n)
        if step % self._every == 0 or step == self._total:
            left = (time.monotonic() - self._began) / max(step - self._start, 1) * (self._total - step)
            self._logger.info("step %d/%d  %s  %s left  %.0f MB in use", step, self._total, shown,
                              tqdm.format_interval(left), resident_megabytes())
            self._images, self._seconds = 0, 0.0

    def close(self) -> None:
        """Closes the bar; on a terminal it stays visible as it is."""
        self._bar.close()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _shorten(value: Union[int, float, str]) -> str:
    return str(value) if isinstance(value, (int, str)) else f"{value:.4g}"
