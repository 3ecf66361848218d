"""The folder of an ONNX export: which files it has, and writing one."""
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any, List, Mapping

from ....errors import UsageError
from ...files import PathLike, atomic_write, write_json
from . import detect as script

SCRIPT = "detect.py"
FILES = (script.MODEL, script.META, SCRIPT)
# The keys of a configuration that are not fixed in an export, and that a test of it reads.
TEST_KEYS = ("dataset.", "TEST.BATCH_IMAGES", "TEST.NUM_WORKERS")
# Those that are written down: with others without which `dataset.proposal` would not be valid.
SAVED_KEYS = (*TEST_KEYS, "TEST.PROPOSALS", "TRAIN.BATCH_ROIS", "TRAIN.ENABLE_OHEM")
PRECISIONS = ("float32", "bfloat16", "int8")
# The kind of a description stands in this many of its first characters.
_START = 10000
# What running the script leaves in its folder.
_LEFTOVERS = ("__pycache__",)


def check_target(folder: PathLike) -> None:
    """Checks that an export can be written to a folder: it is not there, is empty, or is an export and nothing more.

    Raises:
        UsageError: it is something else.
    """
    folder = Path(folder)
    if not os.path.lexists(folder):
        return
    if not folder.is_dir() or folder.is_symlink():
        raise UsageError(f"{folder} is not a folder: name another by --out")
    names = {path.name for path in folder.iterdir()} - set(_LEFTOVERS)
    if names and not _is_ours(folder):
        raise UsageError(f"the folder {folder} exists, and is not an export that could be replaced: name another by "
                         "--out")
    others = sorted(names - set(FILES))
    if others:
        raise UsageError(f"the export {folder} would be replaced, but there are other files in its folder too "
                         f"({', '.join(others[:3])}): move them away, or name another by --out")


def write_folder(folder: PathLike, model: bytes, meta: Mapping[str, Any]) -> List[str]:
    """Writes the folder of an export, which appears as a whole or not at all; an earlier export there is replaced.

    Args:
        folder: see `check_target`.
        model: the ONNX model, serialised.
        meta: its description, without the checksum.

    Returns:
        The paths of the files.

    Raises:
        UsageError: the folder cannot be written, such as on a full disk.
    """
    folder = Path(folder)
    new = folder.parent / f".tmp-{folder.name}-{os.getpid()}"
    try:
        new.mkdir(parents=True)
        with atomic_write(new / script.MODEL) as file:
            Path(file).write_bytes(model)
        write_json(new / script.META, dict(meta, sha256=hashlib.sha256(model).hexdigest()))
        shutil.copyfile(script.__file__, new / SCRIPT)
        _move(new, folder)
    except OSError as error:
        raise UsageError(f"the export {folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return [str(folder / file) for file in FILES]


def _move(new: Path, folder: Path) -> None:
    """Puts a folder in the place of another one, which may be missing."""
    old = new.with_name(new.name + "-old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except BaseException:
        if old.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def is_export(path: PathLike) -> bool:
    """Whether a path is a folder with an ONNX export, whole or not."""
    path = Path(path)
    return _tells_kind(path / script.META) or (path / script.MODEL).is_file() and (path / SCRIPT).is_file()


def _is_ours(folder: Path) -> bool:
    """Whether the files of a folder are those of an export, and not somebody's own by these names."""
    return _tells_kind(folder / script.META) or _tells_kind(folder / SCRIPT)


def _tells_kind(file: Path) -> bool:
    """Whether the description of an export, or the script that reads it, lies in a file."""
    try:
        if not file.is_file():
            return False
        with open(file, encoding="utf-8") as text:
            return script.KIND in text.read(_START)
    except (OSError, ValueError):
        return False
