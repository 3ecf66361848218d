"""The paper's tables: what rows cost, measured; what others published, quoted; and trainings at a scale that fits."""
import argparse
import os
import sys
import textwrap
from pathlib import Path

from light_head_rcnn.experiments.commands import options as cli

EXAMPLE = """
python experiments/reproduce_tables.py                                # costs of all rows, what the paper's scale lacks
python experiments/reproduce_tables.py --scale shapes                 # the ablation on Shapes, three seeds a row
python experiments/reproduce_tables.py --scale bccd --data data/bccd --seeds 1
python experiments/reproduce_tables.py --table 8 --measure-again
python experiments/reproduce_tables.py --table 2 --gpus 0,1 dataset.dataset_path data/coco
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code."""
    args = _parser().parse_intermixed_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))
    # After the threads are set.
    from light_head_rcnn.experiments.paper_tables import checks, cost, output, paper, rows, scales
    keys, work = rows.table_keys(args.table), Path(args.work)
    overrides = list(args.overrides) + (["dataset.dataset_path", args.data] if args.data else [])
    if len(overrides) % 2:
        raise cli.UsageError("overrides come in pairs KEY VALUE")
    names = rows.rows_of(keys)
    if args.scale == "paper":
        if not args.no_measure:
            cost.measure(names, 8 in keys, args.table == "all", output.measured_state(work), args.repeats,
                         int(os.environ["OMP_NUM_THREADS"]), print, args.measure_again)
        device = ["--cpu"] if args.cpu else ["--gpus", args.gpus] if args.gpus else []
        paper.run_jobs(paper.jobs(names, overrides, device), output.paper_state(work), work / "paper", print)
    else:
        _run_small(args, rows.CHAIN if args.table == "all" else names, overrides, work, output, scales)
    found = output.write_all(args.out, work)
    if args.scale == "paper":
        print("\nThe paper's claims:")
        print("\n".join(map(checks.line, found)))
    print("\nwrote %s" % (Path(args.out) / "README.md"))
    return 0


def _run_small(args, names, overrides, work, output, scales):
    from light_head_rcnn.experiments.paper_tables import budget, running
    if args.jobs < 1:
        raise cli.UsageError("--jobs is %d; it must be at least 1" % args.jobs)
    folder, state = work / args.scale, output.runs_state(work, args.scale)
    runs, missing = scales.plan(names, args.scale, args.seeds, folder, overrides)
    for name in missing:
        print("%s: not run, it has no smaller form of its own" % name)
    if not runs:
        raise cli.UsageError("table %s: nothing to train on %s" % (args.table, args.scale))
    print("%s" % scales.SCALES[args.scale].data)
    budget.budget(runs, state, folder, args.hours, print)
    running.run_all(runs, folder, state, ["--gpus", args.gpus] if args.gpus else ["--cpu"],
                    jobs=1 if args.gpus else args.jobs)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="examples:\n" + textwrap.indent(EXAMPLE.strip(), "  "))
    parser.add_argument("--table", default="all", metavar="N", help="1 to 8, more (rows beyond the paper) or all "
                        "(default); small scales take all as the ablation, tables 1 to 5")
    parser.add_argument("--scale", default="paper", choices=["paper", "shapes", "bccd"], help="paper: measures what "
                        "needs no training, says what is missing for training and runs what lacks nothing; shapes, "
                        "bccd: trains the rows scaled down (default: paper)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each small row (default: 3)")
    parser.add_argument("--hours", type=float, default=2.0, metavar="H", help="small trainings that would take "
                        "longer are refused (default: 2)")
    parser.add_argument("--jobs", type=int, default=min(4, len(os.sched_getaffinity(0))), metavar="N", help="small "
                        "trainings side by side on the CPU, which share its cores (default: the cores, 4 at most)")
    parser.add_argument("--data", metavar="PATH", help="folder of the data set")
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--cpu", action="store_true", help="train on the CPU (small scales do by default)")
    devices.add_argument("--gpus", metavar="IDS", help="train on these GPUs, such as 0 or 0,1")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="timed turns (default: 5)")
    measure = parser.add_mutually_exclusive_group()
    measure.add_argument("--measure-again", action="store_true", help="time and measure what has been measured, too")
    measure.add_argument("--no-measure", action="store_true", help="leave out times and memory; what was measured "
                         "before is shown")
    parser.add_argument("--out", default="docs/tables", metavar="FOLDER", help="takes the tables; why-light.md comes "
                        "beside it (default: docs/tables)")
    parser.add_argument("--work", default="output/tables", metavar="FOLDER", help="takes trainings and what has been "
                        "done: the same command goes on where it stopped (default: output/tables)")
    parser.add_argument("overrides", nargs="*", metavar="KEY VALUE", help="configuration entries to change in "
                                                                          "trainings")
    return parser


if __name__ == "__main__":
    sys.exit(main())
