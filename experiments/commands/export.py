"""Exports a trained detector for MXNet or as an ONNX model, and checks that the export gives the same detections."""
import logging
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from yacs.config import CfgNode

from ...errors import LibraryError, UsageError
from . import fusing, options, precisions

if TYPE_CHECKING:
    from ...engine.inference.detector import Detector, ImageLike

EXAMPLES = """
lhrcnn export --cfg shapes_s --cpu
lhrcnn export --checkpoint output/bccd_s --out models --name blood --check blood.jpg

then, in Python:
  import light_head_rcnn as lh
  detector = lh.load_detector("models/blood")
  ids, scores, boxes = detector("blood.jpg")

lhrcnn export --checkpoint output/bccd_s --format onnx --out models/blood_onnx

then, on any machine with numpy, pillow and onnxruntime or openvino:
  python models/blood_onnx/detect.py blood.jpg --out found

lhrcnn export --checkpoint output/bccd_s --format onnx --precision int8 --calibrate data/bccd/JPEGImages
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where the export gives other detections."""
    parser = options.make_parser("lhrcnn export", __doc__, EXAMPLES)
    options.add_checkpoint_arguments(parser)
    parser.add_argument("--format", choices=("mxnet", "onnx"), default="mxnet", help="mxnet: a graph and parameters "
                        "that MXNet loads; onnx: a folder that runs without MXNet, with a model of standard operators, "
                        "from images to boxes, its description and a script (default: mxnet)")
    parser.add_argument("--out", metavar="FOLDER", help="folder for the files, which for onnx is the export itself "
                        "(default: the folder export, or export_onnx, beside the checkpoint)")
    parser.add_argument("--name", metavar="NAME", help="start of the files' names for the format mxnet (default: "
                        "TRAIN.model_prefix)")
    parser.add_argument("--check", nargs="+", metavar="IMAGE", help="images and folders on which the export is "
                        "compared with the detector (default: images of noise in three sizes, for int8 some of "
                        "--calibrate)")
    precisions.add_precision_arguments(parser)
    fusing.add_fusing_arguments(parser)
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    fusing.check_fusing_arguments(args)
    if args.format == "onnx" and args.name:
        raise UsageError("--name belongs to the format mxnet: an ONNX export is a folder, which --out names")
    precisions.check_precision_arguments(args)
    cfg = options.load_cfg_unless_checkpoint(args)
    from ...engine.deploy.export import noise_images
    from ...engine.inference.detector import Detector
    from ...engine.inference.image_files import find_images
    from ...engine.inference.loading import load_network
    from ...engine.reporting.logger import open_logger
    calibration = precisions.find_calibration_images(args)
    images = [file for file, _ in find_images(args.check)] if args.check else calibration[:precisions.CHECKED]
    logger = open_logger()
    contexts = options.choose_contexts(args, cfg)[:1]
    net, cfg, path = load_network(cfg, contexts, args.checkpoint, args.epoch, allow_partial=args.allow_partial,
                                  logger=logger, overrides=args.overrides)
    detector = Detector.of(cfg, net, contexts, path)
    if len(detector.preparation.scales) > 1 or detector.flip:
        logger.info("an export runs once on an image: at %d/%d, the first of the test scales, not mirrored",
                    *detector.preparation.scales[0])
    images = images or noise_images(cfg.seed)
    if args.format == "onnx":
        return _write_onnx(args, cfg, detector, images, calibration, logger)
    return _write_mxnet(args, cfg, detector, images, logger)


def _write_mxnet(args: Namespace, cfg: CfgNode, detector: "Detector", images: "Sequence[ImageLike]",
                 logger: logging.Logger) -> int:
    """Writes and checks an export for MXNet; returns the exit status."""
    prefix = Path(args.out or Path(detector.source).parent / "export") / (args.name or cfg.TRAIN.model_prefix)
    options.check_output_folder(prefix.parent)
    return fusing.write_checked(detector, prefix, _thresholds(cfg), args, images, logger)


def _write_onnx(args: Namespace, cfg: CfgNode, detector: "Detector", images: "Sequence[ImageLike]",
                calibration: "Sequence[ImageLike]", logger: logging.Logger) -> int:
    """Writes an ONNX export, and checks it where an engine is installed; returns the exit status."""
    from ...engine.config import saved_config
    from ...engine.deploy.engines.comparison import LEAST_SHARE, compare_answers
    from ...engine.deploy.engines.engine_detector import load_engine_detector
    from ...engine.deploy.onnx.export import export_onnx
    folder = Path(args.out or Path(detector.source).parent / "export_onnx")
    options.check_output_folder(folder)
    precision = args.precision or "float32"
    files = export_onnx(detector, folder, _thresholds(cfg), cfg.symbol or cfg.network.model, saved_config(cfg),
                        precision, calibration)
    logger.info("exported %s as %s", detector.source, ", ".join(files))
    try:
        exported = load_engine_detector(folder)
    except LibraryError as error:
        logger.info("the export was not compared with the trained detector: %s", error)
        return 0
    if precision != "float32":
        return precisions.report_agreement(detector, exported, images, logger)
    report = compare_answers(detector, exported, images)
    logger.info("loaded again in %s: %d of %d detections in images (%d) found again, largest difference of a score "
                "%.2g, of a box %.2g pixels", exported.engine, report.found_again, report.detections, len(images),
                report.scores, report.boxes)
    if report.found_again < LEAST_SHARE * report.detections:
        logger.info("error: the exported detector does not give the same detections as the trained one")
        return 1
    return 0


def _thresholds(cfg: CfgNode) -> dict:
    return {"score": cfg.TEST.THRESH, "nms": cfg.TEST.NMS, "max_per_image": cfg.TEST.max_per_image}
