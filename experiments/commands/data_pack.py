"""Packs a data set into few large files that are read in order: for sets of a million images, and for slow disks."""
import argparse
import os
import re
from typing import Dict

from ...data import Dataset
from ...data.packing.set_packer import PackOptions
from ...data.packing.writing import check_pack_folder, pack_datasets
from ...data.studies.oddities import without_unions
from ...engine.files import storage_errors
from ...engine.folder_lock import lock_folder
from ...errors import UsageError
from . import options
from .data_sets import (
    check_outside, config_lines, find_data_set, make_parser, parse_on_error, read_set, set_names, set_to_train_on)

EXAMPLES = """
lhrcnn data pack photos/ --out packed/
lhrcnn data pack coco/ --out coco_800/ --resize-short 800 --workers 8
lhrcnn data pack photos/ --out packed/ --sets train --shard-size 1GB
"""
_HOW = """
The folder holds files of records, as MXNet has them (RecordIO), and the boxes as arrays. Every command reads it as it
reads any other data set. The files of the images stay as they are, to the byte, unless --resize-short is given. The
images of the set to train on lie in a random order in the shards, so that they can be read one after the other; the
order of the records stays. A packing that was interrupted goes on when the same command is run again."""
_UNITS = {"": 1, "KB": 10 ** 3, "MB": 10 ** 6, "GB": 10 ** 9}
_LEAST_SHARD = 10 ** 5
_MOST_WORKERS = 256


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where something was left out."""
    parser = make_parser("pack", __doc__ + "\n" + _HOW, EXAMPLES)
    parser.add_argument("--out", metavar="NEW", required=True, help="new folder, or that of a packing that was "
                        "interrupted")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="sets to pack (default: all but those that join "
                        "others, such as trainval)")
    parser.add_argument("--shard-size", default="256MB", metavar="SIZE", help="a shard ends with the image that "
                        "reaches this size (default: 256MB)")
    parser.add_argument("--resize-short", type=int, metavar="N", help="make images smaller until their shorter edge "
                        "has N pixels, as JPEG of quality 95 (default: keep the files as they are)")
    parser.add_argument("--order", choices=("shuffled", "kept"), default="shuffled", help="the order of the set to "
                        "train on in the shards (default: shuffled); other sets keep theirs")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of that order (default: 0)")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="threads that read and resize images "
                        "(default: 4)")
    args = parser.parse_args(argv)
    chosen = _options(args)
    check_pack_folder(args.out)
    options.check_output_folder(args.out)
    check_outside(args.path, args.out)
    with lock_folder(args.out), storage_errors(args.out):
        check_pack_folder(args.out)
        datasets = _read(args)
        if args.order == "shuffled":
            chosen = chosen._replace(shuffled=(set_to_train_on(list(datasets)),))
        root = args.path if os.path.isdir(args.path) else os.path.dirname(os.path.abspath(args.path))
        manifest = pack_datasets(args.out, datasets, root, chosen)
    faults = [f"faults in {name}, their number, and what is done about them:\n{dataset.log.table()}"
              for name, dataset in datasets.items() if dataset.log.counts]
    counts = ", ".join(f"{name} {one.records.images} images in {len(one.shards)} shard{'s' * (len(one.shards) > 1)}, "
                       f"{sum(file.bytes for file in one.files()) / 1e6:.1f} MB" for name, one in manifest.sets.items())
    print("\n\n".join([*faults, f"wrote {args.out}: {counts}",
                       "The lines of a configuration that use it:\n\n" + config_lines(args.out, list(datasets))]))
    return int(any(dataset.log.left_out for dataset in datasets.values()))


def _read(args: argparse.Namespace) -> Dict[str, Dataset]:
    found = find_data_set(args)
    names = [found.set_named(name).name for name in args.sets] if args.sets else set_names(found)
    on_error = parse_on_error(args.on_error)
    datasets: Dict[str, Dataset] = {}
    for name in names:
        datasets[name] = read_set(args, name, on_error, next(iter(datasets.values())).classes if datasets else None)
    if args.sets:
        return datasets
    # A set that joins others, as trainval does, would be packed twice; "train+val" names it.
    return {name: datasets[name] for name in without_unions({name: one.records for name, one in datasets.items()})}


def _options(args: argparse.Namespace) -> PackOptions:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) *(KB|MB|GB|)", args.shard_size.strip().upper())
    size = float(match[1]) * _UNITS[match[2]] if match else 0
    if size < _LEAST_SHARD:
        raise UsageError(f"--shard-size {args.shard_size}: name a size of 100KB or more, such as 256MB")
    if args.resize_short is not None and args.resize_short < 1:
        raise UsageError(f"--resize-short is {args.resize_short}; it must be at least 1")
    if not 1 <= args.workers <= _MOST_WORKERS:
        raise UsageError(f"--workers is {args.workers}; it must be from 1 to {_MOST_WORKERS}")
    if not 0 <= args.seed < 2 ** 32:
        raise UsageError(f"--seed is {args.seed}; it must be a whole number from 0 to 4294967295")
    return PackOptions(int(size), args.resize_short, (), args.seed, args.workers)
