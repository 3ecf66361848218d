"""Runs a target on one content, and judges what comes out of it."""
import os
import resource
import signal
import traceback
from pathlib import Path
from typing import Any, NamedTuple, Optional

from target import Target

from light_head_rcnn.errors import LightHeadError

SECONDS, MEGABYTES = 10, 1024


class Finding(NamedTuple):
    """What went wrong: a short name, the same for the same place in the code, and the whole story."""

    name: str
    story: str


class _TooLong(BaseException):
    """The time for one content is over."""


def limit_memory() -> None:
    """Lets this process take `MEGABYTES` more than it has."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + (MEGABYTES << 20), resource.RLIM_INFINITY))


def judge(target: Target, folder: Path, content: bytes, seconds: int = SECONDS) -> Optional[Finding]:
    """Reads a content by a target; None where a value came out, or an error that names the file.

    Args:
        target: the target.
        folder: of the trial, which `target.prepare` filled.
        content: of the file.
        seconds: that it may take.
    """
    path = folder / target.file
    path.write_bytes(content)
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(seconds)
    try:
        target.read(folder)
    except LightHeadError as error:
        signal.alarm(0)
        text = str(error)
        if not any(part in text for part in (str(path), path.name, str(folder))):
            return Finding(f"unnamed-{type(error).__name__}", f"the error does not name the file: {text[:2000]}")
        if len(text) > 20_000:
            return Finding("endless-message", f"the message has {len(text)} characters: {text[:300]}")
        return None
    except _TooLong:
        return Finding("too-long", traceback.format_exc()[-3000:])
    except MemoryError:
        signal.alarm(0)
        return Finding("memory", traceback.format_exc()[-3000:])
    except Exception as error:
        signal.alarm(0)
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if "fuzz" not in frame.filename]
        place = f"{Path(own[-1].filename).name}-{own[-1].lineno}" if own else "fuzz"
        inner = next((f"{Path(frame.filename).name}-{frame.lineno}" for frame in reversed(own)
                      if "site-packages" not in frame.filename and "/lib/python" not in frame.filename), place)
        return Finding(f"{type(error).__name__}-{inner}", traceback.format_exc()[-4000:])
    finally:
        signal.alarm(0)
    return None


def _stop(*_: Any) -> None:
    raise _TooLong
