"""Finds proposals in the images of a data set, for detectors without an RPN, and measures how many boxes they find."""
import argparse
from pathlib import Path
from typing import Dict, List, NamedTuple

import yaml

from ... import runtime
from ...data import MAX_MEGAPIXELS, Dataset
from ...data.proposals import MAX_PER_IMAGE, load_proposals
from ...data.proposals.methods import METHODS, MODES, WIDTH, ProposalFinder
from ...data.proposals.opencv import EDGE_MODEL_ADDRESS
from ...engine.folder_lock import lock_folder
from ...errors import DataError, UsageError
from . import data_sets, options

EXAMPLES = """
lhrcnn proposals --method selective_search photos/
lhrcnn proposals --method edge_boxes --edge-model model.yml.gz --max 1000 photos/
lhrcnn proposals --method selective_search --mode quality --cfg mine.yaml dataset.image_set=train+val
lhrcnn proposals --recall voc_2007_trainval.mat voc_2007_test.mat data/VOCdevkit/VOC2007
"""
_WHICH = """
DATASET is a folder or an annotation file, as for lhrcnn data check; its sets to train and to test on are looked at.
With --cfg, the data set and the two image sets are those of a configuration."""


class _Sets(NamedTuple):
    """The image sets that a command line names: their folder, and the data set of each by its name."""

    folder: str
    datasets: Dict[str, Dataset]


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where an image could not be read."""
    args = _parse(argv)
    from ...engine.reporting.logger import open_logger
    open_logger()
    if args.recall:
        sets = _read(args)
        for name, dataset in sets.datasets.items():
            _measure(name, dataset, args.files, args.max)
        return _tell_faults(sets)
    options.check_output_folder(args.out)
    finder = ProposalFinder(args.method, args.mode, args.max, args.width, args.edge_model)
    sets, files = _read(args), []
    with lock_folder(args.out):
        for name, dataset in sets.datasets.items():
            files.append(_propose(sets.folder, name, dataset, finder, args))
            _measure(name, dataset, files[-1:], args.max)
    status = _tell_faults(sets)
    print("The lines of a configuration that use them:\n\n" + _config_lines(files))
    return status


def _parse(argv: options.Arguments) -> argparse.Namespace:
    parser = options.make_plain_parser("lhrcnn proposals", __doc__ + "\n" + _WHICH, EXAMPLES)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--method", choices=list(METHODS), help="; ".join(
        f"{name}: {meaning}" for name, meaning in METHODS.items()))
    what.add_argument("--recall", action="store_true", help="find nothing, but measure the recall of the boxes in "
                      "files (JSON, .npz or .mat, see docs/fast-rcnn/proposals.md), which stand before DATASET")
    parser.add_argument("--mode", choices=MODES, default="fast", help="of selective search; quality finds more boxes, "
                        "and takes several times as long (default: fast)")
    parser.add_argument("--max", type=int, default=MAX_PER_IMAGE, metavar="N", help="the largest number of boxes of an "
                        f"image (default: {MAX_PER_IMAGE})")
    parser.add_argument("--width", type=int, default=WIDTH, metavar="PIXELS", help="images wider than this are reduced "
                        f"to it first; 0 takes them as they are (default: {WIDTH})")
    parser.add_argument("--edge-model", metavar="FILE", help="for edge_boxes: OpenCV's forest of structured edges, "
                        f"published as {EDGE_MODEL_ADDRESS} (default: the gradients of the picture, which find worse "
                        "boxes)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one a core; 0: none beside this)")
    parser.add_argument("--out", metavar="FOLDER", default="output/proposals", help="folder for the files of "
                        "proposals, one an image set; what is there already is not found again (default: "
                        "output/proposals)")
    parser.add_argument("--cfg", metavar="FILE", help="configuration that names the data set: a YAML file, or the name "
                        "of a bundled one")
    parser.add_argument("--set", metavar="NAME", action="append", help="look at this image set instead; may be given "
                        "several times")
    data_sets.add_reading(parser)
    parser.add_argument("words", nargs="*", metavar="FILE ... DATASET | KEY=VALUE", help="the data set, with --recall "
                        "after the files; with --cfg no data set, but configuration entries to change")
    args = parser.parse_intermixed_args(argv)
    args.overrides, words = options.split_overrides(args.words)
    return _named(args, words)


def _named(args: argparse.Namespace, words: List[str]) -> argparse.Namespace:
    """Adds `path`, the data set, and `files`; UsageError where the words are too few or too many."""
    if args.cfg:
        of_folder = [name for name in ("image_root", "layout") if getattr(args, name)]
        if of_folder or args.on_error != "default" or args.max_megapixels != MAX_MEGAPIXELS:
            raise UsageError("with --cfg, the configuration says how the data set is read: leave out --image-root, "
                             "--layout, --on-error and --max-megapixels, or write dataset.image_root=FOLDER")
        args.path, args.files = None, words
    else:
        if args.overrides:
            raise UsageError(f"{args.overrides[0]} changes a configuration: name one by --cfg FILE")
        if not words:
            raise UsageError("name a data set, or a configuration that names one: --cfg FILE")
        args.path, args.files = words[-1], words[:-1]
    if args.recall and not args.files:
        raise UsageError("--recall needs files of proposals: lhrcnn proposals --recall FILE ... DATASET")
    if args.files and not args.recall:
        raise UsageError(f"one data set is looked at, so what is {args.files[0]}? Files of proposals go with --recall")
    if args.workers is not None and args.workers < 0 or args.max < 1 or args.width < 0:
        raise UsageError("--max must be at least 1, --width and --workers at least 0")
    return args


def _read(args: argparse.Namespace) -> _Sets:
    """Reads the image sets that are looked at."""
    if args.cfg:
        from ...engine.building.datasets import build_dataset
        cfg = options.load_cfg(args.cfg, args.overrides)
        names = args.set or [name for name in (cfg.dataset.image_set, cfg.dataset.test_image_set) if name]
        return _Sets(cfg.dataset.dataset_path, {name: build_dataset(cfg, name) for name in names})
    names = args.set
    if not names:
        there = data_sets.set_names(data_sets.find_data_set(args))
        first = data_sets.set_to_train_on(there)
        names = [first, *(name for name in ("val", "test") if name in there and name != first)]
    policy = data_sets.parse_on_error(args.on_error)
    return _Sets(args.path, {name: data_sets.read_set(args, name, policy) for name in names})


def _propose(folder: str, name: str, dataset: Dataset, finder: ProposalFinder, args: argparse.Namespace) -> Path:
    from ...engine.inference.proposing import file_name, propose_for_dataset
    workers = runtime.available_threads().count if args.workers is None else args.workers
    path = Path(args.out) / file_name(folder, name, finder.method, finder.mode)
    done = propose_for_dataset(dataset, finder, path, workers)
    new = done.images - done.found_before
    lines = [f"{path}: {done.images:,} images of the set {name}, {done.found_before:,} of them found before"
             + (f"; {new:,} new ones took {done.seconds:.1f} s with {workers} workers, {done.seconds / new:.2f} s an "
                "image" if new else "")]
    if done.unread:
        lines.append(f"{done.unread} images could not be read, and have no proposals")
    print("\n".join(lines), flush=True)
    return path


def _tell_faults(sets: _Sets) -> int:
    """Prints what was wrong with the image sets, images that were left out among it; returns the exit status."""
    for name, dataset in sets.datasets.items():
        if dataset.log.counts:
            print(f"faults in {name}, their number, and what is done about them:\n{dataset.log.table()}\n", flush=True)
    return int(any(dataset.log.unreadable_images for dataset in sets.datasets.values()))


def _measure(name: str, dataset: Dataset, files: List[Path], limit: int) -> None:
    """Prints the recall of files on an image set."""
    from ...engine.evaluation.proposal_recall import COUNTS, proposal_recall
    found = load_proposals(files, dataset.records, limit)
    missing = found.missing(dataset.records)
    if missing:
        raise DataError(f"{' and '.join(found.files)}: {len(missing)} of the {len(dataset.records)} images of the set "
                        f"{name} have no entry, such as {missing[0].path}; lhrcnn proposals --method finds the boxes")
    counts = [count for count in COUNTS if count < limit] + [limit]
    measured = proposal_recall(dataset.records, found, counts)
    print(f"set {name}: {measured.table()}\n", flush=True)


def _config_lines(files: List[Path]) -> str:
    entries = {"proposal": "file", "proposal_files": [str(path.absolute()) for path in files]}
    return yaml.safe_dump({"dataset": entries}, sort_keys=False, allow_unicode=True, width=1000).rstrip("\n")
