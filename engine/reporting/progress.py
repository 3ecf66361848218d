"""The progress of a training, as a bar on a terminal and as log lines."""
import time

from tqdm import tqdm


class Progress:
    """A bar with losses and time left on a terminal; elsewhere the log lines alone, which come in either case.

    Parameters
    ----------
    total, done : int
        Steps of the whole training, and how many of them are completed already.
    logger : logging.Logger
    every : int
        Steps between two log lines.
    """

    def __init__(self, total, done, logger, every):
        self._total, self._start, self._logger, self._every = total, done, logger, every
        self._began = time.monotonic()
        self._bar = tqdm(total=total, initial=done, disable=None, dynamic_ncols=True, unit="step", smoothing=0.1)

    def update(self, step, **values):
        """Says that `step` steps are completed; `values` are shown."""
        shown = "  ".join(f"{name} {_short(value)}" for name, value in values.items())
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update(step - self._bar.n)
        if step % self._every == 0 or step == self._total:
            left = (time.monotonic() - self._began) / max(step - self._start, 1) * (self._total - step)
            self._logger.info("step %d/%d  %s  %s left", step, self._total, shown, tqdm.format_interval(left))

    def close(self):
        """Leaves the bar as it stands."""
        self._bar.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _short(value):
    return str(value) if isinstance(value, (int, str)) else f"{value:.4g}"
