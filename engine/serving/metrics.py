"""What a server counts, in the text format of Prometheus."""
import os
import time
from typing import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from ...process_memory import resident_bytes
from .worker_process import WorkerProcess

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_FRESH = 0.1
_IMAGES = (1, 2, 3, 4, 6, 8)


class Metrics:
    """The numbers of one server.

    Attributes:
        requests: finished requests, by path and status.
        seconds: from the first byte of a request to its answer, of those with detections.
        stages: seconds of the stages of the work: queue, read, network.
        batch_images: images that went to a worker together.
        workers_replaced: workers that ended and were replaced, by reason: "end", or "time" for those that took too
            long.
        connections_closed: connections that the server closed, by reason.
    """

    def __init__(self):
        self._registry, self._text, self._made = CollectorRegistry(), b"", -_FRESH
        self.requests = Counter("lhrcnn_requests", "Finished requests.", ["path", "status"], registry=self._registry)
        self.seconds = Histogram("lhrcnn_request_seconds", "Seconds from the headers of a request to its answer.",
                                 buckets=_SECONDS, registry=self._registry)
        self.stages = Histogram("lhrcnn_stage_seconds", "Seconds of the stages of the work on an image.", ["stage"],
                                buckets=_SECONDS, registry=self._registry)
        self.batch_images = Histogram("lhrcnn_batch_images", "Images that went to a worker together.",
                                      buckets=_IMAGES, registry=self._registry)
        self.workers_replaced = Counter("lhrcnn_workers_replaced", "Workers that ended and were replaced.", ["reason"],
                                        registry=self._registry)
        self.connections_closed = Counter("lhrcnn_connections_closed", "Connections that the server closed.",
                                          ["reason"], registry=self._registry)

    def watch(self, waiting: Callable[[], int], workers: Callable[[], Sequence[WorkerProcess]],
              upload_bytes: Callable[[], int], connections: Callable[[], int]) -> None:
        """Has the numbers shown that hold at the moment when they are asked for.

        Args:
            waiting: function that gives the number of requests in the queue.
            workers: function that gives the worker processes.
            upload_bytes: function that gives the bytes of bodies that are held.
            connections: function that gives the number of open connections.
        """
        for name, help_text, function in (
                ("lhrcnn_queue_length", "Requests that wait for a worker.", waiting),
                ("lhrcnn_upload_bytes", "Bytes of request bodies that are held.", upload_bytes),
                ("lhrcnn_connections", "Open connections.", connections),
                ("lhrcnn_workers_ready", "Workers that have their detector.",
                 lambda: sum(worker.lanes > 0 for worker in workers()))):
            Gauge(name, help_text, registry=self._registry).set_function(function)
        self._registry.register(_Memory(workers))

    def text(self) -> bytes:
        """All numbers, in the text format of Prometheus; up to `_FRESH` seconds old, so that asking costs little."""
        now = time.monotonic()
        if now - self._made > _FRESH:
            self._text, self._made = generate_latest(self._registry), now
        return self._text


class _Memory:
    """Resident memory of the processes, read when it is asked for."""

    def __init__(self, workers: Callable[[], Sequence[WorkerProcess]]):
        self._workers = workers

    def collect(self) -> list:
        family = GaugeMetricFamily("lhrcnn_resident_memory_bytes", "Memory that a process holds.", labels=["process"])
        family.add_metric(["server"], resident_bytes(os.getpid()))
        for worker in self._workers():
            family.add_metric([f"worker_{worker.number}"], worker.resident_memory())
        return [family]
