"""The runtime policy: what this package decides about threads, caches and tuning before MXNet loads, and why.

MXNet and its OpenMP library read environment variables when they are loaded, so importing `light_head_rcnn` sets those
that are not set yet. A variable that is set already is never changed. `lhrcnn config --runtime` prints the decisions;
docs/runtime.md has the measurements behind them.
"""
import math
import os
import textwrap
import warnings
from typing import Dict, List, Mapping, NamedTuple, Optional

from . import compat, cores

# Turns of the loop in which a thread waits for work before it sleeps; libgomp's own default is 300,000.
SPIN_COUNT = 2000
# Primitives that MXNet keeps for each kind of oneDNN operation; MXNet's own default is no bound.
ONEDNN_CACHE = 64
# Numbers from which MXNet copies an array in several threads; MXNet's own default is 200,000. No array has as many.
PARALLEL_COPIES = 2 ** 31 - 1
OPENMP_LIBRARY = "libgomp.so.1"
# The shared libraries that this process has loaded are among the lines of this file.
LOADED = "/proc/self/maps"

# Who made a choice.
USER, POLICY, MXNET = "your environment", "light_head_rcnn", "MXNet's default"
FIXED = "fixed in the code"
TOO_LATE = "nobody: too late"


class Choice(NamedTuple):
    """One decision.

    Attributes:
        name: the environment variable, or what is decided.
        value: its value.
        reason: why, in whole sentences.
        source: who decided: `USER`, `POLICY`, `MXNET` (left as it is), `FIXED` (cannot be changed from outside), or
            `TOO_LATE` (would have been set, but what reads it was loaded before).
    """

    name: str
    value: str
    reason: str
    source: str


_choices: Optional[List[Choice]] = None


def prepare() -> None:
    """Decides, sets the environment variables, and makes the surroundings fit MXNet. `import light_head_rcnn` calls it.

    A second call decides nothing anew.

    Raises:
        LibraryError: MXNet, or something that it needs, is missing; the message says what to install.
    """
    global _choices
    compat.require_linux()
    if _choices is None:
        _choices = decide(os.environ, available_threads(), is_loaded(OPENMP_LIBRARY))
        apply(_choices, os.environ)
        _warn_if_late(_choices)
    compat.prepare()


def choices() -> List[Choice]:
    """Returns what was decided when `light_head_rcnn` was imported, one record a decision."""
    return list(_choices or [])


def _warn_if_late(decided: List[Choice]) -> None:
    late = [f"{choice.name}={choice.value}" for choice in decided if choice.source == TOO_LATE]
    if late:
        warnings.warn(
            f"MXNet or another library that uses OpenMP was imported before light_head_rcnn, so that "
            f"{' and '.join(late)} can no longer be set; detectors may be slow, above all on a busy machine. Import "
            f"light_head_rcnn first, or set these variables before Python starts.", RuntimeWarning, stacklevel=4)


def report(decided: Optional[List[Choice]] = None, width: int = 120) -> str:
    """Returns a table of decisions, as `lhrcnn config --runtime` prints it.

    Args:
        decided: the decisions; default: those of this process.
        width: characters in a line.
    """
    decided = choices() if decided is None else decided
    rows = [("setting", "value", "chosen by")] + [(choice.name, choice.value, choice.source) for choice in decided]
    reasons = ["why"] + [choice.reason for choice in decided]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = []
    for row, reason in zip(rows, reasons):
        left = "  ".join(cell.ljust(size) for cell, size in zip(row, widths)) + "  "
        for line in textwrap.wrap(reason, max(width - len(left), 20)):
            lines.append((left + line).rstrip())
            left = " " * len(left)
    return "\n".join(lines)


class Threads(NamedTuple):
    """How many threads MXNet's CPU operators should use (`count`), and why (`reason`)."""

    count: int
    reason: str


def available_threads() -> Threads:
    """Returns the number of threads for the processors that this process may use."""
    return choose_threads(cores.count_physical_cores(os.sched_getaffinity(0)), cores.read_cpu_quota())


def choose_threads(physical_cores: int, quota: Optional[float]) -> Threads:
    """Chooses the number of threads: one a physical core, and not more than a container's quota of processor time.

    Args:
        physical_cores: that this process may use.
        quota: seconds of processor time a second, or None.
    """
    count = physical_cores if quota is None else min(physical_cores, max(math.floor(quota), 1))
    found = f"{physical_cores} physical core{'s' * (physical_cores != 1)}"
    return Threads(count, f"Threads of the CPU operators. This process may use {found}" + (
        "" if quota is None else f" and, by its container's quota, the time of {quota:g} processors") +
        ". MXNet by itself takes half of the logical processors and knows of no quota.")


