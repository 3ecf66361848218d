"""Detects objects in photographs and videos; draws the boxes, and writes the detections as JSON."""
import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Sequence

from ...errors import UsageError
from . import engines, options

if TYPE_CHECKING:
    from ...engine.inference.detector import Detector
    from ...engine.inference.photo_proposals import ProposalsOfPhoto

EXAMPLES = """
lhrcnn detect --checkpoint output/shapes_s --cpu photo.jpg holidays/
lhrcnn detect --exported output/shapes_s/export/shapes_s --threshold 0.7 photo.jpg
lhrcnn detect --cfg bccd_s blood.jpg TEST.NMS=0.4 --out output/blood
lhrcnn detect --checkpoint models/blood_onnx --engine onnxruntime blood.jpg
lhrcnn detect --checkpoint output/shapes_s --no-pictures --out found holidays/
lhrcnn detect --checkpoint output/shapes_s clip.mp4 --out clip_detected.mp4
lhrcnn detect --checkpoint output/shapes_fast_rcnn photo.jpg --proposals selective_search
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where an image or video could not be read."""
    parser = options.make_parser("lhrcnn detect", __doc__, EXAMPLES)
    options.add_checkpoint_arguments(parser, exports=True)
    parser.add_argument("--exported", metavar="PATH", help="a detector that was exported for MXNet (its folder, or the "
                        "start of its files' names); --checkpoint takes one, too")
    engines.add_arguments(parser)
    parser.add_argument("--threshold", type=_score, default=0.5, metavar="SCORE",
                        help="show detections with at least this score (default: 0.5)")
    parser.add_argument("--out", metavar="PATH", default="output/detections",
                        help="folder for the pictures and detections.json, and for videos, each with a file NAME.jsonl "
                        "of detections, one line a frame; of a single video, also the file to write, with the "
                        "extension .mp4, .m4v, .mov, .mkv or .webm (default: output/detections)")
    parser.add_argument("--proposals", metavar="FILE | METHOD", help="for a detector of given proposals: the boxes "
                        "that it classifies, a file that lhrcnn proposals wrote (or of another kind that it reads), or "
                        "selective_search or edge_boxes, which find boxes in each image")
    parser.add_argument("--no-pictures", action="store_true", help="write detections.json alone, for photographs: "
                        "faster, several times where they are large")
    parser.add_argument("--every", type=_count, default=1, metavar="N", help="look at every N-th frame of a video; "
                        "those between show the boxes of the one before them (default: 1)")
    parser.add_argument("words", nargs="+", metavar="IMAGE | VIDEO | KEY=VALUE", help="image files; folders, which are "
                        "searched for images in all their subfolders; video files, which need the package av (the "
                        "extra `video`); and configuration entries to change, as KEY=VALUE or KEY VALUE")
    args = parser.parse_intermixed_args(argv)
    args.overrides, paths = options.split_overrides(args.words)
    if args.exported is None and engines.names_mxnet_export(args.checkpoint):
        args.exported, args.checkpoint = args.checkpoint, None
    if args.exported and (args.cfg or args.checkpoint or args.epoch or args.allow_partial or args.overrides):
        raise UsageError("an exported detector takes no --cfg, --checkpoint, --epoch, --allow-partial or KEY=VALUE: "
                         "its thresholds and sizes are fixed")
    path = args.exported or args.checkpoint
    is_export = engines.names_export(path, args)
    if is_export and (args.cfg or args.overrides):
        raise UsageError(f"{path} is an export, whose thresholds and sizes are fixed: it takes no --cfg or KEY=VALUE")
    cfg = None if args.exported or is_export else options.load_cfg_unless_checkpoint(args)
    from ...engine.inference.image_files import check_pictures, find_images
    from ...engine.inference.video.clips import write_clips
    from ...engine.inference.video.targets import clip_targets, split_videos
    videos, paths = split_videos(paths)
    if videos and args.no_pictures:
        raise UsageError(f"{videos[0]} is a video, which is written with its boxes: leave --no-pictures out")
    images = find_images(paths) if paths or not videos else []
    if not args.no_pictures:
        check_pictures(images, args.out)
    targets = clip_targets(videos, bool(images), args.out)
    for folder in [target.video.parent for target in targets] or [args.out]:
        options.check_output_folder(folder)
    from ...engine.deploy.exported import load_exported
    from ...engine.deploy.fusing.detector import fused_detector
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
        detector, num_workers = fused_detector(Detector.of(cfg, net, contexts, path)), cfg.TEST.NUM_WORKERS
    proposals_of = _proposals_of(args, detector, [file for file, _ in images], bool(videos))
    logger.info("detecting with %s", detector.source)
    failures = write_pictures(detector, images, args.threshold, Path(args.out), logger, num_workers,
                              proposals_of, not args.no_pictures) if images else []
    failures += write_clips(detector, targets, args.threshold, logger, args.every)
    return 1 if failures else 0


def _proposals_of(args: argparse.Namespace, detector: "Detector", files: Sequence[Path],
                  has_videos: bool) -> "Optional[ProposalsOfPhoto]":
    """Opens --proposals where the detector needs them; UsageError where the option and the detector disagree."""
    from ...engine.inference.given_rois import NEEDED
    from ...engine.inference.photo_proposals import open_proposals
    if detector.rois is None:
        if args.proposals is not None:
            raise UsageError(f"{detector.source} finds its proposals itself: leave --proposals out")
        return None
    if has_videos:
        raise UsageError(f"a video brings no proposals along: {NEEDED}")
    if args.proposals is None:
        raise UsageError(NEEDED)
    return open_proposals(args.proposals, files, detector.rois.limit, detector.max_megapixels)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


_count.__name__ = "whole number"


def _score(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1, as scores are")
    return value


_score.__name__ = "number"  # argparse names it where the text is no number
