"""Starts the scheduler, the servers and the workers of one training, watches them, and ends them together."""
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...process_ends import describe_end
from . import agent
from .hosts import HERE, SSH, Host, command_on
from .kvstore_group import VARIABLES, WORKER_NUMBER

_SERVE = "import sys; from light_head_rcnn.engine.parallel.server import serve; sys.exit(serve(True))"
_WORK = "import sys; from light_head_rcnn.experiments.commands.main import main; sys.exit(main())"
# Variables of this process that those on other machines get too.
_PASSED_ON = ("PYTHONPATH", "OMP_NUM_THREADS", "PS_HEARTBEAT_INTERVAL", "PS_HEARTBEAT_TIMEOUT", "DMLC_INTERFACE",
              "PS_VERBOSE", "LHRCNN_IMPORT")
_LEAVE_SECONDS = 20  # in which the scheduler and the servers end after the last worker
_GRACE_SECONDS = 5  # between SIGTERM and SIGKILL, when one process has died
_SSH_FAILED = 255
FAILED_TO_END = 75


class Plan(NamedTuple):
    """What is to be started.

    Attributes:
        workers, servers: numbers of processes.
        arguments: of the command line of each worker, behind "lhrcnn".
        hosts: machines; workers and servers are dealt out to them in turn, the scheduler is on the first.
        port: of the scheduler; 0 takes a free one, on this machine only.
        ssh: see `hosts.command_on`.
        folder: takes a log file of each process; None for none.
        threads: threads of each worker, or 0 to leave it to the worker.
    """

    workers: int
    servers: int
    arguments: Sequence[str]
    hosts: Sequence[Host] = (HERE,)
    port: int = 0
    ssh: str = SSH
    folder: Optional[Path] = None
    threads: int = 0


class _Process:
    """A process that was started, by an agent on its machine."""

    def __init__(self, name: str, host: Host, command: Sequence[str], log: Optional[Path]):
        self.name, self.host, self.log = name, host, log
        self.is_worker = name.startswith("worker")
        self._agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        self.output: IO[bytes] = self._agent.stdout

    @property
    def status(self) -> Optional[int]:
        """Exit status, 128 and more where a signal ended it, or None while it runs."""
        status = self._agent.poll()
        return status if status is None or status >= 0 else 128 - status

    def send(self, number: int) -> None:
        """Sends a signal to the process."""
        try:
            self._agent.stdin.write(b"%d\n" % number)
            self._agent.stdin.flush()
        except OSError:  # it has ended
            pass

    def abandon(self) -> None:
        """Ends the agent itself, where it does not answer."""
        if self._agent.poll() is None:
            self._agent.kill()

    def describe(self) -> str:
        """Says which process this is and how it ended."""
        if self.host.name and self.status == _SSH_FAILED:
            how = f"ended with status {_SSH_FAILED}, as ssh does where it cannot reach a machine or loses it"
        else:
            how = describe_end(self.status)
        return f"{self.name} on {self.host.name} {how}" if self.host.name else f"{self.name} {how}"


