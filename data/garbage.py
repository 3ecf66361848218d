"""Reading without looks for garbage."""
import contextlib
import gc
from typing import Iterator


@contextlib.contextmanager
def no_looks_for_garbage() -> Iterator[None]:
    """Context manager in which Python does not look for objects that only point to each other.

    Reading makes millions of objects, none of which is garbage of that kind, and Python would look at all of them again
    and again: that takes as long as reading.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if not gc.get_freeze_count():
                # All objects are taken for old ones, which Python looks at seldom; otherwise it would do so at once.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
