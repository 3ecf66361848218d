"""Reads the folder of an ONNX export, which may be damaged or come from a stranger.

detect.py reads its own folder. Here nothing is believed: a value that is not of its kind and within bounds is an error,
before an engine opens the model.
"""
from pathlib import Path
from typing import Any, Dict

from ....errors import CheckpointError
from ...files import PathLike
from . import detect as script
from .external_data import has_external_data
from .folder import PRECISIONS

# No description of a detector has more; Protocol Buffers, in which a model is written, end at 2 GiB.
_MOST_BYTES = {script.META: 4 << 20, script.MODEL: 2 << 30}
_LARGEST_SIDE = 20000  # pixels
_MOST_PROPOSALS = 1000000
_SIDE = (lambda value: type(value) is int and 1 <= value <= _LARGEST_SIDE, f"a whole number from 1 to {_LARGEST_SIDE}")
# Of each value that is needed to run a model: whether it is as it must be, and how it must be.
_VALUES = {
    "short_edge": _SIDE, "long_edge": _SIDE, "stride": _SIDE, "least_side": _SIDE,
    "precision": (lambda value: value in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
    "classes": (lambda value: isinstance(value, list) and value and all(isinstance(name, str) for name in value),
                "a list of names"),
    "means": (lambda value: isinstance(value, list) and len(value) == 3 and all(
        type(mean) in (int, float) and 0 <= mean < 256 for mean in value), "a list of three numbers from 0 to 255"),
}
# The same of a detector on given proposals.
_VALUES_OF_PROPOSALS = {
    "proposals": (lambda value: value is True, "true or false"),
    "proposal_limit": (lambda value: type(value) is int and 1 <= value <= _MOST_PROPOSALS,
                       f"a whole number from 1 to {_MOST_PROPOSALS}"),
    "map_stride": _SIDE,
}


def read_meta(folder: PathLike) -> Dict[str, Any]:
    """Reads the description of an export, and checks it and the model.

    Returns:
        The contents of meta.json, in which the values that are needed to run the model are as they must be.

    Raises:
        CheckpointError: a file is missing, or is not what was exported, or the model takes numbers from other files;
            the message names it.
    """
    folder = Path(folder)
    for name, most in _MOST_BYTES.items():
        file = folder / name
        if not file.is_file():
            raise CheckpointError(f"{folder} is no exported detector, or not a whole one: there is no file {file}")
        if file.stat().st_size > most:
            raise CheckpointError(f"{file} is too large: it has {file.stat().st_size} bytes, more than {most}")
    try:
        meta = script.read_meta(folder)
    except script.Problem as problem:
        raise CheckpointError(str(problem)) from None
    meta.setdefault("precision", "float32")
    _check_values(meta, folder / script.META)
    try:
        is_alone = not has_external_data((folder / script.MODEL).read_bytes())
    except ValueError as error:
        raise CheckpointError(f"{folder / script.MODEL} is no ONNX model: {error}") from None
    if not is_alone:
        raise CheckpointError(f"{folder / script.MODEL} takes numbers from other files, which no export does")
    return meta


def _check_values(meta: Dict[str, Any], file: Path) -> None:
    values = {**_VALUES, **(_VALUES_OF_PROPOSALS if meta.get("proposals") else {})}
    for key, (is_sound, expected) in values.items():
        value = meta.get(key)
        if not is_sound(value):
            given = type(value).__name__ if isinstance(value, (list, dict)) else f"{value!r:.50}"
            raise CheckpointError(f"{file} does not describe a detector: {key} is {given}, and must be {expected}")
