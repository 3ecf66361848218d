"""Tells a lack of memory or of open files, which passes, from a fault of the file that was read."""
import errno

_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
# How OpenCV, in MXNet's operators too, and the C++ library say that there is no memory left.
_WORDS = ("bad_alloc", "Insufficient memory")


def is_shortage(error: BaseException) -> bool:
    """True where an error says that there was not enough memory, or that too many files were open.

    A file is not broken because of it: the same call may succeed a moment later, or in another process.

    Args:
        error: any exception.
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno in _SHORT
    return any(word in str(error) for word in _WORDS)
