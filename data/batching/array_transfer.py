"""Hands tuples of arrays from one process to another, without a copy where the system has files in memory (Linux)."""
import mmap
import os
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Optional, Sequence, Tuple

import numpy as np

HAS_MEMORY_FILES = hasattr(os, "memfd_create")
_ALIGNMENT = 64  # bytes


def send_error(connection: Connection, ticket: int, error: Exception, trace: str) -> None:
    """Sends an exception and its traceback in place of arrays; see `receive_result`."""
    connection.send((ticket, (error, trace), ()))


def send_result(connection: Connection, ticket: int, arrays: Sequence[np.ndarray]) -> None:
    """Sends arrays under the number of their task; see `receive_result`."""
    if not HAS_MEMORY_FILES:
        connection.send((ticket, None, arrays))
        return
    # The receiver maps the file into its memory and copies nothing.
    with os.fdopen(os.memfd_create("batch"), "wb") as file:
        layout = []  # (shape, data type, offset in bytes) of each array
        for array in arrays:
            file.seek(-(-file.tell() // _ALIGNMENT) * _ALIGNMENT)
            layout.append((array.shape, array.dtype.str, file.tell()))
            file.write(np.ascontiguousarray(array))
        file.truncate(max(file.tell(), 1))  # a file of no bytes cannot be mapped
        connection.send((ticket, None, layout))
        if layout:
            reduction.send_handle(connection, file.fileno(), None)


def receive_result(connection: Connection) -> Tuple[int, Optional[Tuple[Exception, str]], Tuple[np.ndarray, ...]]:
    """Receives what `send_result` or `send_error` sent.

    Returns:
        ticket: the number of the task.
        error: None, or the exception and its traceback.
        arrays: the arrays, which may be written to; none if there is an error.
    """
    ticket, error, content = connection.recv()
    if not HAS_MEMORY_FILES or not content:
        return ticket, error, tuple(content)
    handle = reduction.recv_handle(connection)
    try:
        memory = mmap.mmap(handle, 0)
    finally:
        os.close(handle)
    return ticket, error, tuple(
        np.frombuffer(memory, dtype, int(np.prod(shape)), offset).reshape(shape) for shape, dtype, offset in content)
