"""What the benchmarks' command lines share: the parser, bounds of numbers, and a process with other threads."""
import argparse
import os
import subprocess
import sys
from typing import List, Optional

from ...errors import UsageError
from . import options


def make_parser(prog: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Returns a parser that takes no shortened options; the arguments are those of `options.make_plain_parser`."""
    parser = options.make_plain_parser(prog, description, examples)
    parser.allow_abbrev = False
    return parser


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Adds the option --threads."""
    parser.add_argument("--threads", type=int, metavar="N", help="threads of MXNet's CPU operators and of the native "
                        "ones (default: OMP_NUM_THREADS where it is set, otherwise what importing light_head_rcnn "
                        "chooses for this machine)")


def require(option: str, number: int, least: int) -> None:
    """Raises UsageError where the number of an option is below the least that makes sense."""
    if number < least:
        raise UsageError(f"{option} is {number}; it must be at least {least}")


def other_threads_wanted(threads: Optional[int]) -> bool:
    """Tells whether this process does not run with the number of threads that was asked for.

    Raises:
        UsageError: the number is below 1.
    """
    if threads is None:
        return False
    require("--threads", threads, 1)
    return os.environ.get("OMP_NUM_THREADS") != str(threads)


def run_with_threads(name: str, argv: List[str], threads: int) -> int:
    """Runs a benchmark in a new process with OMP_NUM_THREADS set, and returns its exit status.

    This process cannot change its number of threads any more: the OpenMP library, which is loaded together with this
    package, has read it. The new process is not asked for threads, so that it never starts another one.

    Args:
        name: of the benchmark, such as "operators".
        argv: its arguments.
        threads: the number of threads.
    """
    words = [word for before, word in zip(["", *argv], argv)
             if "--threads" not in (before, word) and not word.startswith("--threads=")]
    return subprocess.call([sys.executable, "-m", f"{__package__}.benchmark", name, *words],
                           env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
