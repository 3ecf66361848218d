"""Tests a detector on a data set: COCO's and Pascal VOC's metrics, and the detections as JSON."""
import sys
from pathlib import Path

from light_head_rcnn.experiments.commands import options as cli

EXAMPLE = """
python experiments/test.py --cfg experiments/cfgs/shapes_s.yaml --cpu
python experiments/test.py --cfg experiments/cfgs/bccd_s.yaml --epoch 30 dataset.dataset_path data/bccd TEST.NMS 0.5
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code."""
    parser = cli.make_parser(__doc__, EXAMPLE)
    cli.add_checkpoint_arguments(parser)
    parser.add_argument("--out", metavar="FOLDER", help="takes results.json and metrics.json (default: the folder test "
                        "in the configuration's output_path)")
    args, cfg = cli.parse(parser, argv)
    from light_head_rcnn.engine.building import build
    from light_head_rcnn.engine.inference import detector as detect
    from light_head_rcnn.engine.reporting.logger import open_logger
    from light_head_rcnn.engine.evaluation import run as testing
    contexts = cli.contexts_of(args, cfg)
    logger = open_logger()
    dataset = build.build_dataset(cfg, cfg.dataset.test_image_set)
    logger.info("%s", dataset.summary())
    net, path = detect.load_network(cfg, contexts, args.checkpoint, args.epoch, dataset.classes,
                                    args.allow_partial, logger)
    logger.info("testing %s on %s", path, ", ".join(map(str, contexts)))
    testing.test_network(cfg, net, dataset, contexts, args.out or Path(cfg.output_path) / "test", logger)
    return 0


if __name__ == "__main__":
    sys.exit(main())
