"""Exports a trained detector as a graph and parameters without configuration, and checks that they answer the same."""
import sys
from pathlib import Path

from light_head_rcnn.experiments.commands import options as cli
from light_head_rcnn.engine.config import test_scales

EXAMPLE = """
python experiments/export.py --cfg experiments/cfgs/shapes_s.yaml --cpu
python experiments/export.py --cfg experiments/cfgs/bccd_s.yaml --out models/blood --check blood.jpg

then, in Python:
  from light_head_rcnn.engine.deploy.export import load_exported
  detector = load_exported("models/blood")
  ids, scores, boxes = detector("blood.jpg")
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code, 1 where the export answers otherwise."""
    parser = cli.make_parser(__doc__, EXAMPLE)
    cli.add_checkpoint_arguments(parser)
    parser.add_argument("--out", metavar="PREFIX", help="start of the files' names (default: export/MODEL_PREFIX in "
                        "the configuration's output_path)")
    parser.add_argument("--check", nargs="+", metavar="IMAGE", help="images and folders to compare the answers on "
                        "(default: noise of three sizes)")
    args, cfg = cli.parse(parser, argv)
    from light_head_rcnn.engine.inference import detector as detect, pictures as show
    from light_head_rcnn.engine.deploy import export
    from light_head_rcnn.engine.reporting.logger import open_logger
    contexts = cli.contexts_of(args, cfg)[:1]
    logger = open_logger()
    images = [file for file, _ in show.find_images(args.check)] if args.check else export.noise_images(cfg.seed)
    net, path = detect.load_network(cfg, contexts, args.checkpoint, args.epoch, allow_partial=args.allow_partial,
                                    logger=logger)
    detector = detect.Detector.of(cfg, net, contexts[0])
    if len(test_scales(cfg)) > 1 or cfg.TEST.FLIP:
        logger.info("exported files look at an image once: at %d/%d, the first of the test scales, not mirrored",
                    detector.short_edge, detector.long_edge)
    prefix = args.out or Path(cfg.output_path) / "export" / cfg.TRAIN.model_prefix
    export.export_detector(detector, prefix, {"score": cfg.TEST.THRESH, "nms": cfg.TEST.NMS,
                                              "max_per_image": cfg.TEST.max_per_image})
    report = export.compare_detectors(detector, export.load_exported(prefix, contexts[0]), images)
    logger.info("exported %s as %s-symbol.json, %s-0000.params and %s-meta.json", path, prefix, prefix, prefix)
    logger.info("loaded again: %(detections)d detections in images (%(images)d) compared, largest difference of a "
                "score %(scores).2g, of a box %(boxes).2g pixels", report)
    if report["scores"] > export.SCORE_TOLERANCE or report["boxes"] > export.BOX_TOLERANCE:
        logger.info("error: the exported detector does not answer like the trained one")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
