"""Detects objects in photographs: pictures with the boxes drawn, and the detections as JSON."""
import sys
from pathlib import Path

from light_head_rcnn.experiments.commands import options as cli

EXAMPLE = """
python experiments/demo.py --cfg experiments/cfgs/shapes_s.yaml --cpu photo.jpg holidays/
python experiments/demo.py --exported output/shapes_s/export/shapes_s --threshold 0.7 photo.jpg
python experiments/demo.py --cfg experiments/cfgs/bccd_s.yaml blood.jpg --set TEST.NMS 0.4
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code, 1 where an image could not be read."""
    parser = cli.make_parser(__doc__, EXAMPLE, with_overrides=False)
    cli.add_checkpoint_arguments(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, and folders, searched for images in "
                        "all their subfolders")
    parser.add_argument("--exported", metavar="PREFIX", help="a detector written by export.py, in place of --cfg")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="SCORE",
                        help="shows detections with at least this score (default: 0.5)")
    parser.add_argument("--out", metavar="FOLDER", default="output/demo",
                        help="takes the pictures and detections.json (default: output/demo)")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY VALUE", help="configuration entries to change")
    args = parser.parse_intermixed_args(argv)
    cfg = None if args.exported else cli.config_of(args.cfg, args.set)
    from light_head_rcnn.engine.inference import detector as detect, pictures as show
    from light_head_rcnn.engine.deploy import export
    from light_head_rcnn.engine.reporting.logger import open_logger
    contexts = cli.contexts_of(args, cfg)[:1]
    images = show.find_images(args.images)
    logger = open_logger()
    if args.exported:
        detector = export.load_exported(args.exported, contexts[0])
    else:
        net, _ = detect.load_network(cfg, contexts, args.checkpoint, args.epoch,
                                     allow_partial=args.allow_partial, logger=logger)
        detector = detect.Detector.of(cfg, net, contexts[0])
    return 1 if show.show_detections(detector, images, args.threshold, Path(args.out), logger) else 0


if __name__ == "__main__":
    sys.exit(main())
