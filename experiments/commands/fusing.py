"""Writes exports for MXNet in the fastest form that gives the same detections."""
import argparse
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Mapping, NamedTuple, Sequence, Tuple

from ...errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from ...engine.inference.detector import Detector, ImageLike


class _Form(NamedTuple):
    fuse: bool
    onednn: bool
    name: str


_FORMS = (_Form(True, True, "in fused form with oneDNN's passes"), _Form(True, False, "in fused form"),
          _Form(False, False, "as it is"))


def add_fusing_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --fuse, --no-fuse and --static-shape."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--fuse", action="store_true", default=None, help="for the format mxnet: compute what depends on "
                     "weights alone once, and make batch normalisations parts of convolutions; loaded for CPUs, the "
                     "export is also run by oneDNN's passes (the default)")
    how.add_argument("--no-fuse", dest="fuse", action="store_false", help="for the format mxnet: the network as it "
                     "is, which can be trained")
    parser.add_argument("--static-shape", metavar="HxW", type=_shape, help="for the format mxnet: all images are "
                        "padded to this height and width in pixels, multiples of the network's stride, such as "
                        "800x1216, so that memory is planned once; larger images run at their own size")


def check_fusing_arguments(args: argparse.Namespace) -> None:
    """Checks these options together with --format; UsageError where they do not go together."""
    for option, value in (("--no-fuse" if args.fuse is False else "--fuse", args.fuse),
                          ("--static-shape", args.static_shape)):
        if value is not None and args.format != "mxnet":
            raise UsageError(f"{option} belongs to the format mxnet: an ONNX export is fused by its engine")


def write_checked(detector: "Detector", prefix: Path, thresholds: Mapping[str, float], args: argparse.Namespace,
                  images: "Sequence[ImageLike]", logger: logging.Logger) -> int:
    """Writes an export, loads it and compares it with the detector.

    Where the fused form does not give the same detections, which would be a fault of MXNet's passes for oneDNN, the
    next plainer form is written in its place, and a line of the log says so.

    Args:
        detector: the trained one.
        prefix: see `engine.deploy.export.export`.
        thresholds: that are written down.
        args: with the attributes of `add_fusing_arguments`.
        images: to compare on.
        logger: takes the messages.

    Returns:
        The exit status, 1 where no form gives the same detections.
    """
    from mxnet import MXNetError

    from ...engine.deploy.export import export
    forms = _FORMS[2:] if args.fuse is False else _FORMS if _on_cpus(detector) else _FORMS[1:]
    for form in forms:
        try:
            files = export(detector, prefix, thresholds, form.fuse, form.onednn, args.static_shape)
            logger.info("exported %s %s as %s", detector.source, form.name, ", ".join(files))
            if _is_same(detector, prefix, form, args, images, logger):
                return 0
        except (CheckpointError, MXNetError) as error:
            logger.info("the export cannot be run: %s", str(error).strip().splitlines()[-1])
        if form is not forms[-1]:
            logger.info("a plainer form takes the place of the export %s, which does not give the same detections",
                        form.name)
    logger.info("error: the exported detector does not give the same detections as the trained one")
    return 1


def _is_same(detector: "Detector", prefix: Path, form: _Form, args: argparse.Namespace,
             images: "Sequence[ImageLike]", logger: logging.Logger) -> bool:
    """Whether an export gives the same detections: all, or in fused form, which rounds otherwise, nearly all."""
    from ...engine.deploy.engines.comparison import LEAST_SHARE, compare_answers
    from ...engine.deploy.export import BOX_TOLERANCE, SCORE_TOLERANCE, compare_detectors
    from ...engine.deploy.exported import load_exported
    from ...engine.deploy.fusing.static import StaticNetwork
    from ...engine.inference.detector import Detector
    exported = load_exported(prefix, detector.contexts[0])
    if args.static_shape is not None:  # padding changes what the network sees beyond the edges of an image
        detector = Detector(StaticNetwork(detector.net, args.static_shape), detector.classes, detector.preparation,
                            detector.contexts, rois=detector.rois)
    if form.fuse:
        report = compare_answers(detector, exported, images)
        logger.info("loaded again: %d of %d detections in images (%d) found again, largest difference of a score %.2g, "
                    "of a box %.2g pixels", report.found_again, report.detections, len(images), report.scores,
                    report.boxes)
        return report.found_again >= LEAST_SHARE * report.detections
    differences = compare_detectors(detector, exported, images)
    logger.info("loaded again: %(detections)d detections in images (%(images)d) compared, largest difference of a "
                "score %(scores).2g, of a box %(boxes).2g pixels", differences)
    return differences["scores"] <= SCORE_TOLERANCE and differences["boxes"] <= BOX_TOLERANCE


def _on_cpus(detector: "Detector") -> bool:
    from ...engine.deploy.fusing.graph import on_cpus
    return on_cpus(detector.contexts)


def _shape(text: str) -> Tuple[int, int]:
    found = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is not a height and a width, such as 800x1216")
    return int(found[1]), int(found[2])


_shape.__name__ = "height and width"  # argparse names it where the text is none
