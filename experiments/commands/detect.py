"""Detects objects in photographs; writes pictures with the boxes drawn, and the detections as JSON."""
import argparse
from pathlib import Path

from ...errors import UsageError
from . import engines, options

EXAMPLES = """
lhrcnn detect --checkpoint output/shapes_s --cpu photo.jpg holidays/
lhrcnn detect --exported output/shapes_s/export/shapes_s --threshold 0.7 photo.jpg
lhrcnn detect --cfg bccd_s blood.jpg TEST.NMS=0.4 --out output/blood
lhrcnn detect --checkpoint models/blood_onnx --engine onnxruntime blood.jpg
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where an image could not be read."""
    parser = options.make_parser("lhrcnn detect", __doc__, EXAMPLES)
    options.add_checkpoint_arguments(parser)
    parser.add_argument("--exported", metavar="PATH", help="an exported detector (its folder, or the start of its "
                        "files' names), instead of --cfg and --checkpoint")
    engines.add_arguments(parser)
    parser.add_argument("--threshold", type=_score, default=0.5, metavar="SCORE",
                        help="show detections with at least this score (default: 0.5)")
    parser.add_argument("--out", metavar="FOLDER", default="output/detections",
                        help="folder for the pictures and detections.json (default: output/detections)")
    parser.add_argument("words", nargs="+", metavar="IMAGE | KEY=VALUE", help="image files, and folders, which are "
                        "searched for images in all their subfolders; and configuration entries to change, as "
                        "KEY=VALUE or KEY VALUE")
    args = parser.parse_intermixed_args(argv)
    args.overrides, paths = options.split_overrides(args.words)
    if args.exported and (args.cfg or args.checkpoint or args.epoch or args.allow_partial or args.overrides):
        raise UsageError("--exported takes no --cfg, --checkpoint, --epoch, --allow-partial or KEY=VALUE: the "
                         "thresholds and sizes of an exported detector are fixed")
    path = args.exported or args.checkpoint
    is_export = engines.names_export(path, args)
    if is_export and (args.cfg or args.overrides):
        raise UsageError(f"{path} is an export, whose thresholds and sizes are fixed: it takes no --cfg or KEY=VALUE")
    cfg = None if args.exported or is_export else options.load_cfg_unless_checkpoint(args)
    from ...engine.inference.image_files import find_images
    images = find_images(paths)
    options.check_output_folder(args.out)
    from ...engine.deploy.exported import load_exported
    from ...engine.inference.detector import Detector
    from ...engine.inference.loading import load_network
    from ...engine.inference.pictures import write_pictures
    from ...engine.reporting.logger import open_logger
    logger = open_logger()
    num_workers = 2
    contexts = [] if is_export else options.choose_contexts(args, cfg)[:1]
    if is_export:
        detector = engines.load_export(path, args)
    elif args.exported:
        detector = load_exported(args.exported, contexts[0])
    else:
        net, cfg, path = load_network(cfg, contexts, args.checkpoint, args.epoch, allow_partial=args.allow_partial,
                                      logger=logger, overrides=args.overrides)
        detector, num_workers = Detector.of(cfg, net, contexts, path), cfg.TEST.NUM_WORKERS
    logger.info("detecting with %s", detector.source)
    failures = write_pictures(detector, images, args.threshold, Path(args.out), logger, num_workers)
    return 1 if failures else 0


def _score(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1, as scores are")
    return value


_score.__name__ = "number"  # argparse names it where the text is no number
