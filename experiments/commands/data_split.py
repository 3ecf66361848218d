"""Divides a data set that has no sets into sets to train on and to test on; writes lists, and moves nothing."""
import argparse
import os
from pathlib import Path
from typing import Dict, List, Sequence

from ...data import Record
from ...data.finding.choosing import SPLITS_FOLDER
from ...data.finding.layouts import PACKED
from ...data.studies.report import classes_table
from ...data.studies.splitting import split_records
from ...data.studies.statistics import set_statistics
from ...engine.files import atomic_set
from ...errors import UsageError
from . import options
from .data_sets import config_lines, find_data_set, image_root_of, make_parser, parse_on_error, read_set

EXAMPLES = """
lhrcnn data split photos/
lhrcnn data split photos/ --val 0.15 --test 0.15 --seed 7
lhrcnn data split labels/instances.json --image-root photos/ --out lists/
"""
_HOW = """
Every set gets its share of the images and, as nearly as that allows, of the boxes of every class; pictures that are
equal stay together. The lists name one image a line. The folder `splits` in the data set is looked at by all that reads
the data set (dataset.dataset: auto)."""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status."""
    parser = make_parser("split", __doc__ + "\n" + _HOW, EXAMPLES)
    parser.add_argument("--val", type=float, default=0.2, metavar="SHARE", help="share of the images to test on while "
                        "training (default: 0.2)")
    parser.add_argument("--test", type=float, default=0.0, metavar="SHARE", help="share of the images to test on at "
                        "the end (default: 0, no such set)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="decides between images that would do "
                        "equally well (default: 0)")
    parser.add_argument("--out", metavar="FOLDER", help=f"folder for the lists (default: the folder {SPLITS_FOLDER} in "
                        "the data set)")
    parser.add_argument("--force", action="store_true", help="replace lists that are there")
    args = parser.parse_args(argv)
    shares = _shares(args)
    folder = _folder(args)
    is_own = not args.out
    # Lists that an earlier split wrote are no reason against a new one where they are replaced.
    use_splits = not (is_own and args.force)
    found = find_data_set(args, use_splits)
    if found.layout == PACKED:
        raise UsageError(f"{found.path} is packed, and its images are no files that a list could name: divide the data "
                         "set by lhrcnn data split before it is packed by lhrcnn data pack")
    if len(found.sets) > 1:
        raise UsageError(f"{found.path} is divided already: {', '.join(found.described_sets())}"
                         + (f"; --force replaces the lists in {folder}" if is_own and folder.is_dir() else ""))
    lists = {one: folder / f"{one}.txt" for one in shares}
    _check_lists(folder, args.force)
    dataset = read_set(args, next(iter(found.sets)), parse_on_error(args.on_error), use_splits=use_splits)
    sets = split_records(dataset.records, shares, args.seed, progress=True)
    root = found.path if os.path.isdir(found.path) else os.path.dirname(found.path)
    _write_lists({file: sets[one] for one, file in lists.items()}, root)
    for obsolete in set(_old_lists(folder)) - set(lists.values()):
        obsolete.unlink()
    figures = {one: set_statistics(records, len(dataset.classes)) for one, records in sets.items()}
    counts = ", ".join(f"{one} {len(records)}" for one, records in sets.items())
    lines = config_lines(args.path, list(sets), image_root_of(args), args.layout,
                         None if is_own else {one: str(file) for one, file in lists.items()})
    texts = [f"images: {counts}", classes_table(figures, dataset.classes)]
    if dataset.log.counts:
        texts.append(f"faults, their number, and what is done about them:\n{dataset.log.table()}")
    print("\n\n".join([*texts, "wrote " + ", ".join(map(str, lists.values())),
                       f"The lines of a configuration that use it:\n\n{lines}"]))
    return 0


def _shares(args: argparse.Namespace) -> Dict[str, float]:
    """Returns the share of each set that is wanted, the largest first."""
    for option, share in (("--val", args.val), ("--test", args.test)):
        if not 0 <= share < 1:
            raise UsageError(f"{option} is {share:g}; a share is at least 0 and less than 1")
    if args.val + args.test >= 1:
        raise UsageError(f"--val {args.val:g} and --test {args.test:g} leave no image to train on")
    if not args.val and not args.test:
        raise UsageError("--val and --test are both 0: there is nothing to divide")
    shares = {"train": 1 - args.val - args.test, "val": args.val, "test": args.test}
    return {name: share for name, share in shares.items() if share}


def _folder(args: argparse.Namespace) -> Path:
    """Returns the folder for the lists."""
    if args.out:
        return Path(args.out)
    if os.path.isfile(args.path):
        raise UsageError(f"{args.path} is a single file: name a folder for the lists, --out FOLDER")
    return Path(args.path) / SPLITS_FOLDER


def _check_lists(folder: Path, force: bool) -> None:
    """Raises UsageError if lists cannot be written to a folder, or are there and not to be replaced."""
    options.check_output_folder(folder)
    there = _old_lists(folder)
    if there and not force:
        raise UsageError(f"{', '.join(map(str, there))}: there already; replace by --force, or name another folder by "
                         "--out")


def _old_lists(folder: Path) -> List[Path]:
    """Returns the lists that an earlier split wrote to a folder; one of a set that there is no more would be a set."""
    return [file for file in (folder / f"{name}.txt" for name in ("train", "val", "test")) if file.exists()]


def _write_lists(lists: Dict[Path, Sequence[Record]], root: str) -> None:
    """Writes all lists or, if that fails, none; the name of an image that is not UTF-8 has its own bytes."""
    with atomic_set(list(lists)) as temporaries:
        for temporary, records in zip(temporaries, lists.values()):
            text = "".join(_line(record, root) + "\n" for record in records)
            Path(temporary).write_text(text, encoding="utf-8", errors="surrogateescape")


def _line(record: Record, root: str) -> str:
    path = os.path.abspath(record.path)
    inside = path.startswith(os.path.join(root, ""))
    return os.path.relpath(path, root).replace(os.sep, "/") if inside else path
