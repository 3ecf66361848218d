"""What a hook of a trainer is, and what it may ask of the trainer."""
from typing import Any, Dict, NamedTuple, Optional, Protocol


class StepReport(NamedTuple):
    """What one step did."""

    step: int  # completed steps, this one included
    epoch: int  # number of the running epoch, from 0
    metrics: Dict[str, float]  # "loss" among them
    learning_rate: float
    images: int  # all devices together
    seconds: float  # since the step before


class RunningTrainer(Protocol):
    """What hooks use of a `trainer.Trainer`, which documents each."""

    objective: Any
    optimizer: Any
    step: int
    total: int
    steps_per_epoch: int
    epoch: int
    stop_reason: Optional[str]

    def stop(self, reason: str) -> None:
        """Ends the training after the running step or epoch."""

    def report_test(self, metrics: Dict[str, float]) -> None:
        """Tells all hooks the figures of a test."""


class Hook:
    """Base class of hooks; each method does nothing unless a subclass says what."""

    def before_training(self, trainer: RunningTrainer) -> None:
        """Is called once, before the first step."""

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        """Is called after each step."""

    def after_epoch(self, trainer: RunningTrainer) -> None:
        """Is called after each whole epoch."""

    def after_test(self, trainer: RunningTrainer, metrics: Dict[str, float]) -> None:
        """Is called after each test with its figures, such as {"AP": 0.31, "AP50": 0.55}."""

    def close(self, trainer: RunningTrainer) -> None:
        """Is called once, at the end of the training or after an error, to release files."""
