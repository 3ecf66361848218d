"""Time of a detector on one image, on an idle and on a busy machine, for several ways in which threads wait for work.

Each setting of the environment gets a process of its own; all of them live at the same time and measure by turns. Then
the same is done with other programs beside that never rest::

    python -m light_head_rcnn.experiments.benchmarks.busy_machine --size 128 128 --busy 2
    python -m light_head_rcnn.experiments.benchmarks.busy_machine GOMP_SPINCOUNT=300000 OMP_WAIT_POLICY=passive
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence

import numpy as np

from ...engine.files import write_json
from ...errors import UsageError
from .machine import describe_machine
from .memory_over_sizes import Size, inference_step
from .timing import take_by_turns

# 300000 is what libgomp does by itself.
SETTINGS = ("GOMP_SPINCOUNT=300000", "GOMP_SPINCOUNT=10000", "GOMP_SPINCOUNT=5000", "GOMP_SPINCOUNT=3000",
            "GOMP_SPINCOUNT=2000", "GOMP_SPINCOUNT=1000", "OMP_WAIT_POLICY=passive", "OMP_NUM_THREADS=1")
HEADER = f"{'':24}" + "".join(f" {name + ': median':>13} {'90th %':>7} {'processor':>10}" for name in ("idle", "busy"))


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints a line for each setting, in milliseconds, and can write all numbers as JSON.

    Args:
        argv: the words of the command line; default: those of this process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", default=list(SETTINGS), metavar="NAME=VALUE",
                        help=f"variables of the environment (default: {' '.join(SETTINGS)})")
    parser.add_argument("--model", default="light_head_rcnn_xception_coco", metavar="NAME",
                        help="a name of `get_model` (default: light_head_rcnn_xception_coco)")
    parser.add_argument("--size", type=int, nargs=2, default=[128, 128], metavar=("HEIGHT", "WIDTH"),
                        help="of the image (default: 128 128)")
    parser.add_argument("--images", type=int, default=24, metavar="N", help="timed for each setting (default: 24)")
    parser.add_argument("--turn", type=int, default=8, metavar="N", help="images before it is the next setting's turn "
                        "(default: 8)")
    parser.add_argument("--busy", type=int, default=2, metavar="N", help="programs beside that never rest (default: 2)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # measures in this process
    args = parser.parse_args(argv)
    if args.here:
        serve(args.model, tuple(args.size))
        return 0
    with contextlib.ExitStack() as stack:
        timers = {setting: stack.enter_context(timer_process(setting, args.model, args.size))
                  for setting in args.settings}
        idle = take_by_turns(timers, args.images, args.turn)
        with busy_loops(args.busy):
            busy = take_by_turns(timers, args.images, args.turn)
    results: Dict[str, Any] = dict(vars(args), machine=describe_machine(), idle=idle, busy=busy)
    print(HEADER)
    for setting in args.settings:
        print(format_row(setting, idle[setting], busy[setting]))
    if args.json:
        write_json(args.json, results)
    return 0


def serve(model: str, size: Size) -> None:
    """Runs a detector on one image for each line that comes in, and prints [milliseconds, processor milliseconds].

    Args:
        model: a name of `get_model`; the weights are random.
        size: (height, width) of the image.
    """
    step = inference_step(model)
    for _ in range(5):
        step(size)
    print("ready", flush=True)
    for _ in sys.stdin:
        start, processor_start = time.perf_counter(), time.process_time()
        step(size)
        print(json.dumps([1000 * (time.perf_counter() - start), 1000 * (time.process_time() - processor_start)]),
              flush=True)


@contextlib.contextmanager
def timer_process(setting: str, model: str, size: Sequence[int]) -> Iterator[Iterator[List[float]]]:
    """Context manager that starts a process with a variable of the environment set.

    Args:
        setting: "NAME=VALUE".
        model, size: see `serve`.

    Yields:
        An endless iterator; each step runs the detector on one image and gives what `serve` prints.

    Raises:
        UsageError: the process does not start with that setting.
    """
    name, _, value = setting.partition("=")
    command = [sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, "--here", "--model", model,
               "--size", *map(str, size)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True,
                               env=dict(os.environ, **{name: value}))
    with process:
        try:
            if process.stdout.readline().strip() != "ready":
                raise UsageError(f"Python with {setting} in its environment does not run the detector")
            yield _timings(process)
        finally:
            process.kill()


def _timings(process: "subprocess.Popen[str]") -> Iterator[List[float]]:
    while True:
        process.stdin.write("\n")
        process.stdin.flush()
        yield json.loads(process.stdout.readline())


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Context manager beside whose block so many processes count without end."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def format_row(setting: str, idle: List[List[float]], busy: List[List[float]]) -> str:
    """Returns the line of the table, under `HEADER`, for the timings of a setting, [milliseconds, processor
    milliseconds] each."""
    numbers = []
    for timings in idle, busy:
        wall, processor = np.transpose(timings)
        numbers += [np.median(wall), np.percentile(wall, 90), np.median(processor)]
    return f"{setting:24}" + "".join(f" {number:{width}.1f}" for number, width in zip(numbers, (13, 7, 10) * 2))


if __name__ == "__main__":
    sys.exit(main())
