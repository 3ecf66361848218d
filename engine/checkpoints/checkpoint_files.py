"""The files of a checkpoint: parameters, optimizer states, and a JSON file that shows that both are complete.

A checkpoint PREFIX-TAG is three files, none of which can run code. TAG is the number of completed epochs ("0007"),
inside an epoch the number of completed steps ("step00001234"), or "best" for a copy of the checkpoint that tested best.

PREFIX-TAG.params   parameters in the layout of the MXNet original: names `arg:NAME`, running statistics `aux:NAME`
PREFIX-TAG.states   what the optimizer remembers, an MXNet file of arrays named after their parameters; where the
                    parameters are averages over the training, also the weights that it goes on from (raw_weights.py)
PREFIX-TAG.json     step, epoch, classes, configuration, update counts, sizes and checksums; it is written last, and a
                    checkpoint without it, or with other sizes, does not count

`read_checkpoint` compares the sizes and the checksum of the JSON file; `verify_checkpoint` the checksums of all files,
which takes about a second for a gigabyte. Checkpoints of earlier versions, of format 1, have no checksums.
"""
import contextlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ContextManager, Dict, List, Mapping, Optional, Sequence, Tuple

import mxnet as mx

from ...errors import CheckpointError
from ..files import atomic_set
from .arrays import save_arrays
from .checksums import file_checksum, seal_is_whole, sealed_json
from .optimizer_states import NOTHING

BEST = "best"
_FORMAT, _WITHOUT_CHECKSUMS = 2, 1
# In the order in which they are renamed: a parameter file without a JSON file beside it is one of the MXNet original's
# unless there are states, too.
_ARRAY_FILES = (".states", ".params")
_TAG = rf"\d{{4,}}|step\d{{8,}}|{BEST}"


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
    epoch: int  # completed epochs

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
    averaged = {} if content.average_updates is None else {"average_updates": content.average_updates}
    with _replaced(base) as (states, params, json_file):
        save_arrays(params, content.arrays)
        save_arrays(states, content.states or {NOTHING: mx.nd.zeros(1)})
        written = dict(zip(_ARRAY_FILES, (states, params)))
        Path(json_file).write_bytes(sealed_json(dict(
            facts or {}, **averaged, format=_FORMAT, epoch=epoch, step=step, classes=list(content.classes),
            update_counts=dict(content.update_counts), sizes={end: _size(file) for end, file in written.items()},
            checksums={end: file_checksum(file) for end, file in written.items()})))
    return base


def copy_checkpoint(base: str, prefix: str, tag: str, facts: Optional[Mapping[str, Any]] = None) -> str:
    """Copies the checkpoint `base` to PREFIX-TAG, with more entries in its JSON file; returns PREFIX-TAG."""
    state, copy = read_checkpoint(base), f"{prefix}-{tag}"
    with _replaced(copy) as (*arrays, json_file):
        for end, file in zip(_ARRAY_FILES, arrays):
            shutil.copyfile(base + end, file)
        Path(json_file).write_bytes(sealed_json(dict(state, **(facts or {}))))
    return copy