def is_loaded(library: str, maps: str = LOADED) -> bool:
    """Tells whether this process has loaded a shared library.

    Args:
        library: its file name, such as "libgomp.so.1".
        maps: path of the file in the form of /proc/self/maps.
    """
    try:
        with open(maps, encoding="utf-8", errors="replace") as file:
            return any(line.rstrip().endswith("/" + library) or f"/{library}." in line for line in file)
    except OSError:
        return False


def decide(environment: Mapping[str, str], threads: Threads, openmp_is_loaded: bool) -> List[Choice]:
    """Decides everything; changes nothing.

    Args:
        environment: the environment variables; an empty value counts as not set.
        threads: from `available_threads`.
        openmp_is_loaded: whether the OpenMP library has already been loaded and has read its variables.
    """
    def choose(name: str, value: str, reason: str, is_openmp: bool = False) -> Choice:
        if environment.get(name):
            return Choice(name, environment[name], reason, USER)
        return Choice(name, value, reason, TOO_LATE if is_openmp and openmp_is_loaded else POLICY)

    decided = [choose("OMP_NUM_THREADS", str(threads.count), threads.reason, is_openmp=True)]
    if environment.get("OMP_WAIT_POLICY") and not environment.get("GOMP_SPINCOUNT"):
        decided.append(Choice("OMP_WAIT_POLICY", environment["OMP_WAIT_POLICY"], "How threads wait for work. "
                              "GOMP_SPINCOUNT, which would overrule it, is left alone.", USER))
    else:
        decided.append(choose(
            "GOMP_SPINCOUNT", str(SPIN_COUNT),
            "Turns of the loop in which a thread waits for work before it sleeps. With libgomp's own 300000, threads "
            "that wait take the processor from threads that work as soon as another program runs beside; with none "
            "(OMP_WAIT_POLICY=passive) small images take two to three times as long on an idle machine.",
            is_openmp=True))
    return decided + [
        choose("MXNET_MKLDNN_CACHE_NUM", str(ONEDNN_CACHE),
               "oneDNN primitives that MXNet keeps for each kind of operation. By itself MXNet keeps those of all "
               "input sizes for ever, so that memory grows with every new size; this many are enough for a training "
               "step of one size."),
        choose("MXNET_CPU_PARALLEL_SIZE", str(PARALLEL_COPIES),
               "Numbers from which MXNet copies an array in several threads. Python's thread copies from NumPy, and "
               "would get OpenMP threads of its own for it. OpenMP then counts more threads than processors, and lets "
               "all of them sleep at once: from then on small images take up to three times as long."),
        choose("MXNET_CUDNN_AUTOTUNE_DEFAULT", "0",
               "With 0, cuDNN chooses convolution algorithms by rules. With 1, MXNet's default, it times them at every "
               "new input size, and images have many. The scripts of the MXNet original set 0 too."),
        _determinism(environment),
        Choice("denormal numbers", "0", "MXNet's CPU threads treat denormal numbers as 0 from the moment when the "
               "operator library is loaded; otherwise momenta that fade away make training many times slower. Python's "
               "own threads, and NumPy with them, keep denormal numbers.", FIXED),
        Choice("start of data workers", "fork of a server",
               "Worker processes are forked from a process of their own, which has run no network, so that they can be "
               "started at any time: for tests between epochs too, and while a GPU is in use. It takes a second to "
               "start, and further workers 20 ms. Workers run NumPy and Pillow, and MXNet to resize images.", FIXED),
    ]


def _determinism(environment: Mapping[str, str]) -> Choice:
    name = "MXNET_ENFORCE_DETERMINISM"
    return Choice(
        name, environment.get(name) or "not set",
        "MXNet for CPUs does not read it; two runs with one seed and one number of threads give the same losses "
        "without it. On a GPU, 1 keeps cuDNN's convolutions and max pooling to algorithms that add in a fixed order, "
        "fails where there is none, and does not reach MXNet's other GPU operators.",
        USER if environment.get(name) else MXNET)


def apply(decided: List[Choice], environment: Dict[str, str]) -> None:
    """Sets the environment variables that this package chose.

    Args:
        decided: from `decide`.
        environment: changed in place, such as `os.environ`.
    """
    for choice in decided:
        if choice.source == POLICY:
            environment[choice.name] = choice.value
