"""Trains a symbolic graph in four stages: proposals, the head on them, and both again on shared convolutions."""
import sys
from pathlib import Path

from light_head_rcnn.experiments.commands import options as cli

EXAMPLE = """
python experiments/train_alternate.py --cfg experiments/cfgs/shapes_s_alternate.yaml --cpu
python experiments/train_alternate.py --cfg experiments/cfgs/shapes_s_alternate.yaml --cpu --resume
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code."""
    parser = cli.make_parser(__doc__, EXAMPLE)
    parser.add_argument("--resume", action="store_true", help="go on where an earlier call was stopped, inside a stage "
                        "or between two; starts anew where there is none")
    cli.add_partial_argument(parser)
    args, cfg = cli.parse(parser, argv)
    from light_head_rcnn.engine.building import build
    from light_head_rcnn.engine.inference import detector as detect
    from light_head_rcnn.engine.reporting.logger import open_logger
    from light_head_rcnn.engine.evaluation import run as testing
    from light_head_rcnn.engine.training.alternate import train_alternate
    contexts = cli.contexts_of(args, cfg)
    logger = open_logger(cfg.output_path)
    dataset = build.build_dataset(cfg, cfg.dataset.image_set)
    test_set = build.build_test_set(cfg, dataset.classes)
    checkpoint = train_alternate(cfg, contexts, logger, dataset, args.resume, args.allow_partial)
    if test_set is not None:
        net, _ = detect.load_network(cfg, contexts, checkpoint, classes=test_set.classes)
        testing.test_network(cfg, net, test_set, contexts, Path(cfg.output_path) / "test", logger)
    return 0


if __name__ == "__main__":
    sys.exit(main())
