"""Lets the process of a training keep the memory that its arrays free, instead of handing it back to the system."""
import ctypes
import os
import sys

# Parameters of glibc's `mallopt` (malloc.h).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_MOST = 2 ** 31 - 1
_STEP = 64 << 20  # bytes by which the heap grows


def keep_freed_memory() -> bool:
    """Tells glibc to keep what is freed, for the whole process and until it ends.

    MXNet's operators on the CPU allocate their large arrays anew in each step. By default glibc hands these back to the
    system at once, and the system fills them with zeros page by page when they are asked for again. On two cores a
    training step takes 13 to 15 % less time without that, and the process a tenth more memory (docs/results.md,
    "Detectors for MXNet in fused form").

    A command that trains calls this, not the library: a program that goes on after a training may want the memory back.

    Returns:
        Whether it was done: not where the user has set one of glibc's variables `MALLOC_...` or `GLIBC_TUNABLES`, nor
        where the C library is another one.
    """
    if not sys.platform.startswith("linux") or any(
            name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return all([library.mallopt(_MMAP_MAX, 0), library.mallopt(_TRIM_THRESHOLD, _MOST),
                library.mallopt(_TOP_PAD, _STEP)])
