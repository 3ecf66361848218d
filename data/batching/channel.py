"""Messages between the main process and a worker, which neither can hang the other by.

Either end may be stopped or killed at any byte of a message. So no end waits in a read or a write: it waits for the
socket to be ready, and looks up from time to time.
"""
import array
import os
import select
import socket
import struct
from collections import deque
from typing import Callable, Deque, NamedTuple, Optional, Sequence, Tuple

_HEADER = struct.Struct("!QQ?")  # bytes of the head, bytes of the arrays, and whether these are in a file
_FILE_SPACE = socket.CMSG_SPACE(array.array("i").itemsize)
TICK = 1.0  # seconds between two looks of an end that waits


class Message(NamedTuple):
    """A message as it arrives.

    Attributes:
        head: the bytes that its sender gave.
        size: bytes of the arrays; 0 where there are none.
        arrays: these bytes; None where they are in a file.
        file: the handle of that file, which the receiver closes; None without one, and where it got lost on the way
            because this process may open no more files.
    """

    head: bytes
    size: int
    arrays: Optional[memoryview]
    file: Optional[int]


class Channel:
    """One end of a channel; it is closed when it is deleted.

    Args:
        end: a stream socket of the system's own family.

    Attributes:
        is_torn: whether `receive` was left by an exception, such as Ctrl-C, within a message: no other can follow.
    """

    def __init__(self, end: socket.socket):
        self._socket, self.is_torn = end, False
        self._unsent: Deque[memoryview] = deque()
        end.setblocking(False)

    def __del__(self) -> None:
        self.close()

    def fileno(self) -> int:
        """Returns the handle of the socket."""
        return self._socket.fileno()

    def close(self) -> None:
        """Closes this end."""
        self._socket.close()

    def is_closed_there(self) -> bool:
        """True where the other end is closed; what it sent before may still be there to be received."""
        return bool(_wait(self._socket, select.POLLIN, 0) & (select.POLLHUP | select.POLLERR | select.POLLNVAL))

    def post(self, head: bytes, arrays: Sequence[memoryview] = ()) -> None:
        """Sends a message as far as the other end takes it at once; the rest goes with `flush` and `receive`.

        Args:
            head: its first bytes.
            arrays: bytes that follow; they must not change before they are sent.

        Raises:
            OSError: the other end is closed.
        """
        size = sum(part.nbytes for part in arrays)
        parts = [memoryview(_HEADER.pack(len(head), size, False)), memoryview(head), *arrays]
        self._unsent += [part for part in parts if part.nbytes]
        self._send()

    def post_with_file(self, head: bytes, size: int, file: int) -> None:
        """Sends a message whose arrays are in a file; nothing may be unsent.

        Args:
            head: its first bytes.
            size: bytes of the arrays.
            file: handle of the file, of which the other end gets a copy.

        Raises:
            OSError: the other end is closed, or the system refuses to hand a file over. Nothing was sent then.
        """
        header = _HEADER.pack(len(head), size, True)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))]
        while True:
            try:
                sent = self._socket.sendmsg([header], rights)
                break
            except BlockingIOError:
                _wait(self._socket, select.POLLOUT, None)
        self._unsent += [part for part in (memoryview(header)[sent:], memoryview(head)) if part.nbytes]

    def flush(self) -> None:
        """Waits until everything is sent.

        Raises:
            OSError: the other end is closed.
        """
        while self._unsent:
            _wait(self._socket, select.POLLOUT, None)
            self._send()

    def receive(self, idle: Optional[Callable[[float], None]] = None) -> Message:
        """Waits for a message, and meanwhile sends what is unsent.

        Args:
            idle: is called when nothing has come for a while, every `TICK` seconds, with the seconds so far; it ends
                the waiting by an exception. A stop of this process itself does not count.

        Raises:
            EOFError: the other end is closed.
            OSError: the other end is closed.
        """
        header, file = self._take_header(idle)
        head_size, size, has_file = _HEADER.unpack(header)
        head = bytes(self._take(head_size, idle))
        arrays = None if has_file else self._take(size, idle)
        self.is_torn = False
        return Message(head, size, arrays, file)

    def _take_header(self, idle: Optional[Callable[[float], None]]) -> Tuple[bytes, Optional[int]]:
        header, file = b"", None
        while len(header) < _HEADER.size:
            self._await_bytes(idle)
            try:
                taken, rights, _, _ = self._socket.recvmsg(_HEADER.size - len(header), _FILE_SPACE)
            except BlockingIOError:
                continue
            if not taken:
                raise EOFError
            self.is_torn = True
            header += taken
            for _, _, content in rights:
                if len(content) == array.array("i").itemsize:
                    file = array.array("i", content)[0]
                    os.set_inheritable(file, False)
        return header, file

    def _take(self, size: int, idle: Optional[Callable[[float], None]]) -> memoryview:
        content = memoryview(bytearray(size))
        done = 0
        while done < size:
            try:
                taken = self._socket.recv_into(content[done:])
            except BlockingIOError:
                self._await_bytes(idle)
                continue
            if not taken:
                raise EOFError
            done += taken
        return content

    def _await_bytes(self, idle: Optional[Callable[[float], None]]) -> None:
        waited = 0.0
        while True:
            wanted = select.POLLIN | (select.POLLOUT if self._unsent else 0)
            ready = _wait(self._socket, wanted, None if idle is None else TICK)
            if ready & (select.POLLIN | select.POLLHUP | select.POLLERR):
                return
            if ready & select.POLLOUT:
                self._send()
            elif not ready and idle is not None:
                waited += TICK
                idle(waited)

    def _send(self) -> None:
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent[0])
            except BlockingIOError:
                return
            if sent < self._unsent[0].nbytes:
                self._unsent[0] = self._unsent[0][sent:]
            else:
                self._unsent.popleft()


def open_channel() -> Tuple[Channel, socket.socket]:
    """Returns this process's end of a new channel, and the socket of the other one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return Channel(ours), theirs


def _wait(end: socket.socket, events: int, seconds: Optional[float]) -> int:
    """Returns the events of which a socket is ready, as `select.poll` numbers them; 0 where the time is over."""
    waiting = select.poll()
    waiting.register(end, events)
    ready = waiting.poll(None if seconds is None else 1000 * seconds)
    return ready[0][1] if ready else 0
