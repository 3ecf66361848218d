"""The scalars of a training, step by step: as JSON lines, and as events for TensorBoard."""
import contextlib
import itertools
import json
import logging
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ...errors import DataError
from ..files import PathLike, atomic_write, to_json

_LOGGER = logging.getLogger(__name__)


class ScalarLog:
    """Writes named numbers by training step: one JSON object a line and, where tensorboardX is installed, events.

    Every line is handed to the operating system at once, so that a process that is killed loses none. Where it cannot
    be written, because the disk is full for example, the log warns once, and the line is kept and written with a later
    one. The log of the package says where TensorBoard's events are written or, without tensorboardX, how to install it.

    Args:
        path: file of the JSON lines, for example losses.jsonl.
        start_step: number of completed steps that this run continues from. Lines of later steps, which a run that was
            stopped has written, are removed. 0 begins with an empty file; one that is there is renamed, to
            losses-1.jsonl or a higher number.
        tensorboard: folder for TensorBoard's events; None writes none.

    Raises:
        DataError: `path` exists and is not a file of such lines.

    Example::

        with ScalarLog("output/losses.jsonl") as scalars:
            scalars.write(1, loss=2.5, lr=0.001, epoch=0)
    """

    def __init__(self, path: PathLike, start_step: int = 0, tensorboard: Optional[PathLike] = None):
        self._path = path = Path(path)
        lines = read_scalars(path) if path.exists() else []
        kept = [line for line in lines if line["step"] <= start_step]
        if lines and not start_step:
            path.rename(_free_name(path))
        with atomic_write(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.writelines(to_json(line) + "\n" for line in kept)
        self._file = open(path, "ab", buffering=0)
        self._waiting = b""  # lines that could not be written
        self._writer = None if tensorboard is None else _Events.open(tensorboard, start_step)

    def write(self, step: int, **values: float) -> None:
        """Adds a line.

        Args:
            step: number of completed steps.
            values: named numbers, such as losses, lr, images_per_second, and test_AP after a test between epochs. A
                value that is not finite becomes null in the JSON line.
        """
        values = {name: value if isinstance(value, int) else float(value) for name, value in values.items()}
        self._append((to_json(dict(step=step, **values)) + "\n").encode())
        if self._writer is not None:
            self._writer.write(values, step)

    def close(self) -> None:
        """Closes the files."""
        if self._waiting:
            self._append(b"")
        self._file.close()
        if self._writer is not None:
            self._writer.close()

    def _append(self, line: bytes) -> None:
        """Writes the lines that wait and this one, all or none of them."""
        failed_before = bool(self._waiting)
        self._waiting += line
        end = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(self._waiting) == len(self._waiting):
                self._waiting = b""
                return
            reason = "only a part of a line was written"
        except OSError as error:
            reason = error.strerror
        with contextlib.suppress(OSError):
            os.ftruncate(self._file.fileno(), end)
        if not failed_before:
            _LOGGER.warning("%s cannot be written (%s): its lines are kept, and written when there is room", self._path,
                            reason)

    def __enter__(self) -> "ScalarLog":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def read_scalars(path: PathLike) -> List[Dict[str, Any]]:
    """Reads the lines that a `ScalarLog` wrote. A last line that a killed process cut short is left out.

    Args:
        path: file of JSON lines.

    Returns:
        One dict a line, in the order of the file: "step" (number of completed steps) and the values that were written
        at that step, None for a value that was not finite. A step has several lines if it was written several times.

    Raises:
        DataError: another line is broken; the message names the file and the line.
    """
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    complete = text[:text.rfind("\n") + 1].splitlines()
    lines = []
    for number, text in enumerate(complete, 1):
        try:
            line = json.loads(text)
            line["step"] + 0
        except (ValueError, TypeError, KeyError):
            raise DataError(f"{path}, line {number} is not a line of scalars: {text[:80]!r}") from None
        lines.append(line)
    return lines


def _free_name(path: Path) -> Path:
    """Returns the path with the lowest number behind its name under which there is no file."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(1))
    return next(name for name in names if not name.exists())


class _Events:
    """TensorBoard's events. An error of theirs is told, and ends them, but not the training."""

    def __init__(self, writer: Any):
        self._writer = writer

    @classmethod
    def open(cls, folder: PathLike, start_step: int) -> Optional["_Events"]:
        """Opens the file of a run's events; None where tensorboardX is missing or fails."""
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            _LOGGER.info("TensorBoard: no events are written, for tensorboardX is not installed; "
                         "to have them: pip install tensorboardX")
            return None
        except Exception as error:  # a broken installation of an optional package must not end a training
            _LOGGER.warning("TensorBoard: no events are written, for tensorboardX cannot be imported: %r", error)
            return None
        try:
            writer = SummaryWriter(str(folder), purge_step=start_step + 1 if start_step else None)
        except OSError as error:
            _LOGGER.warning("TensorBoard: no events are written: %s", error)
            return None
        _LOGGER.info("TensorBoard: writing to %s; to look at it: tensorboard --logdir %s", folder, folder)
        return cls(writer)

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Adds the values of a step."""
        for name, value in values.items():
            if not self._is_alive():
                return
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Closes the file."""
        if self._is_alive():
            try:
                self._writer.close()
            except OSError as error:
                _LOGGER.warning("TensorBoard: the last events are not written: %s", error)

    def _is_alive(self) -> bool:
        """Whether the thread that writes events still runs: it ends on a full disk, and without it its queue fills."""
        if self._writer is None:
            return False
        thread = self._writer
        for name in ("file_writer", "event_writer", "_worker"):
            thread = getattr(thread, name, None)
        if thread is not None and not thread.is_alive():
            _LOGGER.warning("TensorBoard: no more events are written, because their file cannot be")
            self._writer = None
        return self._writer is not None
