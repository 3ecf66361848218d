"""Hands results of workers to another process, without a copy of their arrays where the system has files in memory."""
import mmap
import os
import pickle
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

HAS_MEMORY_FILES = hasattr(os, "memfd_create")
_ALIGNMENT = 64  # bytes


class Answer(NamedTuple):
    """What a worker answers to a task.

    Attributes:
        ticket: which run and which of its tasks it is.
        error: None, or an exception and the text of its traceback in the worker.
        result: what the function returned; None if there is an error.
        lines: (level, text) of what was logged meanwhile.
    """

    ticket: Tuple[int, int]
    error: Optional[Tuple[Exception, str]]
    result: Any
    lines: Sequence[Tuple[int, str]] = ()


def send_answer(connection: Connection, answer: Answer) -> None:
    """Sends an answer; see `receive_answer`."""
    buffers: List[pickle.PickleBuffer] = []
    # The memory of arrays, which is most of a result, does not become part of the pickle.
    pickled = pickle.dumps(answer, protocol=5, buffer_callback=buffers.append)
    arrays = [buffer.raw() for buffer in buffers]
    if not HAS_MEMORY_FILES:
        connection.send((pickled, [bytearray(array) for array in arrays], []))
        return
    places = []  # (offset, end) of each array in the file, in bytes
    for array in arrays:
        offset = -(-(places[-1][1] if places else 0) // _ALIGNMENT) * _ALIGNMENT
        places.append((offset, offset + array.nbytes))
    connection.send((pickled, [], places))
    if places:
        # The receiver maps the file into its memory and copies nothing.
        with os.fdopen(os.memfd_create("arrays"), "wb") as file:
            for (offset, _), array in zip(places, arrays):
                file.seek(offset)
                file.write(array)
            file.truncate(max(places[-1][1], 1))  # a file of no bytes cannot be mapped
            reduction.send_handle(connection, file.fileno(), None)


def receive_answer(connection: Connection) -> Answer:
    """Receives what `send_answer` sent; its arrays may be written to."""
    pickled, arrays, places = connection.recv()
    if places:
        handle = reduction.recv_handle(connection)
        try:
            memory = memoryview(mmap.mmap(handle, 0))
        finally:
            os.close(handle)
        arrays = [memory[offset:end] for offset, end in places]
    return pickle.loads(pickled, buffers=arrays)
