"""Writes the paper's tables: measured costs of the rows, quoted results, and results of trainings at a small scale."""
import argparse
import sys
import textwrap
from pathlib import Path
from typing import List

from ...errors import UsageError
from . import options

EXAMPLES = """
lhrcnn tables                                # costs of all rows, and what their training at the paper's scale lacks
lhrcnn tables --scale shapes                 # the ablation on Shapes, three seeds a row
lhrcnn tables --scale bccd --data data/bccd --seeds 1
lhrcnn tables --table 8 --measure-again
lhrcnn tables --table 2 --gpus 0,1 dataset.dataset_path=data/coco
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Measures, trains what can be trained, and writes the pages of the tables.

    Args:
        argv: the words of the command line; default: those of this process.

    Returns:
        The exit status.
    """
    args = _make_parser().parse_intermixed_args(argv)
    if args.gpus is not None:
        options.parse_gpus(args.gpus)
    for option, number in (("--jobs", args.jobs), ("--repeats", args.repeats)):
        if number is not None and number < 1:
            raise UsageError(f"{option} is {number}; it must be at least 1")
    from ...engine.folder_lock import lock_folder
    from ..paper_tables import checks, output, rows
    keys, work = rows.table_keys(args.table), Path(args.work)
    overrides = list(args.overrides) + (["dataset.dataset_path", args.data] if args.data else [])
    names = rows.rows_of(keys)
    with lock_folder(work):
        if args.scale == "paper":
            _run_paper_scale(args, names, 8 in keys, overrides, work)
        else:
            _run_small_scale(args, list(rows.ABLATION) if args.table == "all" else names, overrides, work)
        found = output.write_all(args.out, work)
    if args.scale == "paper":
        print("\nThe paper's claims:")
        print("\n".join(map(checks.format_check, found)))
    print(f"\nwrote {Path(args.out) / 'README.md'}")
    return 0


def _run_paper_scale(args: argparse.Namespace, names: List[str], with_peers: bool, overrides: List[str],
                     work: Path) -> None:
    """Measures the costs of the rows, and runs the trainings that lack nothing."""
    from ..paper_tables import measurements, output, paper
    from ..runs.processes import CommandRunner
    device = ["--cpu"] if args.cpu else ["--gpus", args.gpus] if args.gpus else []
    jobs = paper.plan_jobs(names, overrides, device)
    if not args.no_measure:
        measurements.measure(names, with_peers, args.table == "all", output.measured_state(work), args.repeats, print,
                             args.measure_again)
    paper.run_jobs(jobs, output.paper_state(work), work / "paper", print, CommandRunner())


def _run_small_scale(args: argparse.Namespace, names: List[str], overrides: List[str], work: Path) -> None:
    """Trains and tests the rows on a smaller data set."""
    from ..benchmarks.machine import threads_in_use
    from ..paper_tables import budget, output, running, scales
    from ..runs.processes import CommandRunner
    folder, state = work / args.scale, output.runs_state(work, args.scale)
    runs, missing = scales.plan_runs(names, args.scale, args.seeds, folder, overrides)
    for name in missing:
        print(f"{name}: not run, because no smaller form of it is defined")
    if not runs:
        raise UsageError(f"table {args.table}: nothing to train on {args.scale}")
    print(scales.SCALES[args.scale].data)
    running.refuse_changed_runs([*runs, *running.plan_done(state, args.scale, folder, overrides)], state)
    device = ["--gpus", args.gpus] if args.gpus else ["--cpu"]
    # Runs on GPUs take turns; those on the CPU share its cores.
    jobs = 1 if args.gpus else args.jobs or min(4, threads_in_use())
    threads = max(1, threads_in_use() // jobs)
    budget.check_budget(runs, state, folder, args.hours, device, jobs, threads, print)
    running.run_all(runs, folder, state, device, CommandRunner(threads), jobs)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lhrcnn tables", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="examples:\n" + textwrap.indent(EXAMPLES.strip(), "  "))
    parser.add_argument("--table", default="all", metavar="N", help="1 to 8, more (rows beyond the paper) or all "
                        "(default); at a smaller scale all means the ablation, tables 1 to 5. A row that is timed is "
                        "timed beside all that have been on this machine, so one call with all of them is shorter than "
                        "one for each table")
    parser.add_argument("--scale", default="paper", choices=["paper", "shapes", "bccd"], help="paper: measures "
                        "costs, says what each training lacks and runs the trainings that lack nothing; shapes, bccd: "
                        "trains the rows, scaled down, on that data set (default: paper)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each row at a smaller scale "
                        "(default: 3)")
    parser.add_argument("--hours", type=float, default=2.0, metavar="H", help="at a smaller scale, refuse what would "
                        "take longer (default: 2)")
    parser.add_argument("--jobs", type=int, metavar="N", help="at a smaller scale on the CPU, runs side by side, which "
                        "share its cores (default: the number of cores, 4 at most)")
    parser.add_argument("--data", metavar="PATH", help="folder of the data set")
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--cpu", action="store_true", help="train on the CPU, which is the default at a smaller scale")
    devices.add_argument("--gpus", metavar="IDS", help="train on these GPUs, such as 0 or 0,1")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="timings of each row (default: 5)")
    measure = parser.add_mutually_exclusive_group()
    measure.add_argument("--measure-again", action="store_true", help="measure again what has been measured already "
                         "of the table, and time the other rows again beside it")
    measure.add_argument("--no-measure", action="store_true", help="leave out times and memory; what was measured "
                         "before is shown, with the machine that did")
    parser.add_argument("--out", default="docs/tables", metavar="FOLDER", help="folder for the tables; why-light.md "
                        "is written beside it (default: docs/tables)")
    parser.add_argument("--work", default="output/tables", metavar="FOLDER", help="folder for trainings and for the "
                        "state of the work: the same command goes on where it was stopped (default: output/tables)")
    options.add_overrides(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
