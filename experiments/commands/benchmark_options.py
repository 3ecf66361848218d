"""What the benchmarks' command lines share: the parser, a folder of data sets, bounds of numbers, and a process with
other threads."""
import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, Mapping, Optional

from ...engine.files import write_json
from ...errors import UsageError
from . import options


def make_parser(prog: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Returns a parser that takes no shortened options; the arguments are those of `options.make_plain_parser`."""
    parser = options.make_plain_parser(prog, description, examples)
    parser.allow_abbrev = False
    return parser


@contextlib.contextmanager
def folder_of_sets(folder: Optional[str], sizes: Mapping[str, int]) -> Iterator[str]:
    """Gives the folder of a benchmark's data sets.

    Args:
        folder: takes the sets and keeps them for later calls, with a file that says their sizes; None makes a temporary
            folder.
        sizes: of the sets, by the names of the options.

    Raises:
        UsageError: the folder has sets of other sizes, or files of others.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield temporary
        return
    file = Path(folder) / "sizes.json"
    options.check_output_folder(folder, "name another by --folder")
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept != sizes:
            words = " ".join(f"--{name} {number}" for name, number in kept.items())
            raise UsageError(f"{folder} has sets of other sizes: name another by --folder, or ask for {words}")
    elif Path(folder).is_dir() and os.listdir(folder):
        raise UsageError(f"{folder} is not empty, and has no {file.name} of an earlier call: name another by --folder")
    else:
        os.makedirs(folder, exist_ok=True)
        write_json(file, sizes)
    yield folder


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
