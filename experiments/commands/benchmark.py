"""Benchmarks: the native operators beside MXNet's own, or the training steps of several configurations."""
import argparse
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Callable, Dict, List, Optional

from ...errors import UsageError
from . import options

EXAMPLES = """
lhrcnn benchmark operators
lhrcnn benchmark operators --ops align pool --threads 1 --json align.json
lhrcnn benchmark training --cfg bccd_s --cfg bccd_s_symbol --cpu dataset.dataset_path=data/bccd
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs a benchmark, which prints a table and can write its numbers as JSON.

    Args:
        argv: the words of the command line, the benchmark's name first; default: those of this process.

    Returns:
        The exit status.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = _make_parser("lhrcnn benchmark", __doc__, "examples:\n" + textwrap.indent(EXAMPLES.strip(), "  "))
    parser.add_argument("benchmark", choices=sorted(BENCHMARKS), help="what to time; each has a --help of its own")
    name = parser.parse_args(argv[:1]).benchmark
    return BENCHMARKS[name](argv[1:])


def benchmark_operators(argv: List[str]) -> int:
    """Times the native operators against MXNet's own operators on the same inputs, and measures their peak memory."""
    parser = _make_parser("lhrcnn benchmark operators", benchmark_operators.__doc__)
    parser.add_argument("--ops", nargs="+", metavar="OP", choices=["align", "pool", "proposal", "nms"],
                        help="of align, pool, proposal and nms (default: all)")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="timings of each side (default: 15)")
    parser.add_argument("--no-memory", action="store_true", help="skip the peak memory, each number of which takes a "
                        "process of its own")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    _add_threads(parser)
    args = parser.parse_args(argv)
    _require("--repeats", args.repeats, 1)
    if _other_threads_wanted(args.threads):
        return _run_with_threads("operators", argv, args.threads)

    from ...engine.files import write_json
    from ..benchmarks import machine, operators
    results = {"machine": machine.describe_machine(), "repeats": args.repeats, "rows": []}
    found = results["machine"]
    print(f"{found['cpu']}, {found['threads']} threads, MXNet {found['mxnet']}")
    print(operators.HEADER)
    for case in operators.all_cases():
        if case.op in (args.ops or operators.OPS):
            results["rows"].append(operators.run_case(case, args.repeats, not args.no_memory))
            print(operators.format_row(results["rows"][-1]), flush=True)
    if args.json:
        write_json(args.json, results)
    return 0


def benchmark_training(argv: List[str]) -> int:
    """Times training steps of several configurations by turns."""
    parser = _make_parser("lhrcnn benchmark training", benchmark_training.__doc__)
    parser.add_argument("--cfg", action="append", metavar="FILE", help="a configuration: a YAML file, or the name of a "
                        "bundled one; give --cfg several times to compare the others with the first")
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--cpu", action="store_true", help="run on the CPU")
    devices.add_argument("--gpus", metavar="IDS", help="run on these GPUs, such as 0 or 0,1")
    parser.add_argument("--steps", type=int, default=30, metavar="N", help="timed steps of each configuration "
                        "(default: 30)")
    parser.add_argument("--turn", type=int, default=10, metavar="N", help="steps of one configuration before it is the "
                        "next one's turn (default: 10)")
    parser.add_argument("--warm-up", type=int, default=10, metavar="N", help="steps of each configuration that come "
                        "first and are not counted (default: 10)")
    parser.add_argument("--json", metavar="FILE", default="output/benchmark_training.json",
                        help="write the numbers to this JSON file (default: output/benchmark_training.json)")
    _add_threads(parser)
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    for option, number, least in (("--steps", args.steps, 1), ("--turn", args.turn, 1), ("--warm-up", args.warm_up, 0)):
        _require(option, number, least)
    files = args.cfg or [None]
    cfgs = {Path(path or "").stem: options.load_cfg(path, args.overrides) for path in files}
    if len(cfgs) < len(files):
        raise UsageError(f"two of the configuration files have the same name: {', '.join(files)}")
    if _other_threads_wanted(args.threads):
        return _run_with_threads("training", argv, args.threads)

    from ...engine.files import write_json
    from ...engine.reporting.logger import open_logger
    from ..benchmarks import machine, training
    contexts = options.choose_contexts(args, next(iter(cfgs.values())))
    numbers = {"steps": args.steps, "warm_up": args.warm_up, "turn": args.turn}
    rows = training.time_configurations(cfgs, contexts, open_logger(), **numbers)
    print("\n".join([training.HEADER, *map(training.format_row, rows)]))
    write_json(args.json, dict(numbers, machine=machine.describe_machine(),
                              devices=[str(context) for context in contexts], rows=rows))
    return 0


BENCHMARKS: Dict[str, Callable[[List[str]], int]] = {"operators": benchmark_operators, "training": benchmark_training}


def _make_parser(prog: str, description: str, epilog: Optional[str] = None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=prog, description=description, epilog=epilog, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, metavar="N", help="threads of MXNet's CPU operators and of the native "
                        "ones (default: OMP_NUM_THREADS where it is set, otherwise what importing light_head_rcnn "
                        "chooses for this machine)")


def _require(option: str, number: int, least: int) -> None:
    if number < least:
        raise UsageError(f"{option} is {number}; it must be at least {least}")


def _other_threads_wanted(threads: Optional[int]) -> bool:
    """Tells whether this process does not run with the number of threads that was asked for."""
    if threads is None:
        return False
    _require("--threads", threads, 1)
    return os.environ.get("OMP_NUM_THREADS") != str(threads)


def _run_with_threads(name: str, argv: List[str], threads: int) -> int:
    """Runs a benchmark in a new process with OMP_NUM_THREADS set, and returns its exit status.

    This process cannot change its number of threads any more: the OpenMP library, which is loaded together with this
    package, has read it. The new process is not asked for threads, so that it never starts another one.
    """
    words = [word for before, word in zip(["", *argv], argv)
             if "--threads" not in (before, word) and not word.startswith("--threads=")]
    return subprocess.call([sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, name, *words],
                           env=dict(os.environ, OMP_NUM_THREADS=str(threads)))


if __name__ == "__main__":
    sys.exit(main())