def read_checkpoint(base: str) -> Dict[str, Any]:
    """Reads the JSON file of the checkpoint PREFIX-TAG, and checks that the other two files are there in their sizes.

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged; the message says why.
    """
    path = Path(base + ".json")
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {base}: there is no such folder, and no file {path}")
    try:
        content = path.read_bytes()
        state = json.loads(content.decode())
        sizes, kind = dict(state["sizes"]), state["format"]
        sizes[".params"] + 0
        state["step"] + state["epoch"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{base} is damaged: {path} is not the JSON file of a checkpoint ({error!r})") from None
    if kind not in (_FORMAT, _WITHOUT_CHECKSUMS):
        raise CheckpointError(f"{path} has format {kind}; this version reads {_FORMAT}")
    if kind == _FORMAT and not seal_is_whole(content):
        raise CheckpointError(f"{base} is damaged: {path} is not what was written (its checksum differs)")
    # Weights of other frameworks that were converted have no optimizer states.
    for end in (end for end in _ARRAY_FILES if end in sizes):
        file = Path(base + end)
        if not file.is_file():
            raise CheckpointError(f"{base} is damaged: {file} is missing")
        if file.stat().st_size != sizes[end]:
            raise CheckpointError(f"{base} is damaged: {file} has {file.stat().st_size} bytes, and {sizes[end]} were "
                                  "written")
    state.pop("checksum", None)
    return state


def verify_checkpoint(base: str) -> Dict[str, Any]:
    """Reads the JSON file of the checkpoint PREFIX-TAG, and compares every byte of its files with their checksums.

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged; the message says why.
    """
    state = read_checkpoint(base)
    for end, checksum in state.get("checksums", {}).items():
        try:
            found = file_checksum(base + end)
        except OSError as error:
            raise CheckpointError(f"{base} is damaged: {base + end} cannot be read ({error.strerror})") from None
        if found != checksum:
            raise CheckpointError(f"{base} is damaged: {base + end} is not what was written (its checksum differs)")
    return state


def list_checkpoints(prefix: str) -> List[Checkpoint]:
    """The checkpoints PREFIX-TAG that are whole as far as their sizes tell, those of fewer steps first.

    See `choosing.latest_checkpoint` for the one to go on from.
    """
    found = []
    for base, tag in tagged_bases(prefix):
        with contextlib.suppress(CheckpointError):
            state = read_checkpoint(base)
            found.append(Checkpoint(base, tag, state["step"], state["epoch"]))
    return sorted(found, key=lambda checkpoint: (checkpoint.step, checkpoint.ends_epoch))


def describe_checkpoint(base: str) -> str:
    """Returns PREFIX-TAG with the epochs that were trained before it and, where it tested best, the metric."""
    state = read_checkpoint(base)
    facts = [f"epoch {state['epoch']}"] + [f"{name} {value:.4f}" for name, value in state.get("test", {}).items()]
    return f"{base} ({', '.join(facts)})"


def remove_checkpoint(base: str) -> None:
    """Removes the files of the checkpoint PREFIX-TAG, the JSON file first."""
    for end in (".json", *_ARRAY_FILES[::-1]):
        _remove(base + end)


def tagged_bases(prefix: str) -> List[Tuple[str, str]]:
    """(PREFIX-TAG, TAG) of each JSON file with the name of a checkpoint, in the order of the names."""
    folder, name = Path(prefix).parent, Path(prefix).name
    pattern = re.compile(re.escape(name) + rf"-({_TAG})\.json")
    matches = [(path, pattern.fullmatch(path.name)) for path in sorted(folder.glob("*.json"))]
    return [(str(path.with_suffix("")), match.group(1)) for path, match in matches if match]


def remove_leftovers(prefix: str) -> None:
    """Removes what writes of checkpoints PREFIX-TAG left that were killed; no other write may be under way."""
    folder, name = Path(prefix).parent, re.escape(Path(prefix).name)
    ends = "|".join(map(re.escape, (*_ARRAY_FILES, ".json")))
    unfinished = re.compile(rf"\.tmp-{name}-({_TAG})({ends})")
    inside_epoch = re.compile(rf"({name}-step\d{{8,}})({'|'.join(map(re.escape, _ARRAY_FILES))})")
    for path in list(folder.glob("*")):
        part = inside_epoch.fullmatch(path.name)
        if unfinished.fullmatch(path.name) or part and not (folder / (part.group(1) + ".json")).exists():
            _remove(str(path))


def _replaced(base: str) -> ContextManager[List[str]]:
    """Gives temporary paths for the files of a checkpoint, the JSON file last, see `atomic_set`."""
    return atomic_set([base + end for end in (*_ARRAY_FILES, ".json")])


def _size(path: str) -> int:
    return Path(path).stat().st_size


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
