"""Draws the ground truth of a data set on its photographs, or ground truth and detections together, or batches."""
import argparse
import random
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from PIL import Image

from ...data import Dataset, Record
from ...engine.reporting.contact_sheets import THUMBNAIL
from ...engine.reporting.drawing import save_picture
from ...engine.reporting.truth_pictures import draw_truth
from ...errors import DataError, UsageError
from ...progress import ProgressBar
from . import options
from .data_pictures import LEAST_SIDE, picture_name, report_failures, write_lines, write_sheets
from .data_sets import check_outside, class_id, make_parser, read_chosen_set

EXAMPLES = """
lhrcnn data show photos/ --out look
lhrcnn data show photos/ --out cows --set val --class cow --count 60
lhrcnn data show photos/ --out mistakes --compare output/photos_s --count 50
lhrcnn data show photos/ --out batches --augmented --cfg photos_s TRAIN.RANDOM_CROP=0.5 TRAIN.PHOTOMETRIC=0.5
"""
_COMPARISON = """
With --compare, pictures have the detections of a run beside the ground truth, and those with most mistakes come first:
objects that were missed are red, false detections orange; those that were found are green, and the detections of them
blue. A detection finds an object of its class at an IoU of 0.5.

With --augmented, pictures are the images of the first training batches of a configuration, as its network gets them:
cropped, resized, mirrored and padded, with the boxes that are learned; --seed takes the place of its seed."""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where an image could not be read."""
    args = _make_parser().parse_intermixed_args(argv)
    if args.count < 1:
        raise UsageError(f"--count is {args.count}; it must be at least 1")
    folder = Path(args.out)
    options.check_output_folder(folder)
    check_outside(args.path, args.out)
    if folder.is_dir() and any(folder.iterdir()) and not args.force:
        raise UsageError(f"{folder} is not empty: name a new folder, or write into it all the same by --force")
    if args.augmented:
        from .data_augmented import show_augmented
        return show_augmented(args, folder)
    if args.cfg or args.overrides:
        raise UsageError("--cfg and KEY=VALUE are for --augmented alone")
    if args.compare:
        from .data_comparison import show_mistakes
        return show_mistakes(args, folder)
    dataset = read_chosen_set(args, ["train"])
    chosen = _choose(dataset, args.only_class, args.count, args.seed)
    failures = _write_pictures(folder, dataset, chosen)
    print(f"{len(chosen) - len(failures)} of {len(dataset)} images of {dataset.name}: pictures, contact sheets and "
          f"images.txt are in {folder}")
    return report_failures(failures)


def _make_parser() -> argparse.ArgumentParser:
    parser = make_parser("show", __doc__ + "\n" + _COMPARISON, EXAMPLES)
    parser.add_argument("--out", metavar="DIR", required=True, help="new folder for the pictures")
    parser.add_argument("--set", metavar="NAME", help="image set (default: train; with --compare that of the test, or "
                        "else val or test; or the only one)")
    parser.add_argument("--count", type=int, default=24, metavar="N", help="number of images (default: 24)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="decides which images; with --augmented, "
                        "the seed of the training (default: 0)")
    parser.add_argument("--class", dest="only_class", metavar="NAME", help="images that have an object of this class; "
                        "with --compare, objects and detections of this class alone")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--compare", metavar="RUN", help="a folder of a test, its results.json, a folder of a training "
                        "with a test in it, or a checkpoint, whose detector is then run")
    which.add_argument("--augmented", action="store_true", help="draw training batches of the configuration --cfg")
    parser.add_argument("--cfg", metavar="FILE", help="with --augmented, the configuration: a YAML file, or the name "
                        "of a bundled one such as photos_s")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="SCORE", help="with --compare, detections of "
                        "at least this score (default: 0.5)")
    parser.add_argument("--force", action="store_true", help="write into a folder that is not empty")
    options.add_devices(parser)
    options.add_overrides(parser)
    return parser


def _choose(dataset: Dataset, only_class: Optional[str], count: int, seed: int) -> List[Record]:
    """Returns images drawn at random, in the order of the data set."""
    records = dataset.records
    if only_class is not None:
        wanted = class_id(dataset, only_class)
        records = [record for record in records if wanted in record.classes]
        if not records:
            raise UsageError(f"{dataset.name} has no image with an object of the class {only_class!r}")
    positions = sorted(random.Random(seed).sample(range(len(records)), min(count, len(records))))
    return [records[position] for position in positions]


def _write_pictures(folder: Path, dataset: Dataset, records: Sequence[Record]) -> List[str]:
    """Writes a picture of each image, contact sheets, and images.txt, which says what is in each; returns failures."""
    failures: List[str] = []
    lines: List[str] = []

    def thumbnails() -> Iterator[Tuple[str, Image.Image]]:
        for number, record in enumerate(ProgressBar(records, unit="picture", leave=False, disable=None), 1):
            name = picture_name(number, record)
            try:
                save_picture(draw_truth(record, dataset.classes, least=LEAST_SIDE), folder / name)
                small = draw_truth(record, dataset.classes, THUMBNAIL)
            except DataError as error:
                failures.append(str(error))
                continue
            lines.append(f"{name}\t{record.path}\t{_describe(record, dataset.classes)}")
            yield name, small

    write_sheets(folder, thumbnails())
    write_lines(folder / "images.txt", lines)
    return failures


def _describe(record: Record, classes: Sequence[str]) -> str:
    """Returns the size of an image and its number of objects by class, for a line of a list."""
    counts = ", ".join(f"{(record.classes == index).sum()} {classes[index]}" for index in sorted(set(record.classes)))
    return f"{record.width} x {record.height}\t{counts or 'no boxes'}"
