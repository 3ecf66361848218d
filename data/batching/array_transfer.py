"""Hands results of workers to another process, without a copy of their arrays where the system has files in memory."""
import logging
import mmap
import os
import pickle
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from .channel import Channel, Message

HAS_MEMORY_FILES = hasattr(os, "memfd_create")
_ALIGNMENT = 64  # bytes
_WORTH_A_FILE = 1 << 16  # bytes of arrays; a file stays open as long as its arrays are there
_LOGGER = logging.getLogger("light_head_rcnn")


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


class LostFile(Exception):
    """Is the error of an answer whose arrays did not arrive: this process may open no more files."""


class AnswerSender:
    """A worker's side: sends answers, see `receive_answer`.

    Where the system refuses a file in memory, that is logged, and all further arrays go through the channel.

    Args:
        channel: to the main process.
        lines: what has been logged; it is sent with the next answer, and emptied.
    """

    def __init__(self, channel: Channel, lines: List[Tuple[int, str]]):
        self._channel, self._lines, self._has_files = channel, lines, HAS_MEMORY_FILES

    def send(self, ticket: Tuple[int, int], error: Optional[Tuple[Exception, str]], result: Any,
             may_use_files: bool) -> None:
        """Sends an answer, and waits until it is on its way.

        Args:
            ticket, error, result: of the `Answer`.
            may_use_files: whether the main process can receive files.
        """
        buffers: List[pickle.PickleBuffer] = []
        # The memory of arrays, which is most of a result, does not become part of the pickle.
        pickled = pickle.dumps((error, result), protocol=5, buffer_callback=buffers.append)
        arrays = [buffer.raw() for buffer in buffers]
        places: List[Tuple[int, int]] = []  # (offset, end) of each array, in bytes
        for one in arrays:
            offset = -(-(places[-1][1] if places else 0) // _ALIGNMENT) * _ALIGNMENT
            places.append((offset, offset + one.nbytes))
        size = places[-1][1] if places else 0
        if not (may_use_files and self._has_files and size >= _WORTH_A_FILE
                and self._sent_as_file(ticket, pickled, places, arrays)):
            parts, end = [], 0
            for (offset, next_end), one in zip(places, arrays):
                parts += [memoryview(bytes(offset - end)), one]
                end = next_end
            self._channel.post(self._head(ticket, pickled, places), parts)
            self._channel.flush()
        self._lines.clear()

    def _head(self, ticket: Tuple[int, int], pickled: bytes, places: Sequence[Tuple[int, int]]) -> bytes:
        return pickle.dumps((ticket, pickled, list(places), list(self._lines)))

    def _sent_as_file(self, ticket: Tuple[int, int], pickled: bytes, places: Sequence[Tuple[int, int]],
                      arrays: Sequence[memoryview]) -> bool:
        try:
            # The receiver maps the file into its memory and copies nothing.
            with os.fdopen(os.memfd_create("arrays"), "wb") as file:
                for (offset, _), one in zip(places, arrays):
                    file.seek(offset)
                    file.write(one)
                file.flush()
                self._channel.post_with_file(self._head(ticket, pickled, places), places[-1][1], file.fileno())
        except ConnectionError:
            raise
        except OSError as error:
            self._has_files = False
            _LOGGER.warning("the system refuses files in memory (%s): workers hand their batches over through pipes, "
                            "which takes longer and changes nothing else", error.strerror or error)
            return False
        self._channel.flush()
        return True


def as_answer(message: Message) -> Answer:
    """Returns the answer that a message brings; its arrays may be written to.

    Where they did not arrive, its error is a `LostFile`.
    """
    ticket, pickled, places, lines = pickle.loads(message.head)
    if message.arrays is not None:
        memory = message.arrays
    elif message.file is None:
        return Answer(ticket, (LostFile(), ""), None, lines)
    else:
        memory = _content(message.file, message.size)
    arrays = [memory[offset:end] for offset, end in places]
    return Answer(ticket, *pickle.loads(pickled, buffers=arrays), lines)


def _content(file: int, size: int) -> memoryview:
    """Returns the bytes of a file, and closes it."""
    try:
        try:
            return memoryview(mmap.mmap(file, size))  # keeps a handle of its own
        except OSError:
            content = memoryview(bytearray(size))
            done = 0
            while done < size:
                done += os.preadv(file, [content[done:]], done)
            return content
    finally:
        os.close(file)
