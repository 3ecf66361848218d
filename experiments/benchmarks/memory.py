"""Peak memory of one side of a case, in a process of its own: nothing that ran before is in the way.

The process runs ``python -m light_head_rcnn.experiments.benchmarks.memory NAME ours|peer`` and prints bytes.
"""
import ctypes
import gc
import os
import subprocess
import sys

# Of /proc/PID/status: memory in use, and the most that ever was.
USED, MOST = "VmRSS:", "VmHWM:"


def peak_bytes(name, side):
    """Bytes beyond those in use before that `side` ("ours" or "peer") of the case `name` takes at most.

    None where the system does not tell (it needs Linux's /proc and the GNU C library).
    """
    return of_process(__name__, name, side)


def of_process(module, *arguments):
    """What `python -m module ARGUMENTS` prints of `measure`: bytes, or None.

    Raises subprocess.CalledProcessError where it fails.
    """
    # What is freed goes back to the system at once, so that what is taken again counts again.
    environment = dict(os.environ, MALLOC_ARENA_MAX="1", MALLOC_MMAP_THRESHOLD_="65536")
    run = subprocess.run([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, universal_newlines=True,
                         check=True, env=environment)
    return int(run.stdout) if run.stdout.strip() != "None" else None


def measure(step):
    """Bytes that `step()` takes at most beyond those in use before, once everything it needs is loaded; or None."""
    import mxnet as mx
    try:
        step()
        mx.nd.waitall()
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        before = _status(USED)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # sets the most to what is in use
        step()
        mx.nd.waitall()
        return _status(MOST) - before
    except OSError:
        return None


def _status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))


def main(name, side):
    from . import operators
    job = next(case for case in operators.all_cases() if case.name == name).make()
    step = {"ours": job.ours_step, "peer": job.peer_step}[side]
    if step is None:
        start = {"ours": job.ours, "peer": job.peer}[side]
        step = lambda: start()()  # noqa: E731
    print(measure(step))


if __name__ == "__main__":
    main(*sys.argv[1:])
