"""The base class of a trainer's hooks, and what a hook can use of the trainer."""
from typing import Any, ContextManager, Dict, NamedTuple, Optional, Protocol


class StepReport(NamedTuple):
    """Numbers of one training step."""

    step: int  # completed steps, this one included
    epoch: int  # number of the current epoch, counted from 0
    metrics: Dict[str, float]  # "loss" among them
    learning_rate: float
    images: int  # in the batch, all devices together
    seconds: float  # from the end of the step before to the end of this one


class RunningTrainer(Protocol):
    """The attributes and methods of `trainer.Trainer` that hooks use; they are described there."""

    objective: Any
    optimizer: Any
    step: int
    total: int
    steps_per_epoch: int
    epoch: int
    stop_reason: Optional[str]
    group: Any
    exit_status: int
    is_interruptible: bool

    def stop(self, reason: str, exit_status: int = 0) -> None:
        """Ends the training after the current step or epoch."""

    def interruptible(self) -> ContextManager[None]:
        """Context manager of a block that a signal that ends the training gives up."""

    def report_test(self, metrics: Dict[str, float]) -> None:
        """Tells all hooks the metrics of a test."""


class Hook:
    """Base class of hooks; each method does nothing unless a subclass says what."""

    def before_training(self, trainer: RunningTrainer) -> None:
        """Is called once, before the first step."""

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        """Is called after each step."""

    def after_epoch(self, trainer: RunningTrainer) -> None:
        """Is called after each whole epoch."""

    def after_test(self, trainer: RunningTrainer, metrics: Dict[str, float]) -> None:
        """Is called after each test with its metrics, such as {"AP": 0.31, "AP50": 0.55}."""

    def close(self, trainer: RunningTrainer) -> None:
        """Is called once, at the end of the training or after an error, to release files."""

    def after_close(self, trainer: RunningTrainer) -> None:
        """Is called once, when all hooks have been closed."""
