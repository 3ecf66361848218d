"""`lhrcnn data show --compare`: ground truth and detections together, the images with most mistakes first."""
import argparse
import copy
import dataclasses
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

from PIL import Image

from ...data import Dataset
from ...engine.evaluation.detections import ImageDetections
from ...engine.evaluation.finding_tests import find_test
from ...engine.evaluation.matching import match_classes, with_classes_of_data_set
from ...engine.evaluation.mistakes import ImageMistakes, find_mistakes
from ...engine.evaluation.result_files import read_results
from ...engine.reporting.contact_sheets import THUMBNAIL, add_caption
from ...engine.reporting.drawing import save_picture
from ...engine.reporting.truth_pictures import draw_comparison
from ...errors import DataError, UsageError
from ...progress import ProgressBar
from . import options
from .data_pictures import LEAST_SIDE, picture_name, report_failures, write_lines, write_sheets
from .data_sets import class_id, read_chosen_set

_SETS = ("val", "test")


def show_mistakes(args: argparse.Namespace, folder: Path) -> int:
    """Writes pictures with ground truth and detections, contact sheets, and mistakes.txt; returns the exit status.

    Args:
        args: the command line of `lhrcnn data show`.
        folder: takes the files.
    """
    if not 0 <= args.threshold <= 1:
        raise UsageError(f"--threshold is {args.threshold:g}; scores are from 0 to 1")
    dataset, detections, unread = _read_or_detect(args)
    if args.only_class is not None:
        dataset, detections = _of_class(dataset, detections, class_id(dataset, args.only_class))
    images = find_mistakes(dataset, detections, args.threshold)
    failures = _write_pictures(folder, dataset, images[:args.count])
    missed, false = (sum(int(getattr(image, what).sum()) for image in images) for what in ("missed", "false"))
    found = sum(int(image.correct.sum()) for image in images)
    lines = [f"{rank}\t{image.count} mistakes\t{image.missed.sum()} missed\t{image.false.sum()} false\t"
             f"{image.correct.sum()} found\t{image.record.path}" for rank, image in enumerate(images, 1)]
    write_lines(folder / "mistakes.txt", lines)
    print(f"{dataset.name}, {len(images)} images, scores of at least {args.threshold:g}: {found} objects found, "
          f"{missed} missed, {false} false detections\nthe {min(args.count, len(images)) - len(failures)} images with "
          f"most mistakes, contact sheets, and mistakes.txt with all images are in {folder}")
    return report_failures(unread + failures)


def _read_or_detect(args: argparse.Namespace) -> Tuple[Dataset, List[ImageDetections], List[str]]:
    """Returns the data set and its detections: those of a test, or else of the detector that a checkpoint holds.

    The detector leaves out images that it cannot read; what is wrong with each of them is returned too.
    """
    test = find_test(args.compare)
    if test is not None:
        args.set = args.set or test.image_set
        dataset = read_chosen_set(args, _SETS, test.classes)
        print(f"detections from {test.results}")
        return dataset, read_results(test.results, dataset), []
    from ...engine.building.proposals import build_proposals
    from ...engine.evaluation.run import without_failures
    from ...engine.inference.dataset_detections import detect_dataset
    from ...engine.inference.detector import Detector
    from ...engine.inference.loading import load_network
    contexts = options.choose_contexts(args)
    net, cfg, path = load_network(None, contexts, args.compare)
    detector = Detector.of(cfg, net, contexts)
    dataset = read_chosen_set(args, _SETS)
    matched = match_classes(detector.classes, dataset)
    print(f"detections of {path}")
    proposals = None if detector.rois is None else build_proposals(cfg, dataset, cfg.TEST.PROPOSALS)
    detections, failures = detect_dataset(detector, dataset, cfg.TEST.BATCH_IMAGES, cfg.TEST.NUM_WORKERS, proposals)
    if matched is not None:
        detections = with_classes_of_data_set(detections, matched)
    return (*without_failures(dataset, detections, failures), list(failures.values()))


def _of_class(dataset: Dataset, detections: Sequence[ImageDetections],
              class_id: int) -> Tuple[Dataset, List[ImageDetections]]:
    """Returns a data set with the objects of one class alone, and the detections of that class."""
    only = copy.copy(dataset)
    only.records = []
    for record in dataset.records:
        keep = record.classes == class_id
        only.records.append(dataclasses.replace(record, **{name: getattr(record, name)[keep] for name in (
            "boxes", "classes", "difficult", "crowd", "areas", "ignored", "coco_boxes")}))
    return only, [(ids[ids == class_id], scores[ids == class_id], boxes[ids == class_id])
                  for ids, scores, boxes in detections]


def _write_pictures(folder: Path, dataset: Dataset, images: Sequence[ImageMistakes]) -> List[str]:
    """Writes a picture of each image and contact sheets; returns what could not be read."""
    failures: List[str] = []

    def thumbnails() -> Iterator[Tuple[str, Image.Image]]:
        for rank, image in enumerate(ProgressBar(images, unit="picture", leave=False, disable=None), 1):
            try:
                picture = draw_comparison(image.record, dataset.classes, image.found, image.counted, image.detections,
                                          image.correct, image.false, LEAST_SIDE)
            except DataError as error:
                failures.append(str(error))
                continue
            name = picture_name(rank, image.record)
            figures = f"{image.missed.sum()} missed (red), {image.false.sum()} false (orange)"
            caption = f"{rank}. {figures}, {image.correct.sum()} found (green; blue: detections)"
            save_picture(add_caption(picture, f"{caption} - {Path(image.record.path).name}"), folder / name)
            picture.thumbnail((THUMBNAIL, THUMBNAIL))
            yield f"{rank}. {image.missed.sum()} missed, {image.false.sum()} false: {name}", picture

    write_sheets(folder, thumbnails())
    return failures
