"""Times training steps of several configurations, by turns: a table, and the numbers as JSON."""
import argparse
import os
import sys
from pathlib import Path

from light_head_rcnn.experiments.commands import options as cli

EXAMPLE = """
python experiments/benchmark_training.py experiments/cfgs/bccd_s.yaml experiments/cfgs/bccd_s_symbol.yaml \\
    --cpu --set dataset.dataset_path data/bccd
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example:" + EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cfgs", nargs="+", metavar="FILE", help="configurations, compared to the first")
    parser.add_argument("--cpu", action="store_true", help="run on the CPU")
    parser.add_argument("--gpus", metavar="IDS", help="run on these GPUs, such as 0 or 0,1")
    parser.add_argument("--steps", type=int, default=30, metavar="N", help="timed steps of each (default: 30)")
    parser.add_argument("--turn", type=int, default=10, metavar="N", help="steps of one before it is the next one's "
                        "turn (default: 10)")
    parser.add_argument("--warm-up", type=int, default=10, metavar="N", help="steps before these (default: 10)")
    parser.add_argument("--out", metavar="FILE", default="output/benchmark_training.json",
                        help="takes the numbers (default: output/benchmark_training.json)")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY VALUE", help="configuration entries to change")
    args = parser.parse_args(argv)
    if min(args.steps, args.turn) < 1 or args.warm_up < 0:
        raise cli.UsageError("--steps and --turn take numbers from 1, --warm-up from 0")
    cfgs = {Path(path).stem: cli.config_of(path, args.set) for path in args.cfgs}
    if len(cfgs) < len(args.cfgs):
        raise cli.UsageError("two of the files have the same name: " + ", ".join(args.cfgs))
    from light_head_rcnn.engine.reporting.logger import open_logger
    from light_head_rcnn.experiments.benchmarks import report, training
    from light_head_rcnn.engine.files import write_json
    contexts = cli.contexts_of(args, next(iter(cfgs.values())))
    options = {"steps": args.steps, "warm_up": args.warm_up, "turn": args.turn}
    rows = training.time_configurations(cfgs, contexts, open_logger(), **options)
    print("\n".join([training.HEADER, *map(training.line, rows)]))
    write_json(args.out, dict(options, machine=report.machine(int(os.environ["OMP_NUM_THREADS"])),
                              devices=[str(context) for context in contexts], rows=rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
