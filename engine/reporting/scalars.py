"""The scalars of a training, step by step: as JSON lines, and as events for TensorBoard."""
import json
import logging
from pathlib import Path
from typing import Any, Dict, List, Optional

from ...errors import DataError
from ..files import PathLike, atomic_write, to_json

_LOGGER = logging.getLogger(__name__)


class ScalarLog:
    """Writes named numbers by training step: one JSON object a line and, where tensorboardX is installed, events.

    Every line is handed to the operating system at once, so that a process that is killed loses none. The log of the
    package says where TensorBoard's events are written or, without tensorboardX, how to install it.

    Args:
        path: file of the JSON lines, for example losses.jsonl.
        start_step: number of completed steps that this run continues from. Lines of later steps, which a run that was
            stopped has written, are removed. 0 begins with an empty file.
        tensorboard: folder for TensorBoard's events; None writes none.

    Raises:
        DataError: `path` exists and is not a file of such lines.

    Example::

        with ScalarLog("output/losses.jsonl") as scalars:
            scalars.write(1, loss=2.5, lr=0.001, epoch=0)
    """

    def __init__(self, path: PathLike, start_step: int = 0, tensorboard: Optional[PathLike] = None):
        path = Path(path)
        kept = [line for line in read_scalars(path) if line["step"] <= start_step] if path.exists() else []
        with atomic_write(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.writelines(to_json(line) + "\n" for line in kept)
        self._file = open(path, "a", encoding="utf-8")
        self._writer = None if tensorboard is None else _open_tensorboard(tensorboard, start_step)

    def write(self, step: int, **values: float) -> None:
        """Adds a line.

        Args:
            step: number of completed steps.
            values: named numbers, such as losses, lr, images_per_second, and test_AP after a test between epochs. A
                value that is not finite becomes null in the JSON line.
        """
        values = {name: value if isinstance(value, int) else float(value) for name, value in values.items()}
        self._file.write(to_json(dict(step=step, **values)) + "\n")
        self._file.flush()
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Closes the files."""
        self._file.close()
        if self._writer is not None:
            self._writer.close()

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


def _open_tensorboard(folder: PathLike, start_step: int) -> Optional[Any]:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        _LOGGER.info("TensorBoard: no events are written, for tensorboardX is not installed; "
                     "to have them: pip install tensorboardX")
        return None
    except Exception as error:  # a broken installation of an optional package must not end a training
        _LOGGER.warning("TensorBoard: no events are written, for tensorboardX cannot be imported: %r", error)
        return None
    _LOGGER.info("TensorBoard: writing to %s; to look at it: tensorboard --logdir %s", folder, folder)
    return SummaryWriter(str(folder), purge_step=start_step + 1 if start_step else None)
