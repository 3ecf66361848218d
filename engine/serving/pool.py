"""The queue of a server, and the workers that empty it; one that ends is replaced."""
import asyncio
import collections
import itertools
import logging
import os
import shutil
import tempfile
import time
from typing import Any, Callable, Deque, Dict, List, Optional, Sequence

from ...errors import CheckpointError
from .metrics import Metrics
from .pending import Pending, Refusal, Result
from .settings import Settings
from .worker_process import COMMAND, WorkerProcess

_LOGGER = logging.getLogger("light_head_rcnn")
# Seconds before a worker is started in the place of one that ended before it was ready; they double each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
# Seconds within which a worker that is well answers.
_PING = 2.0
_MEMORY = "/dev/shm"
# The weight of the latest batch in the mean time that a request takes.
_LATEST = 0.1


class _Batch:
    """Requests that a worker has, by number."""

    def __init__(self, items: Dict[int, Pending]):
        self.items, self.began, self.count = items, time.perf_counter(), len(items)
        self.timer: Optional[asyncio.TimerHandle] = None
        self.timed_out = False


class Pool:
    """The workers of a server, and the requests that wait for them.

    Args:
        settings: see `Settings`.
        metrics: is told of batches and of workers that ended.
        command: what a worker is started with.

    Attributes:
        description: what the workers tell of their detector; empty until one is ready.
        expecting: function that gives the number of bodies that are being received: a batch waits for them for a
            moment.
    """

    def __init__(self, settings: Settings, metrics: Metrics, command: Sequence[str] = COMMAND):
        self._settings, self._metrics, self._command = settings, metrics, command
        self._queue: Deque[Pending] = collections.deque()
        self._workers: List[WorkerProcess] = []
        self._numbers = itertools.count()
        self._starts: Dict[WorkerProcess, "asyncio.Future[None]"] = {}
        self._tasks: set = set()
        self._pause, self._seconds = _FIRST_PAUSE, 0.1
        self._wake: Optional[asyncio.TimerHandle] = None
        self._is_stopping, self._folder = False, ""
        self.description: Dict[str, Any] = {}
        self.expecting: Callable[[], int] = lambda: 0

    async def start(self) -> None:
        """Starts the workers, and waits until all are ready.

        Raises:
            CheckpointError: the detector cannot be loaded; the message is that of the error in the worker.
        """
        self._folder = tempfile.mkdtemp(prefix=f"lhrcnn-serve-{os.getpid()}-", dir=_memory_folder(self._settings))
        try:
            await asyncio.gather(*(self._start_worker(number) for number in range(self._settings.workers)))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends the workers; requests that still wait are refused."""
        self._is_stopping = True
        for task in list(self._tasks):
            task.cancel()
        for pending in self._queue:
            pending.refuse(_STOPPING)
        self._queue.clear()
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        for worker in self._workers:
            for batch in worker.running:
                batch.timer.cancel()
                for pending in batch.items.values():
                    pending.refuse(_STOPPING)
        self._workers.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """Whether the queue takes no more requests."""
        return len(self._queue) >= self._settings.queue

    @property
    def workers(self) -> Sequence[WorkerProcess]:
        """The worker processes."""
        return tuple(self._workers)

    async def is_ready(self) -> bool:
        """Whether a worker has its detector, and answers."""
        if self._is_stopping or not self._workers:
            return False
        return any(await asyncio.gather(*(worker.answers(_PING) for worker in self._workers)))

    def full(self) -> Refusal:
        """What a request is told that finds the queue full; the time is what the queue is expected to take."""
        lanes = max(sum(worker.lanes for worker in self._workers), 1)
        seconds = int(len(self._queue) * self._seconds / lanes) + 1
        return Refusal(503, "the server has too many requests waiting: try again later", min(seconds, 60))

    def submit(self, pending: Pending) -> None:
        """Puts a request into the queue.

        Raises:
            Refusal: the queue is full.
        """
        if self.is_full:
            raise self.full()
        self._queue.append(pending)
        self._send_batches()

    def cancel(self, pending: Pending) -> None:
        """Takes a request back that nobody waits for any more; what a worker has begun it finishes."""
        pending.future.cancel()
        if pending in self._queue:
            self._queue.remove(pending)

    def _send_batches(self) -> None:
        """Gives waiting requests to workers that are free."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        while self._queue:
            free = {worker: worker.lanes - len(worker.running) for worker in self._workers
                    if worker.lanes and not any(batch.items and next(iter(batch.items.values())).is_suspect
                               for batch in worker.running)}
            worker = max(free, key=free.get, default=None)
            if worker is None or free[worker] < 1:
                return
            if self._queue[0].is_suspect:
                worker = next((idle for idle in free if not idle.running), None)
                if worker is None:
                    return
                self._send(worker, 1)
                continue
            most = self._largest_batch()
            count = min(most, -(-len(self._queue) // sum(free.values())))
            remaining = self._settings.batch_wait - (time.perf_counter() - self._queue[0].arrived)
            if len(self._queue) < most and remaining > 0 and self.expecting():
                self._wake = asyncio.get_running_loop().call_later(remaining, self._send_batches)
                return
            self._send(worker, count)

    def _largest_batch(self) -> int:
        return min(self._settings.batch, self.description.get("batch", 1))

    def _send(self, worker: WorkerProcess, count: int) -> None:
        """Sends the first requests of the queue to a worker."""
        items: Dict[int, Pending] = {}
        while self._queue and len(items) < count and not (items and self._queue[0].is_suspect):
            items[next(self._numbers)] = self._queue.popleft()
        batch = _Batch(items)
        worker.running.append(batch)
        worker.send({"jobs": [pending.head(number) for number, pending in items.items()]},
                    [pending.body for pending in items.values()])
        batch.timer = asyncio.get_running_loop().call_later(
            self._settings.work_timeout, self._take_too_long, worker, batch)
        self._metrics.batch_images.observe(len(items))

    def _take_too_long(self, worker: WorkerProcess, batch: _Batch) -> None:
        batch.timed_out = True
        _LOGGER.error("worker %d took longer than %g s for an image: it is replaced", worker.pid,
                      self._settings.work_timeout)
        worker.kill()

    def _received(self, worker: WorkerProcess, head: Dict[str, Any], body: bytes) -> None:
        """Takes a message of a worker."""
        if "ready" in head:
            worker.lanes, worker.was_ready = int(head["lanes"]), True
            self.description, self._pause = head["ready"], _FIRST_PAUSE
            self._tell_start(worker, None)
        elif "failed" in head:
            self._tell_start(worker, CheckpointError(str(head["failed"])))
        else:
            for batch in worker.running:
                pending = batch.items.pop(head.get("number"), None)
                if pending is not None:
                    self._answer(pending, head, body)
                    if not batch.items:
                        self._finish(worker, batch)
                    break
        self._send_batches()

    def _answer(self, pending: Pending, head: Dict[str, Any], body: bytes) -> None:
        if head["status"] == 200:
            pending.finish(Result(body, head["seconds"]))
        else:
            pending.refuse(Refusal(int(head["status"]), body.decode(errors="replace")))

    def _finish(self, worker: WorkerProcess, batch: _Batch) -> None:
        worker.running.remove(batch)
        batch.timer.cancel()
        seconds = (time.perf_counter() - batch.began) / batch.count
        self._seconds += _LATEST * (seconds - self._seconds)

    def _ended(self, worker: WorkerProcess) -> None:
        """Takes note of a worker that has ended: its requests go to another one, and another one is started."""
        self._workers.remove(worker)
        reason = "time" if any(batch.timed_out for batch in worker.running) else "end"
        self._tell_start(worker, CheckpointError(
            f"the process that loads the detector {worker.exit_reason} before the detector was ready"))
        for batch in worker.running:
            batch.timer.cancel()
            for pending in reversed(list(batch.items.values())):
                self._put_back(pending, batch.timed_out and batch.count == 1)
        worker.running.clear()
        if self._is_stopping or not worker.was_ready:  # who waits for its start knows
            return
        _LOGGER.error("worker %d %s; another one is started in its place", worker.pid, worker.exit_reason)
        self._metrics.workers_replaced.labels(reason).inc()
        self._in_background(self._replace(worker.number))

    def _put_back(self, pending: Pending, took_too_long: bool) -> None:
        """Decides on a request whose worker has ended: it may have been the reason, or stood beside the reason."""
        if took_too_long:
            pending.refuse(Refusal(503, f"this image took longer than {self._settings.work_timeout:g} s"))
        elif pending.is_suspect:
            pending.refuse(Refusal(500, "the process that worked on this image ended: the image seems to be harmful"))
        elif not pending.future.done():
            pending.is_suspect = True
            self._queue.appendleft(pending)

    async def _replace(self, number: int) -> None:
        while not self._is_stopping:
            try:
                await self._start_worker(number)
                return
            except (CheckpointError, OSError) as error:
                _LOGGER.error("no worker could be started: %s", error)
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _start_worker(self, number: int) -> None:
        """Starts a worker, and waits until it is ready; see `start`."""
        cpus, environment = self._share(number)
        settings, folder = self._settings, os.path.join(self._folder, str(number))
        # One that was killed leaves images behind.
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        worker = WorkerProcess(number, self._command, {
            "model": settings.model, "engine": settings.engine, "precision": settings.precision,
            "max_megapixels": settings.max_megapixels, "batch": settings.batch, "cpus": cpus,
            "folder": folder,
        }, environment, self._received, self._ended)
        ready = self._starts[worker] = asyncio.get_running_loop().create_future()
        self._workers.append(worker)
        try:
            await worker.start()
        except OSError:
            self._workers.remove(worker)
            del self._starts[worker]
            await worker.stop()
            raise
        await ready

    def _tell_start(self, worker: WorkerProcess, error: Optional[Exception]) -> None:
        ready = self._starts.pop(worker, None)
        if ready is not None and not ready.done():
            if error is None:
                ready.set_result(None)
            else:
                ready.set_exception(error)

    def _share(self, number: int) -> Any:
        """The processors of a worker, None for all, and what its environment says of them."""
        cpus = sorted(os.sched_getaffinity(0))
        count = self._settings.threads or max(1, len(cpus) // self._settings.workers)
        if count >= len(cpus):
            return None, {}
        first = number * count
        return [cpus[(first + place) % len(cpus)] for place in range(count)], {"OMP_NUM_THREADS": str(count)}

    def _in_background(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _memory_folder(settings: Settings) -> Optional[str]:
    """A folder in memory for images that are being read; None for the usual one, where that is small or missing."""
    try:
        return _MEMORY if shutil.disk_usage(_MEMORY).free >= settings.upload_memory else None
    except OSError:
        return None


_STOPPING = Refusal(503, "the server is being stopped", 10)
