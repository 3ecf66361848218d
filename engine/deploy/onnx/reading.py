"""Reads the folder of an ONNX export, which may be damaged or come from a stranger.

detect.py reads its own folder. Here nothing is believed: a value that is not of its kind and within bounds is an error,
before an engine opens the model.
"""
from pathlib import Path
from typing import Any, Dict

from ....errors import CheckpointError
from ...files import PathLike
from ..description_values import MOST_BYTES, NAMES, SIDE, Check, check_values, three_numbers
from . import detect as script
from .external_data import has_external_data
from .folder import PRECISIONS

# Protocol Buffers, in which a model is written, end at 2 GiB.
_MOST_BYTES = {script.META: MOST_BYTES, script.MODEL: 2 << 30}
_VALUES: Dict[str, Check] = {
    "short_edge": SIDE, "long_edge": SIDE, "stride": SIDE, "least_side": SIDE, "classes": NAMES,
    "precision": (lambda value: value in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
    "means": (three_numbers(0, 255.999), "a list of three numbers from 0 to 255"),
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
    try:
        check_values(meta, _VALUES)
    except ValueError as error:
        raise CheckpointError(f"{folder / script.META} does not describe a detector: {error}") from None
    try:
        is_alone = not has_external_data((folder / script.MODEL).read_bytes())
    except ValueError as error:
        raise CheckpointError(f"{folder / script.MODEL} is no ONNX model: {error}") from None
    if not is_alone:
        raise CheckpointError(f"{folder / script.MODEL} takes numbers from other files, which no export does")
    return meta
