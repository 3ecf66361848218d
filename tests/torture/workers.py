"""The data workers of a training are killed, stopped or refused what they need: its losses stay the same.

Each training gets one kind of harm, at random moments: workers are killed (SIGKILL), crash (SIGSEGV), or are stopped
(SIGSTOP); the process that starts them is killed, or stopped and a worker killed; files in memory are refused as a
sandbox does it (seccomp); /dev/shm has one megabyte. At the end the main process is killed while a worker and its
server are stopped, and nothing may stay behind. `python tests/torture/workers.py --times 5 --seed 1`; the sandbox and
the small /dev/shm need root on Linux.
"""
import ctypes
import os
import platform
import random
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

from trainings import Trial, arguments, place

_CALLS = {"x86_64": (0xC000003E, 319), "aarch64": (0xC00000B7, 279)}  # audit architecture, number of memfd_create
_WORKERS = "TRAIN.NUM_WORKERS=2"


def refuse_memory_files() -> None:
    """Lets the system refuse memfd_create in this process and all that it starts, as a sandbox does."""
    architecture, number = _CALLS[platform.machine()]
    program = b"".join(struct.pack("=HBBI", *instruction) for instruction in (
        (0x20, 0, 0, 4), (0x15, 0, 3, architecture), (0x20, 0, 0, 0), (0x15, 0, 1, number),
        (0x06, 0, 0, 0x00050000 | 1), (0x06, 0, 0, 0x7FFF0000)))
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HL", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.create_string_buffer(header), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def small_shared_memory() -> None:
    """Gives this process, and all that it starts, a /dev/shm of one megabyte of their own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000):
        raise OSError(ctypes.get_errno(), "unshare")
    for command in (["mount", "--make-rprivate", "/"], ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/dev/shm"]):
        subprocess.run(command, check=True)


def children(process: int) -> List[int]:
    """Returns the processes that a process has started."""
    try:
        return [int(child) for task in Path(f"/proc/{process}/task").iterdir()
                for child in (task / "children").read_text().split()]
    except OSError:
        return []


def server_of(process: int) -> Optional[int]:
    """Returns the process from which a training's workers are forked."""
    return next((child for child in children(process) if children(child)), None)


def run(folder: Path, times: int, seed: int, report: Callable[[str], None] = print) -> Dict[str, int]:
    """Does harm `times` times in each way that sends signals; raises AssertionError where anything is lost."""
    trial, draw, counts = Trial(folder, images=40), random.Random(seed), {}
    try:
        assert trial.train("whole", _WORKERS) == 0, trial.said("whole")
        for what, number, of_server in (
                ("killed", signal.SIGKILL, False), ("crashed", signal.SIGSEGV, False),
                ("stopped", signal.SIGSTOP, False), ("server killed", signal.SIGKILL, True),
                ("server stopped", signal.SIGSTOP, True)):
            counts[what] = _with_signals(trial, draw, what.replace(" ", "-"), number, of_server, times)
        for what, before in (("memory files refused", refuse_memory_files), ("/dev/shm of 1 MB", small_shared_memory)):
            if os.geteuid() == 0 and platform.machine() in _CALLS:
                _with_sandbox(trial, what, before)
                counts[what] = 1
        _main_killed(trial)
    finally:
        trial.kill_all()
    report(f"seed {seed}: " + ", ".join(f"{what} {count}" for what, count in counts.items())
           + f"; each of the {trial.steps * trial.epochs} steps had the losses of an unbroken run, whose weights each "
           "training ended with; the main process killed: no process left")
    return counts


def _with_signals(trial: Trial, draw: random.Random, name: str, number: int, of_server: bool, times: int) -> int:
    process, done = trial.start(name, _WORKERS), 0
    while done < times and process.poll() is None:
        trial.wait_for_step(name, trial.steps_of(name) + 1, process)
        time.sleep(draw.uniform(0, 0.2))
        server = server_of(process.pid)
        victims = [server] if of_server else children(server) if server else []
        if victims and victims[0] is not None:
            workers = children(server)
            os.kill(draw.choice(victims), number)
            if of_server and number == signal.SIGSTOP:
                os.kill(draw.choice(workers), signal.SIGKILL)  # only who starts workers misses a stopped server
            done += 1
    assert process.wait() == 0, trial.said(name)
    said = trial.said(name)
    assert trial.result(name) == trial.result("whole"), name
    assert "Traceback" not in said, said
    assert "a new worker takes its place, and nothing is left out" in said, said
    assert trial.left_processes() == []
    return done


def _with_sandbox(trial: Trial, what: str, before: Callable[[], None]) -> None:
    name = before.__name__
    assert trial.train(name, _WORKERS, before=before) == 0, trial.said(name)
    assert trial.result(name) == trial.result("whole"), what
    said = trial.said(name).count("the system refuses files in memory")
    assert said == (before is refuse_memory_files), trial.said(name)


def _main_killed(trial: Trial) -> None:
    process = trial.start("orphans", _WORKERS)
    trial.wait_for_step("orphans", 2, process)
    server = server_of(process.pid)
    for stopped in (children(server)[0], server):
        os.kill(stopped, signal.SIGSTOP)
    process.kill()
    process.wait()
    assert trial.left_processes() == []


if __name__ == "__main__":
    options = arguments(__doc__, times=3)
    with place(options.folder or tempfile.gettempdir()) as own:  # not in /dev/shm, which is hidden
        run(own, options.times, options.seed)
