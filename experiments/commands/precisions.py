"""The options of lhrcnn export that choose a precision, and the check of exports that round."""
import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, List, Sequence

from ...errors import UsageError

if TYPE_CHECKING:
    from ...engine.deploy.engines.engine_detector import EngineDetector
    from ...engine.inference.detector import Detector, ImageLike

# How many of the images of --calibrate an export is compared on, where no other images are named.
CHECKED = 3


def add_precision_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --precision, --calibrate and --calibration-images."""
    from ...engine.deploy.onnx.folder import PRECISIONS
    from ...engine.deploy.onnx.quantization import DEFAULT_IMAGES
    parser.add_argument("--precision", choices=PRECISIONS, help="for the format onnx. bfloat16: OpenVINO rounds "
                        "numbers to it; int8: convolutions in whole numbers of eight bits, by the ranges that values "
                        "have on the images of --calibrate (default: float32)")
    parser.add_argument("--calibrate", nargs="+", metavar="IMAGE", help="for int8: images and folders, of the kind "
                        "that the detector is for, such as those of the training; annotations are not read")
    parser.add_argument("--calibration-images", type=int, metavar="N", help="how many of them are taken, at even "
                        f"distances (default: {DEFAULT_IMAGES})")


def check_precision_arguments(args: argparse.Namespace) -> None:
    """Checks these options together with --format.

    Raises:
        UsageError: they do not go together.
        LibraryError: int8 is asked for, and onnxruntime is not installed.
    """
    if args.precision and args.format != "onnx":
        raise UsageError(f"--precision {args.precision} belongs to the format onnx: add --format onnx")
    if args.precision == "int8":
        if not args.calibrate:
            raise UsageError("--precision int8 takes the ranges of values from images: name some, or a folder of "
                             "them, by --calibrate")
        from ...engine.deploy.onnx.quantization import import_quantization
        import_quantization()
    elif args.calibrate or args.calibration_images is not None:
        raise UsageError("--calibrate and --calibration-images belong to --precision int8")
    if args.calibration_images is not None and args.calibration_images < 1:
        raise UsageError(f"--calibration-images must be 1 or more, got {args.calibration_images}")


def find_calibration_images(args: argparse.Namespace) -> List[Path]:
    """The image files to calibrate on; none without --calibrate.

    Raises:
        UsageError: a path does not exist, or there is no image.
    """
    if not args.calibrate:
        return []
    from ...engine.deploy.onnx.calibration import spread
    from ...engine.deploy.onnx.quantization import DEFAULT_IMAGES
    from ...engine.inference.image_files import find_images
    files = [file for file, _ in find_images(args.calibrate)]
    return spread(files, args.calibration_images or DEFAULT_IMAGES)


def report_agreement(detector: "Detector", exported: "EngineDetector", images: "Sequence[ImageLike]",
                     logger: logging.Logger) -> int:
    """Says how near the detections of an export that rounds are; returns the exit status, 1 where half are others."""
    from ...engine.deploy.engines.agreement import LEAST_SCORE, LEAST_SHARE, agreement
    report = agreement(detector, exported, images)
    if not report.objects:
        logger.info("loaded again in %s in %s: nothing is found in these images (%d), so that nothing was compared; "
                    "name photographs by --check", exported.engine, exported.precision, len(images))
        return 0
    logger.info("loaded again in %s in %s: of %d objects with scores from %g on in images (%d), %d are found by both, "
                "median difference of their scores %.2g, of their boxes %.2g pixels; lhrcnn test tells what it costs",
                exported.engine, exported.precision, report.objects, LEAST_SCORE, len(images), report.found_by_both,
                report.scores, report.boxes)
    if report.found_by_both < LEAST_SHARE * report.objects:
        logger.info("error: the exported detector does not give the same detections as the trained one")
        return 1
    return 0
