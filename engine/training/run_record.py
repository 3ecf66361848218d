"""run.json: everything about a training in one file in its folder, from the first attempt to the last."""
import json
import logging
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Type

from ...errors import DataError
from ...process_memory import peak_megabytes, resident_megabytes, workers_megabytes
from ..files import write_json
from ..reporting.scalars import read_scalars
from .hook import Hook, RunningTrainer, StepReport
from .hooks import LOSSES_FILE

RUN_FILE = "run.json"
UNKNOWN = "unknown: it ended without a word, killed or together with the machine"
_LOGGER = logging.getLogger("light_head_rcnn")
_VERSION = 1


class RunRecord(Hook):
    """Writes run.json: at the start, after each epoch and test, and at the end.

    It is a context manager around the training, which notes how that ends, and a hook that must stand before the one
    that tests. The file holds

    - "configuration": all keys with their values, of the last attempt;
    - "attempts": each start and each resume, with "command", "working_folder", "process", "versions", "checkout",
      "machine", "environment", "devices", "started", "ended" (local time with its distance from UTC), "first_step",
      "last_step", "total_steps", "reason", "changed" (keys that have other values than in the attempt before);
    - "data": what was read, by "train" and "test", see `surroundings.data_summary`;
    - "epochs": of each whole epoch its number, counted from 0, its steps, the means of its losses, the last learning
      rate, images per second, megabytes, and the metrics of its test.

    The reason of an end is "finished", "stopped: ..." or "error: ...". An attempt that was killed has none; the next
    one writes `UNKNOWN` there, with the last step that losses.jsonl has.

    Args:
        folder: of the run.
        configuration: from `saved_config`.
        facts: further entries of the attempt, from `surroundings.describe_process`.
        summaries: entries of "data".
    """

    def __init__(self, folder: Path, configuration: Mapping[str, Any], facts: Mapping[str, Any],
                 summaries: Mapping[str, Any]):
        self._folder, self._path = Path(folder), Path(folder) / RUN_FILE
        self._content = self._earlier()
        before = self._content.get("configuration", {})
        changed = {key: [before.get(key), value] for key, value in configuration.items() if before.get(key) != value}
        self._attempt: Dict[str, Any] = {
            **facts, "started": _now(), "ended": None, "reason": None, "changed": changed if before else {}}
        self._content.update(version=_VERSION, configuration=dict(configuration), data=dict(summaries))
        self._sums: Dict[str, List[float]] = {}
        self._images = self._seconds = 0.0
        self._skipped, self._epoch_began = 0, time.monotonic()
        self._trainer: Optional[RunningTrainer] = None

    def __enter__(self) -> "RunRecord":
        for attempt in self._content["attempts"]:
            if attempt.get("ended") is None and attempt.get("reason") is None:
                attempt.update(reason=UNKNOWN, last_step=self._last_written_step())
                _LOGGER.info("the attempt of %s to train here ended without a word, killed or together with the "
                             "machine, after step %s or later", attempt.get("started"), attempt["last_step"])
        self._content["attempts"].append(self._attempt)
        self._write()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        trainer = self._trainer
        if error is not None:
            text = " ".join(str(error).split())
            reason = f"stopped: {kind.__name__}" if not isinstance(error, Exception) else f"error: {kind.__name__}"
            self._attempt["reason"] = f"{reason}: {text}" if text else reason
        elif trainer is not None and trainer.stop_reason is not None:
            self._attempt["reason"] = f"stopped: {trainer.stop_reason}"
        else:
            self._attempt["reason"] = "finished"
        if trainer is not None:
            self._attempt.update(last_step=trainer.step, exit_status=trainer.exit_status)
        self._attempt.update(ended=_now(), peak_mb=round(peak_megabytes()))
        try:
            if error is None or self._path.parent.is_dir():  # a folder that was removed is not made again
                self._write()
        except OSError as failure:
            if error is None:
                raise
            _LOGGER.warning("%s could not be written: %s", self._path, failure)

    def before_training(self, trainer: RunningTrainer) -> None:
        self._trainer = trainer
        self._attempt.update(first_step=trainer.step, total_steps=trainer.total)
        done, per_epoch = divmod(trainer.step, trainer.steps_per_epoch)
        self._content["epochs"] = [epoch for epoch in self._content["epochs"] if epoch["epoch"] < done]
        self._begin_epoch()
        for line in read_scalars(self._folder / LOSSES_FILE) if per_epoch else []:
            if "loss" in line and done * trainer.steps_per_epoch < line["step"] <= trainer.step:
                self._add({name: value for name, value in line.items() if name not in _NO_METRICS})
        self._write()

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        self._add(report.metrics)
        self._images += report.images
        self._seconds += report.seconds
        self._rate = report.learning_rate

    def after_epoch(self, trainer: RunningTrainer) -> None:
        means = {name: total / count for name, (total, count) in self._sums.items() if count}
        self._content["epochs"].append({
            "epoch": trainer.epoch - 1, "steps": trainer.steps_per_epoch, "last_step": trainer.step, "ended": _now(),
            **means, "lr": self._rate, "skipped_batches": self._skipped,
            "images_per_second": self._images / self._seconds if self._seconds else None,
            "minutes": (time.monotonic() - self._epoch_began) / 60, "resident_mb": round(resident_megabytes()),
            "peak_mb": round(peak_megabytes()), "workers_mb": round(workers_megabytes())})
        self._attempt["last_step"] = trainer.step
        self._begin_epoch()
        self._write()

    def after_test(self, trainer: RunningTrainer, metrics: Dict[str, float]) -> None:
        for epoch in self._content["epochs"]:
            if epoch.get("last_step") == trainer.step:
                epoch["test"] = {name: value for name, value in metrics.items() if isinstance(value, (int, float))}
                self._write()

    def _add(self, metrics: Mapping[str, Any]) -> None:
        self._skipped += "skipped" in metrics
        for name, value in metrics.items():
            if name != "skipped" and value is not None and value - value == 0:
                total = self._sums.setdefault(name, [0.0, 0])
                total[0] += value
                total[1] += 1

    def _begin_epoch(self) -> None:
        self._sums, self._images, self._seconds, self._skipped = {}, 0.0, 0.0, 0
        self._rate, self._epoch_began = None, time.monotonic()

    def _earlier(self) -> Dict[str, Any]:
        """Returns the content of the file, or that of a new one."""
        new: Dict[str, Any] = {"attempts": [], "epochs": []}
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            ok = isinstance(content, dict) and all(
                isinstance(content.get(name), list) and all(isinstance(one, dict) for one in content[name])
                for name in new) and all("epoch" in one for one in content["epochs"])
        except FileNotFoundError:
            return new
        except (OSError, ValueError):
            ok = False
        if ok:
            return content
        _LOGGER.warning("%s is damaged and is written anew: earlier attempts are not in it", self._path)
        return new

    def _last_written_step(self) -> Optional[int]:
        try:
            return max((line["step"] for line in read_scalars(self._folder / LOSSES_FILE)), default=0)
        except (OSError, DataError):
            return None

    def _write(self) -> None:
        write_json(self._path, self._content)


_NO_METRICS = ("step", "epoch", "lr", "images_per_second")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