def free_port() -> int:
    """Returns a port of this machine that nothing listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def launch(plan: Plan, show: Callable[[str], None]) -> int:
    """Runs a plan to its end.

    SIGINT and SIGTERM go to the workers, which save and end together. Where a process dies or fails, all others are
    ended. Nothing is left running.

    Args:
        plan: what to start.
        show: takes the lines of all processes, each with the name of its process before it, and this function's own.

    Returns:
        0, or the exit status of the first process that failed: 128 and more where a signal ended it. After a signal to
        this process: 128 and the signal's number.
    """
    signals: "queue.SimpleQueue[int]" = queue.SimpleQueue()
    handlers = {number: signal.signal(number, lambda received, frame: signals.put(received))
                for number in (signal.SIGINT, signal.SIGTERM)}
    processes: List[_Process] = []
    try:
        for name, host, variables, words in _commands(plan):
            log = None if plan.folder is None else Path(plan.folder) / f"{name.replace(' ', '-')}.log"
            command = command_on(host, plan.ssh, os.getcwd(), variables,
                                 [sys.executable, "-u", "-c", Path(agent.__file__).read_text(encoding="utf-8"), *words])
            processes.append(_Process(name, host, command, log))
        readers = [threading.Thread(target=_copy_lines, args=(process, show), daemon=True) for process in processes]
        for reader in readers:
            reader.start()
        status = _watch(processes, signals, show)
        _end(processes)
        for reader in readers:
            reader.join(timeout=2)
        return status
    finally:
        _end(processes)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _commands(plan: Plan) -> Iterator[Tuple[str, Host, List[str], List[str]]]:
    """Yields the name, the machine, the variables and the command of each process of a plan."""
    values = (None, plan.hosts[0].address, plan.port or free_port(), plan.workers, plan.servers)
    shared = {name: value for name, value in zip(VARIABLES, values) if value is not None}
    shared.update({name: os.environ[name] for name in _PASSED_ON if name in os.environ})
    roles = [("scheduler", 0)] + [("server", i) for i in range(plan.servers)] + [
        ("worker", i) for i in range(plan.workers)]
    for role, number in roles:
        host = plan.hosts[number % len(plan.hosts)]
        variables: Dict[str, object] = dict(shared, DMLC_ROLE=role, DMLC_NODE_HOST=host.address)
        words = [sys.executable, "-u", "-c", _SERVE]
        if role == "worker":
            variables[WORKER_NUMBER] = number
            if plan.threads:
                variables["OMP_NUM_THREADS"] = plan.threads
            words = [sys.executable, "-u", "-c", _WORK, *plan.arguments]
        name = role if role == "scheduler" else f"{role} {number}"
        yield name, host, [f"{key}={value}" for key, value in variables.items()], words


def _watch(processes: Sequence[_Process], signals: "queue.SimpleQueue[int]", show: Callable[[str], None]) -> int:
    """Waits until all workers have ended well, one process has not, or a signal has ended all; returns the status."""
    workers = [process for process in processes if process.is_worker]
    received = 0
    deserted: Optional[float] = None  # when the scheduler or a server had ended before the workers
    while True:
        try:
            received = signals.get(timeout=0.2)
            show(f"{signal.Signals(received).name}: passed on to the {len(workers)} workers, which save and end")
            for worker in workers:
                worker.send(received)
        except queue.Empty:
            pass
        expected = {None, 0, 128 + received} if received else {None, 0}
        failed = [process for process in processes if process.status not in expected]
        gone = [process for process in processes if not process.is_worker and process.status == 0]
        if gone and deserted is None:
            deserted = time.monotonic()
        if deserted is not None and time.monotonic() - deserted > _LEAVE_SECONDS and any(
                worker.status is None for worker in workers):
            failed += gone
        if failed:
            # Where several have failed, the first is the cause more often when it was ended by a signal.
            first = max(failed, key=lambda process: 128 < process.status < _SSH_FAILED)
            show(f"error: {first.describe()}; the other processes are ended" + (
                f". Its lines are in {first.log}" if first.log else ""))
            return first.status or FAILED_TO_END
        if all(worker.status is not None for worker in workers):
            _leave(processes)
            return 128 + received if any(worker.status for worker in workers) else 0


def _leave(processes: Sequence[_Process]) -> None:
    """Gives the scheduler and the servers time to end by themselves."""
    until = time.monotonic() + _LEAVE_SECONDS
    while time.monotonic() < until and any(process.status is None for process in processes):
        time.sleep(0.05)


def _end(processes: Sequence[_Process]) -> None:
    """Ends all processes that still run."""
    for number, seconds in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, _GRACE_SECONDS)):
        running = [process for process in processes if process.status is None]
        for process in running:
            process.send(number if process.is_worker else signal.SIGKILL)
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(process.status is None for process in running):
            time.sleep(0.05)
    for process in processes:
        process.abandon()


def _copy_lines(process: _Process, show: Callable[[str], None]) -> None:
    """Copies the lines of a process to its log file and, with its name before them, to `show`."""
    log = None
    if process.log is not None:
        process.log.parent.mkdir(parents=True, exist_ok=True)
        log = process.log.open("a", encoding="utf-8")
    for line in process.output:
        text = line.decode("utf-8", "replace").rstrip("\n")
        if log is not None:
            log.write(text + "\n")
            log.flush()
        show(f"[{process.name}] {text}")
    if log is not None:
        log.close()
