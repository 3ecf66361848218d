"""Finds out what a folder of annotated images is, counts what is in it, and says what is odd."""
import argparse
import shlex
from pathlib import Path
from typing import Any, Dict, List

from ...data.finding.layouts import PACKED
from ...data.packing.checking import DamagedFile, find_damage
from ...data.packing.manifest import read_manifest
from ...data.studies.oddities import Oddity, find_oddities
from ...data.studies.report import classes_table, sets_table
from ...data.studies.statistics import SetStatistics, set_statistics
from ...engine.files import write_json
from ...errors import DataError
from . import options
from .data_sets import (
    LAYOUT_NAMES, ReadSets, config_lines, find_data_set, image_root_of, make_parser, parse_on_error, read_set,
    read_sets)

EXAMPLES = """
lhrcnn data check photos/
lhrcnn data check "My Project.v1i.coco" --decode --json check.json
lhrcnn data check labels/instances.json --image-root photos/
"""
_EXIT_STATUS = "Exit status: 0, all is used; 1, something was left out, which the table of faults names; 2, a set " \
               "cannot be used"


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, see `_EXIT_STATUS`."""
    parser = make_parser("check", f"{__doc__}\n{_EXIT_STATUS}.", EXAMPLES)
    parser.add_argument("--decode", action="store_true", help="decode every picture, to find broken ones; without it "
                        "only the headers of the files are read")
    parser.add_argument("--json", metavar="FILE", help="write everything to this file too")
    args = parser.parse_args(argv)
    if args.json:
        options.check_output_folder(Path(args.json).parent, "name another by --json")
    sets = read_sets(args)
    if args.decode:
        for dataset in sets.datasets.values():
            dataset.check_images(progress=True)
    damaged = find_damage(read_manifest(args.path), progress=True) if sets.found.layout == PACKED else []
    figures = {name: set_statistics(one.records, len(sets.classes)) for name, one in sets.datasets.items()}
    unused = _images_of_no_part(args, sets)
    odd = find_oddities({name: one.records for name, one in sets.datasets.items()}, sets.classes, progress=True)
    lines = config_lines(args.path, list(sets.datasets), image_root_of(args), args.layout)
    print("\n\n".join([_heading(sets), sets_table(figures), classes_table(figures, sets.classes), *_faults(sets),
                       *_checksums(sets, damaged), *_oddities(odd), *unused, _advice(args, sets, lines)]))
    if args.json:
        write_json(args.json, _as_json(sets, figures, odd, lines, damaged))
    return 2 if sets.errors else int(any(one.log.left_out for one in sets.datasets.values()) or bool(damaged))


def _heading(sets: ReadSets) -> str:
    lines = [f"{sets.found.path}: {LAYOUT_NAMES[sets.found.layout]}; sets: {', '.join(sets.found.described_sets())}"]
    notes = dict.fromkeys([*sets.found.notes, *(note for one in sets.datasets.values() for note in one.notes)])
    return "\n".join(lines + [f"note: {note}" for note in notes])


def _faults(sets: ReadSets) -> List[str]:
    """Returns a table of the faults of each set that has any, and why a set cannot be read."""
    texts = [f"faults in {name}, their number, and what is done about them:\n{one.log.table()}"
             for name, one in sets.datasets.items() if one.log.counts]
    texts += [f"{name}: {one.describe_unread()}" for name, one in sets.datasets.items() if one.unread]
    return texts + [f"the set {name} cannot be used: {error}" for name, error in sets.errors.items()]


def _checksums(sets: ReadSets, damaged: List[DamagedFile]) -> List[str]:
    """Says whether the files of a packed data set are as they were written."""
    if sets.found.layout != PACKED:
        return []
    if not damaged:
        return ["every file has the checksum that it was written with"]
    return ["damaged; copy these files again, or pack the data set anew:\n" + "\n".join(f"  {one}" for one in damaged)]


def _images_of_no_part(args: argparse.Namespace, sets: ReadSets) -> List[str]:
    """Says how many images of the set "all" are in none of the sets beside it, which are thought to be its parts."""
    # The folder `splits` decides over what the annotations say, and was written before images were added.
    if "all" in sets.datasets or "all" not in find_data_set(args, use_splits=False).sets:
        return []
    try:
        everything = read_set(args, "all", parse_on_error(args.on_error), sets.classes, use_splits=False)
    except DataError as error:
        return [f"the set all cannot be used: {error}"]
    in_parts = {record.path for one in sets.datasets.values() for record in one.records}
    missing = [record.path for record in everything.records if record.path not in in_parts]
    if not missing:
        return []
    return [f"{len(missing)} images of the set all are in none of the sets above, and not used with those, such as "
            f"{missing[0]}"]


def _oddities(odd: List[Oddity]) -> List[str]:
    if not odd:
        return []
    lines = ["odd, but used as it is:"]
    for one in odd:
        lines.append(f"  {one.count} x {one.meaning}")
        lines += [f"      {example}" for example in one.examples]
    return ["\n".join(lines)]


def _advice(args: argparse.Namespace, sets: ReadSets, lines: str) -> str:
    texts = []
    if len(sets.found.sets) == 1 and sets.found.layout == PACKED:
        texts.append("There is only one set, and no other to test on. Divide the data set by lhrcnn data split before "
                     "it is packed.\n")
    elif len(sets.found.sets) == 1:
        words = ["lhrcnn", "data", "split", args.path]
        words += ["--image-root", args.image_root] if args.image_root else []
        words += ["--layout", args.layout] if args.layout else []
        words += ["--out", "lists"] if Path(args.path).is_file() else []
        command = " ".join(map(shlex.quote, words))
        texts.append(f"There is only one set, and no other to test on. To divide it: {command}\n")
    elif "val" not in sets.found.sets and "test" in sets.found.sets:
        texts.append("There is no set called val: the set test is named to test on while training.\n")
    return "".join(texts) + f"The lines of a configuration that use it:\n\n{lines}"


def _as_json(sets: ReadSets, figures: Dict[str, SetStatistics], odd: List[Oddity], lines: str,
             damaged: List[DamagedFile]) -> Dict[str, Any]:
    return {
        "path": sets.found.path, "layout": sets.found.layout, "notes": list(sets.found.notes),
        "classes": list(sets.classes),
        "sets": {name: {**figures[name].as_json(sets.classes), "faults": one.log.as_json()}
                 for name, one in sets.datasets.items()},
        "errors": {name: str(error) for name, error in sets.errors.items()},
        "odd": [one.as_json() for one in odd], "damaged": [str(one) for one in damaged], "configuration": lines}
