"""Hooks that log the steps and faults of a training, draw curves, test between epochs, and stop early."""
import logging
import math
import time
from pathlib import Path
from typing import Callable, Dict, Iterable, Optional

from ...data import TrainLoader
from ..reporting.curves import plot_losses
from ..reporting.progress import Progress
from ..reporting.scalars import ScalarLog
from .hook import Hook, RunningTrainer, StepReport

_LOGGER = logging.getLogger(__name__)
DRAW_SECONDS = 30  # drawing a picture takes about half a second, as long as an epoch of a few images
LOSSES_FILE = "losses.jsonl"
_TEST = "test_"  # begins the names of the figures of tests
_TEST_FIGURES = ("AP", "AP50", "top1", "top5")  # of detectors, and of classifiers


def is_test_figure(name: str) -> bool:
    """True where a name in a line of losses.jsonl is that of a test's figure."""
    return name.startswith(_TEST)


class LogHook(Hook):
    """Shows a progress bar on a terminal, and writes a log line every few steps.

    Args:
        logger: takes the lines.
        every: steps between two lines.
    """

    def __init__(self, logger: logging.Logger, every: int):
        self._logger, self._every = logger, every
        self._progress: Optional[Progress] = None

    def before_training(self, trainer: RunningTrainer) -> None:
        self._progress = Progress(trainer.total, trainer.step, self._logger, self._every)

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        self._progress.update(report.step, report.images, report.seconds, epoch=report.epoch, **report.metrics)

    def close(self, trainer: RunningTrainer) -> None:
        if self._progress is not None:
            self._progress.close()
        if trainer.stop_reason is not None:
            self._logger.info("training ends after step %d of %d: %s", trainer.step, trainer.total,
                              trainer.stop_reason)


class ScalarsHook(Hook):
    """Writes the numbers of every step and test to losses.jsonl and to TensorBoard, and draws them to losses.png.

    The picture is drawn at the end of the training, when all else is saved, and after an epoch or a test where the last
    one is older than half a minute.

    Args:
        folder: takes the files.
    """

    def __init__(self, folder: Path):
        self._folder = Path(folder)
        self._scalars: Optional[ScalarLog] = None
        self._drawn_at = time.monotonic()
        self._is_drawn = True  # false where there is a number that the picture lacks

    def before_training(self, trainer: RunningTrainer) -> None:
        self._scalars = ScalarLog(self._folder / LOSSES_FILE, trainer.step, self._folder / "tensorboard")

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        self._write(report.step, epoch=report.epoch, lr=report.learning_rate,
                    images_per_second=report.images / report.seconds, **report.metrics)

    def after_epoch(self, trainer: RunningTrainer) -> None:
        self._draw_if_due()

    def after_test(self, trainer: RunningTrainer, metrics: Dict[str, float]) -> None:
        figures = {_TEST + name: metrics[name] for name in _TEST_FIGURES if name in metrics}
        if figures:
            self._write(trainer.step, epoch=trainer.epoch - 1, **figures)
            self._draw_if_due()

    def close(self, trainer: RunningTrainer) -> None:
        if self._scalars is not None:
            self._scalars.close()

    def after_close(self, trainer: RunningTrainer) -> None:
        if not self._is_drawn:
            self._draw()

    def _write(self, step: int, **numbers: float) -> None:
        self._scalars.write(step, **numbers)
        self._is_drawn = False

    def _draw_if_due(self) -> None:
        if time.monotonic() - self._drawn_at >= DRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        try:
            plot_losses(self._folder / LOSSES_FILE, self._folder / "losses.png")
        except OSError as error:  # a picture is not worth the end of a training
            _LOGGER.warning("the curves are not drawn: %s", error)
        self._drawn_at, self._is_drawn = time.monotonic(), True


class UnreadableHook(Hook):
    """Tells of each image that cannot be read when a batch needs it, once, and of all of them at the end.

    Args:
        loader: replaces such images.
        logger: takes the lines.
    """

    def __init__(self, loader: TrainLoader, logger: logging.Logger):
        self._loader, self._logger, self._told = loader, logger, 0

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        for message in list(self._loader.unreadable.values())[self._told:]:
            self._logger.warning("%s; another image takes its place", message)
        self._told = len(self._loader.unreadable)

    def close(self, trainer: RunningTrainer) -> None:
        if self._loader.unreadable:
            self._logger.warning("images that could not be read: %d; others took their places in batches %d times",
                                 len(self._loader.unreadable), self._loader.replaced)


class TestHook(Hook):
    """Tests the network after some epochs, and after the last one.

    Args:
        test: function that tests the network and writes to the folder that it is given the name of, such as
            "test-epoch-0004", or "test" after the last epoch; it returns the metrics, or None where there are none.
        every: epochs between two tests; 0 tests after the last epoch alone.
        is_owed: the run that this training continues was stopped in the test after its last epoch, which is made now.
    """

    __test__ = False  # pytest must not take the class for a test

    def __init__(self, test: Callable[[str], Optional[Dict[str, float]]], every: int = 0, is_owed: bool = False):
        self._test, self._every, self._is_owed = test, every, is_owed

    def before_training(self, trainer: RunningTrainer) -> None:
        if self._is_owed:
            self.after_epoch(trainer)

    def after_epoch(self, trainer: RunningTrainer) -> None:
        is_last = trainer.step >= trainer.total
        if is_last or self._every and trainer.epoch % self._every == 0:
            with trainer.interruptible():
                metrics = self._test("test" if is_last else f"test-epoch-{trainer.epoch:04d}")
            if metrics is not None:
                trainer.report_test(metrics)


class EarlyStoppingHook(Hook):
    """Ends the training when the tests no longer get better.

    Args:
        metric: figure of the tests that must grow, such as "AP".
        patience: the training ends after so many tests in a row that are no better than the best before them.
        earlier: the metric in the tests of an earlier run that this training continues, in their order.
    """

    def __init__(self, metric: str, patience: int, earlier: Iterable[Optional[float]] = ()):
        self._metric, self._patience = metric, patience
        self._best, self._tests_since = float("-inf"), 0
        for value in earlier:
            self._count(value)

    def before_training(self, trainer: RunningTrainer) -> None:
        self._stop_if_due(trainer)

    def after_test(self, trainer: RunningTrainer, metrics: Dict[str, float]) -> None:
        self._count(metrics.get(self._metric))
        self._stop_if_due(trainer)

    def _stop_if_due(self, trainer: RunningTrainer) -> None:
        if self._tests_since >= self._patience:
            trainer.stop(f"the last {self._tests_since} tests were no better than {self._metric} {self._best:.4f}; "
                         "--extend goes on")

    def _count(self, value: Optional[float]) -> None:
        if value is None or math.isnan(value):
            return
        self._tests_since = 0 if value > self._best else self._tests_since + 1
        self._best = max(self._best, value)
