"""Files written whole or not at all."""
import contextlib
import json
import os
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path):
    """Context that yields a temporary path beside `path`; at its end the file written there becomes `path`.

    After an exception `path` is as it was and the temporary file is gone. What a killed process leaves has one known
    name, `.tmp-NAME`, and is overwritten by the next write. The folder is made when absent.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The extension stays last: savefig goes by it.
    temporary = path.parent / (".tmp-" + path.name)
    try:
        yield str(temporary)
        _sync(temporary, os.O_RDWR)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    # The new name itself must survive a power cut.
    _sync(path.parent, os.O_RDONLY)


def write_json(path, value, indent=1):
    """Writes `value` as JSON, atomically. NaN is written as null: JSON has none."""
    text = json.dumps(_finite(value), indent=indent, allow_nan=False)
    with atomic_write(path) as temporary:
        Path(temporary).write_text(text + "\n", encoding="utf-8")


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value


def _sync(path, flags):
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
