"""Exports a trained detector as a graph and parameters, and checks that the export gives the same detections."""
from pathlib import Path

from . import options

EXAMPLES = """
lhrcnn export --cfg shapes_s --cpu
lhrcnn export --checkpoint output/bccd_s --out models --name blood --check blood.jpg

then, in Python:
  import light_head_rcnn as lh
  detector = lh.load_detector("models/blood")
  ids, scores, boxes = detector("blood.jpg")
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where the export gives other detections."""
    parser = options.make_parser("lhrcnn export", __doc__, EXAMPLES)
    options.add_checkpoint_arguments(parser)
    parser.add_argument("--out", metavar="FOLDER", help="folder for the files (default: the folder export beside the "
                        "checkpoint)")
    parser.add_argument("--name", metavar="NAME", help="start of the files' names (default: TRAIN.model_prefix)")
    parser.add_argument("--check", nargs="+", metavar="IMAGE", help="images and folders on which the export is "
                        "compared with the detector (default: images of noise in three sizes)")
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    cfg = options.load_cfg_unless_checkpoint(args)
    from ...engine.deploy.export import BOX_TOLERANCE, SCORE_TOLERANCE, compare_detectors, export, noise_images
    from ...engine.deploy.exported import load_exported
    from ...engine.inference.detector import Detector
    from ...engine.inference.image_files import find_images
    from ...engine.inference.loading import load_network
    from ...engine.reporting.logger import open_logger
    images = [file for file, _ in find_images(args.check)] if args.check else None
    logger = open_logger()
    contexts = options.choose_contexts(args, cfg)[:1]
    net, cfg, path = load_network(cfg, contexts, args.checkpoint, args.epoch, allow_partial=args.allow_partial,
                                  logger=logger, overrides=args.overrides)
    detector = Detector.of(cfg, net, contexts, path)
    if len(detector.preparation.scales) > 1 or detector.flip:
        logger.info("an export runs once on an image: at %d/%d, the first of the test scales, not mirrored",
                    *detector.preparation.scales[0])
    prefix = Path(args.out or Path(path).parent / "export") / (args.name or cfg.TRAIN.model_prefix)
    options.check_output_folder(prefix.parent)
    files = export(detector, prefix, {"score": cfg.TEST.THRESH, "nms": cfg.TEST.NMS,
                                      "max_per_image": cfg.TEST.max_per_image})
    logger.info("exported %s as %s", path, ", ".join(files))
    report = compare_detectors(detector, load_exported(prefix, contexts[0]),
                               noise_images(cfg.seed) if images is None else images)
    logger.info("loaded again: %(detections)d detections in images (%(images)d) compared, largest difference of a "
                "score %(scores).2g, of a box %(boxes).2g pixels", report)
    if report["scores"] > SCORE_TOLERANCE or report["boxes"] > BOX_TOLERANCE:
        logger.info("error: the exported detector does not give the same detections as the trained one")
        return 1
    return 0
