"""The scalars of every training step, as JSON lines and for TensorBoard."""
import json
from pathlib import Path

from ..files import atomic_write


class ScalarLog:
    """Scalars of every training step: one JSON object a line, and TensorBoard events where tensorboardX is installed.

    Parameters
    ----------
    path : str or Path
        The JSON lines.
    start_step : int
        Completed steps that this run continues from. Lines of later steps, written by a run that was stopped, go;
        0 starts anew.
    tensorboard : str or Path, optional
        Folder for TensorBoard events.
    """

    def __init__(self, path, start_step=0, tensorboard=None):
        path = Path(path)
        kept = [line for line in read_scalars(path) if line["step"] <= start_step] if path.exists() else []
        with atomic_write(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in kept)
        self._file = open(path, "a", encoding="utf-8")
        self._writer = None
        if tensorboard is not None:
            try:
                from tensorboardX import SummaryWriter
            except ImportError:
                pass
            else:
                self._writer = SummaryWriter(str(tensorboard), purge_step=start_step + 1 if start_step else None)

    def write(self, step, **values):
        """Adds a line: `step` completed steps and named numbers, such as losses, lr and images_per_second."""
        values = {name: value if isinstance(value, int) else float(value) for name, value in values.items()}
        # Out of Python's buffer: a killed run keeps every line.
        self._file.write(json.dumps(dict(step=step, **values)) + "\n")
        self._file.flush()
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def close(self):
        """Closes the files."""
        self._file.close()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_scalars(path):
    """The lines that a `ScalarLog` wrote, a list of dicts; a last line cut short by a killed process is left out.

    Raises ValueError naming the file and the line when another line is broken.
    """
    text = Path(path).read_text(encoding="utf-8")
    complete = text[:text.rfind("\n") + 1].splitlines()
    lines = []
    for number, line in enumerate(complete, 1):
        try:
            lines.append(json.loads(line))
            lines[-1]["step"] + 0
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"{path}, line {number} is not a line of scalars: {line[:80]!r}") from None
    return lines
