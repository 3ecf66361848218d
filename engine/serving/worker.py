"""The process that decodes images and runs the detector: the only one that touches what strangers send.

A decoder or an engine that crashes ends this process alone. The server starts another one, and goes on.
"""
import contextlib
import logging
import os
import queue
import shutil
import signal
import socket
import sys
import threading
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

from ...errors import LightHeadError
from . import frames

_LOGGER = logging.getLogger("light_head_rcnn")
# Where memory runs out, the kernel ends the process with the largest number; the server itself has 0.
_OUT_OF_MEMORY_SCORE = "500"


class Job(NamedTuple):
    """What a client sent.

    Attributes:
        number: of the request.
        body: an image, or a form with one.
        content_type: of the body.
        threshold: least score of a detection.
        most: detections at most; None for all.
        waited: seconds that the request waited for a worker.
    """

    number: int
    body: bytes
    content_type: str
    threshold: float
    most: Any
    waited: float


class Answer(NamedTuple):
    """What a client gets: the status of HTTP, and a JSON text, or with another status than 200 a line of plain text."""

    status: int
    text: str
    seconds: Dict[str, float] = {}  # by stage of the work


class Work:
    """What a worker does with jobs; threads call it.

    Attributes:
        description: what the server tells of the detector, values of JSON. "batch" is how many images of the usual size
            it takes at a time with gain.
        lanes: batches that are worked on at a time.
    """

    description: Dict[str, Any] = {}
    lanes = 1

    def __call__(self, jobs: Sequence[Job], answer: Callable[[Job, Answer], None]) -> None:
        """Calls `answer` for each job as soon as it is known."""
        raise NotImplementedError


def run(load: Callable[[Dict[str, Any]], Work], connection: socket.socket) -> None:
    """Works until the server closes the connection, and then ends the process at once.

    Args:
        load: function from the settings, a dict, to the work.
        connection: to the server, whose first message is the settings.
    """
    # The server decides when its workers end: Ctrl-C in a terminal reaches all of its processes.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OUT_OF_MEMORY_SCORE)
    first = frames.receive_blocking(connection)
    if first is not None:
        worker = _Worker(connection)
        try:
            work = load(first[0])
        except LightHeadError as error:
            worker.send({"failed": str(error)})
        else:
            worker.serve(work)
        # The server may be gone, and cannot do it; the last worker removes the folder around those of all.
        shutil.rmtree(first[0]["folder"], ignore_errors=True)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(first[0]["folder"]))
    # Threads may be inside an engine, which nothing can interrupt. There is nothing to save.
    sys.stderr.flush()
    os._exit(0)


class _Worker:
    """The connection to the server, and the threads that work."""

    def __init__(self, connection: socket.socket):
        self._connection, self._lock = connection, threading.Lock()
        self._batches: "queue.SimpleQueue[List[Job]]" = queue.SimpleQueue()

    def send(self, head: Dict[str, Any], body: bytes = b"") -> None:
        """Sends a message; where the server has ended, this process does too."""
        with self._lock:
            try:
                self._connection.sendall(b"".join(frames.pack(head, [body])))
            except OSError:
                os._exit(0)

    def serve(self, work: Work) -> None:
        """Takes batches until the connection is closed."""
        for number in range(work.lanes):
            threading.Thread(target=self._lane, args=(work,), name=f"lhrcnn-lane-{number}", daemon=True).start()
        self.send({"ready": work.description, "lanes": work.lanes})
        while True:
            message = frames.receive_blocking(self._connection)
            if message is None:
                return
            head, body = message
            if "ping" in head:
                self.send({"pong": head["ping"]})
                continue
            jobs, start = [], 0
            for job in head["jobs"]:
                length = job.pop("length")
                jobs.append(Job(body=body[start:start + length], **job))
                start += length
            self._batches.put(jobs)

    def _lane(self, work: Work) -> None:
        while True:
            jobs = self._batches.get()
            waiting = {job.number for job in jobs}

            def answer(job: Job, given: Answer, waiting: set = waiting) -> None:
                waiting.discard(job.number)
                self.send({"number": job.number, "status": given.status, "seconds": given.seconds},
                          given.text.encode())

            try:
                work(jobs, answer)
            except Exception:
                _LOGGER.exception("a defect of the program")
            for job in jobs:
                if job.number in waiting:
                    answer(job, Answer(500, "the server failed on this image; its log says why"))
            del jobs, answer  # images are not kept until the next batch comes


def main(load: Callable[[Dict[str, Any]], Work]) -> None:
    """Runs a worker process: its argument is the number of the connection's file."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it has a line for each broken form
    run(load, socket.socket(fileno=int(sys.argv[1])))
