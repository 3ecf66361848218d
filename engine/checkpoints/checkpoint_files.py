"""The files of a checkpoint: parameters, optimizer states, and a JSON file that shows that both are complete.

A checkpoint PREFIX-TAG is three files, none of which can run code. TAG is the number of completed epochs ("0007"),
inside an epoch the number of completed steps ("step00001234"), or "best" for a copy of the checkpoint that tested best.

PREFIX-TAG.params   parameters in the layout of the MXNet original: names `arg:NAME`, running statistics `aux:NAME`
PREFIX-TAG.states   what the optimizer remembers, an MXNet file of arrays named after their parameters; where the
                    parameters are averages over the training, also the weights that it goes on from (raw_weights.py)
PREFIX-TAG.json     step, epoch, classes, configuration, update counts, and the sizes of the two others; it is written
                    last, and a checkpoint without it, or with other sizes, does not count
"""
import contextlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import mxnet as mx

from ...errors import CheckpointError
from ..files import atomic_write, write_json
from .arrays import write_arrays
from .optimizer_states import NOTHING

BEST = "best"
_FORMAT = 1
_ARRAY_FILES = (".params", ".states")


@dataclass(frozen=True)
class Content:
    """What a checkpoint holds of the network and its optimizer."""

    arrays: Mapping[str, mx.nd.NDArray]  # by `arg:NAME` and `aux:NAME`
    states: Mapping[str, mx.nd.NDArray]  # see optimizer_states.trainer_states
    update_counts: Mapping[str, int]
    classes: Sequence[str]
    average_updates: Optional[int] = None  # steps that `arrays` are averages over; None where they are no averages


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint on the disk."""

    base: str  # PREFIX-TAG
    tag: str
    step: int  # completed steps

    @property
    def ends_epoch(self) -> bool:
        """True where it was written at the end of an epoch."""
        return self.tag.isdecimal()


def epoch_tag(epoch: int) -> str:
    """The tag of a checkpoint after `epoch` completed epochs."""
    return f"{epoch:04d}"


def step_tag(step: int) -> str:
    """The tag of a checkpoint inside an epoch, after `step` completed steps."""
    return f"step{step:08d}"


def write_checkpoint(prefix: str, tag: str, content: Content, epoch: int, step: int,
                     facts: Optional[Mapping[str, Any]] = None) -> str:
    """Writes one checkpoint, each of its files whole or not at all.

    Args:
        prefix: path that the files' names start with; its folder is made.
        tag: see `epoch_tag`, `step_tag` and `BEST`.
        epoch, step: completed epochs, and completed steps since the start of the training.
        facts: more entries of the JSON file, such as {"config": saved_config(cfg)}.

    Returns:
        PREFIX-TAG.
    """
    base = f"{prefix}-{tag}"
    # Without its JSON file an old checkpoint of the same name does not count while it is replaced.
    _remove(base + ".json")
    write_arrays(base + ".params", content.arrays)
    write_arrays(base + ".states", content.states or {NOTHING: mx.nd.zeros(1)})
    averaged = {} if content.average_updates is None else {"average_updates": content.average_updates}
    write_json(base + ".json", dict(
        facts or {}, **averaged, format=_FORMAT, epoch=epoch, step=step, classes=list(content.classes),
        update_counts=dict(content.update_counts), sizes={end: _size(base + end) for end in _ARRAY_FILES}))
    return base


def copy_checkpoint(base: str, prefix: str, tag: str, facts: Optional[Mapping[str, Any]] = None) -> str:
    """Copies the checkpoint `base` to PREFIX-TAG, with more entries in its JSON file; returns PREFIX-TAG."""
    state, copy = read_checkpoint(base), f"{prefix}-{tag}"
    _remove(copy + ".json")
    for end in _ARRAY_FILES:
        with atomic_write(copy + end) as temporary:
            shutil.copyfile(base + end, temporary)
    write_json(copy + ".json", dict(state, **(facts or {})))
    return copy


def read_checkpoint(base: str) -> Dict[str, Any]:
    """Reads the JSON file of the checkpoint PREFIX-TAG, and checks that the other two files are whole.

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged; the message names the file.
    """
    path = Path(base + ".json")
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {base}: the file {path} is missing")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        wanted, kind = state["sizes"], state["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not the JSON file of a checkpoint: {error!r}") from None
    if kind != _FORMAT:
        raise CheckpointError(f"{path} has format {kind}; this version reads {_FORMAT}")
    for end, size in wanted.items():
        file = Path(base + end)
        if not file.is_file() or file.stat().st_size != size:
            raise CheckpointError(f"{file} is missing or not whole: the checkpoint was damaged after it was written")
    return state


def list_checkpoints(prefix: str) -> List[Checkpoint]:
    """The checkpoints PREFIX-TAG that are whole, those of fewer steps first."""
    found = []
    for base, tag in _bases(prefix):
        with contextlib.suppress(CheckpointError, KeyError):
            found.append(Checkpoint(base, tag, read_checkpoint(base)["step"]))
    return sorted(found, key=lambda checkpoint: (checkpoint.step, checkpoint.ends_epoch))


def damage_messages(prefix: str) -> List[str]:
    """A message for each checkpoint PREFIX-TAG whose JSON file is there and which is not whole all the same.

    `list_checkpoints` leaves such a checkpoint out. One without a JSON file was never completed and is not reported.
    """
    messages = []
    for base, _ in _bases(prefix):
        try:
            read_checkpoint(base)
        except CheckpointError as error:
            messages.append(str(error))
    return messages


def latest_checkpoint(prefix: str) -> Optional[str]:
    """PREFIX-TAG of the checkpoint with the most steps, or None. "best" is a copy and does not count."""
    found = [checkpoint for checkpoint in list_checkpoints(prefix) if checkpoint.tag != BEST]
    return found[-1].base if found else None


def best_checkpoint(prefix: str) -> Optional[str]:
    """PREFIX-best where that checkpoint is there and whole, or None."""
    found = [checkpoint for checkpoint in list_checkpoints(prefix) if checkpoint.tag == BEST]
    return found[0].base if found else None


def describe_checkpoint(base: str) -> str:
    """Returns PREFIX-TAG with the epochs that were trained before it and, where it tested best, the metric."""
    state = read_checkpoint(base)
    facts = [f"epoch {state['epoch']}"] + [f"{name} {value:.4f}" for name, value in state.get("test", {}).items()]
    return f"{base} ({', '.join(facts)})"


def remove_checkpoint(base: str) -> None:
    """Removes the files of the checkpoint PREFIX-TAG, the JSON file first."""
    for end in (".json", *_ARRAY_FILES[::-1]):
        _remove(base + end)


def _bases(prefix: str) -> List[Tuple[str, str]]:
    """(PREFIX-TAG, TAG) of each JSON file with the name of a checkpoint, in the order of the names."""
    folder, name = Path(prefix).parent, Path(prefix).name
    pattern = re.compile(re.escape(name) + rf"-(\d{{4,}}|step\d{{8,}}|{BEST})\.json")
    matches = [(path, pattern.fullmatch(path.name)) for path in sorted(folder.glob("*.json"))]
    return [(str(path.with_suffix("")), match.group(1)) for path, match in matches if match]


def _size(path: str) -> int:
    return Path(path).stat().st_size


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
