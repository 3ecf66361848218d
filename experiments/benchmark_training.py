"""Times training steps of several configurations, turn by turn on the same batch: a table, and the numbers as JSON."""
import argparse
import os
import sys
from pathlib import Path

from light_head_rcnn.experiments.engine import cli

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
    parser.add_argument("--steps", type=int, default=12, metavar="N", help="timed steps of each (default: 12)")
    parser.add_argument("--warm-up", type=int, default=3, metavar="N", help="steps before these (default: 3)")
    parser.add_argument("--out", metavar="FILE", default="output/benchmark_training.json",
                        help="takes the numbers (default: output/benchmark_training.json)")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY VALUE", help="configuration entries to change")
    args = parser.parse_args(argv)
    cfgs = [cli.config_of(path, args.set) for path in args.cfgs]
    import numpy as np

    from light_head_rcnn.experiments.engine import logs, trainer
    from light_head_rcnn.experiments.engine.config import with_values
    from light_head_rcnn.experiments.engine.files import write_json
    from light_head_rcnn.experiments.engine.symbolic.trainer import SymbolTrainer
    logger = logs.open_logger()
    contexts = cli.contexts_of(args, cfgs[0])
    runs = []
    for cfg in cfgs:
        # No checkpoint is looked for or written there.
        cfg = with_values(cfg, {"output_path": os.devnull, "TRAIN.NUM_WORKERS": 0})
        train = SymbolTrainer if cfg.symbol else trainer.EndToEndTrainer
        runs.append(train(cfg, contexts, logger).time_steps(args.warm_up + args.steps))
    times = np.array([[next(run) for run in runs] for _ in range(args.warm_up + args.steps)])[args.warm_up:]
    rows = []
    for path, cfg, (wall, processor) in zip(args.cfgs, cfgs, np.median(times, axis=0)):
        rows.append({"configuration": Path(path).stem, "seconds": wall, "processor_seconds": processor,
                     "images_per_second": cfg.TRAIN.BATCH_IMAGES * len(contexts) / wall})
    logger.info("medians of %d steps on %s\n\n%-32s %10s %10s %10s %10s", args.steps, ", ".join(map(str, contexts)),
                "configuration", "seconds", "processor", "images/s", "of first")
    for row in rows:
        logger.info("%-32s %10.3f %10.3f %10.2f %10.2f", row["configuration"], row["seconds"], row["processor_seconds"],
                    row["images_per_second"], row["seconds"] / rows[0]["seconds"])
    write_json(args.out, {"steps": args.steps, "devices": [str(context) for context in contexts], "rows": rows,
                          "threads": os.environ.get("OMP_NUM_THREADS")})
    return 0


if __name__ == "__main__":
    sys.exit(main())
