"""What is odd in data sets without being a fault: classes that look alike, boxes twice, one picture in two sets."""
import re
from collections import Counter, defaultdict
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from ..assembling.faults import EXAMPLES
from ..files.equal_files import groups_of_equal_files, real_paths
from ..pictures.resizing import resize_scale
from ..record import Record
from ..record_columns import (
    image_field, join_records, joined_field, object_counts, record_paths, take_records)

FEW_BOXES = 10
# A box is tiny if a side is shorter than this where its image is resized as configurations do by default.
TINY_PIXELS, USUAL_SIZE = 4, (600, 1000)
_IN_ONE_LINE = 12  # names of classes
WHOLE_IMAGE = 0.98  # share of the area from which a box covers its whole image

Sets = Mapping[str, Sequence[Record]]


class Oddity(NamedTuple):
    """Something odd.

    Attributes:
        kind: a short name.
        count: how often it was found.
        meaning: what it is, and where it matters what comes of it.
        examples: the first few, as texts.
    """

    kind: str
    count: int
    meaning: str
    examples: List[str]

    def as_json(self) -> Dict[str, Any]:
        """Returns the attributes as a dict for a JSON file."""
        return dict(self._asdict())


def find_oddities(sets: Sets, classes: Sequence[str], progress: bool = False) -> List[Oddity]:
    """Finds what is odd in the image sets of one data set.

    Args:
        sets: the records of each image set by its name.
        classes: names of the classes, which are those of all sets.
        progress: show bars on a terminal.

    Returns:
        What was found; an oddity that was not found is not among them. A set that joins others, as trainval does, is
        not looked at: what is odd in it is odd in them.
    """
    sets = without_unions(sets)
    found = [*_odd_classes(sets, classes), *_odd_boxes(sets, classes), *_equal_pictures(sets, progress)]
    return [oddity for oddity in found if oddity is not None]


def without_unions(sets: Sets) -> Sets:
    """Returns the sets without those whose images are exactly those of two or more smaller ones."""
    paths = {name: set(record_paths(records)) for name, records in sets.items()} if len(sets) > 1 else {}
    unions = []
    for name, own in paths.items():
        parts = [other for other in paths.values() if other < own]
        if len(parts) > 1 and set().union(*parts) == own:
            unions.append(name)
    return {name: records for name, records in sets.items() if name not in unions}


def _odd_classes(sets: Sets, classes: Sequence[str]) -> Iterable[Optional[Oddity]]:
    counts = {name: Counter({index: count for index, count in
                             enumerate(np.bincount(joined_field(records, "classes")).tolist()) if count})
              for name, records in sets.items()}
    spelled = defaultdict(list)
    for name in classes:
        spelled[re.sub(r"[\W_]+", "", name.casefold())].append(name)
    yield _oddity("classes_alike", "classes whose names differ only in case, spaces or punctuation: each is a class of "
                  "its own", [", ".join(map(repr, names)) for key, names in spelled.items() if key and len(names) > 1])
    total = sum(counts.values(), Counter())
    unused = [name for index, name in enumerate(classes) if not total[index]]
    yield _oddity("class_without_boxes", "classes that have no box in any set", unused, in_one_line=True)
    yield _oddity("class_with_few_boxes", f"classes with fewer than {FEW_BOXES} boxes in all sets",
                  [f"{name} ({total[index]})" for index, name in enumerate(classes) if 0 < total[index] < FEW_BOXES],
                  in_one_line=True)
    # Sets without any box, such as those of a competition, miss no class.
    labelled = {name: count for name, count in counts.items() if count}
    one_sided = []
    for index, name in enumerate(classes):
        without = [image_set for image_set, count in labelled.items() if not count[index]]
        if total[index] and without:
            having = [image_set for image_set in labelled if image_set not in without]
            one_sided.append(f"{name}: in {', '.join(having)}, not in {', '.join(without)}")
    yield _oddity("class_not_in_all_sets", "classes that some sets have boxes of and others do not", one_sided)


def _odd_boxes(sets: Sets, classes: Sequence[str]) -> Iterable[Optional[Oddity]]:
    records = join_records([take_records(of_set, np.flatnonzero(object_counts(of_set))) for of_set in sets.values()])
    if not len(records):
        return
    tiny, whole, twice, two_classes = (_Examples() for _ in range(4))
    boxes, ids = joined_field(records, "boxes").astype(float), joined_field(records, "classes")
    image = np.repeat(np.arange(len(records)), object_counts(records))
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    heights, widths = image_field(records, "height"), image_field(records, "width")
    scales = np.array([resize_scale(*size, *USUAL_SIZE) for size in zip(heights.tolist(), widths.tolist())])
    areas = heights * widths
    for index in np.flatnonzero(sides.min(axis=1) * scales[image] < TINY_PIXELS):
        (width, height), record = sides[index], records[image[index]]
        tiny.add(record, f"a box of {width:.4g} x {height:.4g} pixels ({classes[ids[index]]}) in an image of "
                         f"{record.width} x {record.height}")
    for index in np.flatnonzero(sides.prod(axis=1) >= WHOLE_IMAGE * areas[image]):
        whole.add(records[image[index]], classes[ids[index]])
    for group in _equal_rows(np.column_stack([image, np.round(boxes)])):
        record, counts = records[image[group[0]]], Counter(ids[group].tolist())
        for class_id, count in counts.items():
            if count > 1:
                twice.add(record, f"{count} boxes of {classes[class_id]} at one place", count - 1)
        if len(counts) > 1:
            two_classes.add(record, ", ".join(sorted(classes[class_id] for class_id in counts)))
    yield tiny.oddity("tiny_boxes", f"boxes with a side under {TINY_PIXELS} pixels where the image is resized to "
                      f"{USUAL_SIZE[0]} pixels; a detector hardly finds them")
    yield whole.oddity("box_of_whole_image", "boxes that cover their whole image")
    yield twice.oddity("boxes_twice", "boxes that repeat another of their class at the same place, to the pixel")
    yield two_classes.oddity("box_with_two_classes", "places that have boxes of different classes, equal to the pixel")


def _equal_rows(table: np.ndarray) -> List[np.ndarray]:
    """Returns the positions of rows that are equal, for each row that is there more than once."""
    order = np.lexsort(table.T[::-1])
    changes = (table[order[1:]] != table[order[:-1]]).any(axis=1)
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(order)]])
    return [order[starts[i]:starts[i + 1]] for i in np.flatnonzero(np.diff(starts) > 1)]


def _equal_pictures(sets: Sets, progress: bool) -> Iterable[Optional[Oddity]]:
    sets_of_file: Dict[str, List[str]] = defaultdict(list)
    for name, records in sets.items():
        for path in real_paths(record_paths(records)):
            sets_of_file[path].append(name)
    groups = groups_of_equal_files(sets_of_file, progress)
    grouped = {path for group in groups for path in group}
    groups += [[path] for path, names in sets_of_file.items() if path not in grouped and len(names) > 1]
    in_two_sets, in_one_set = [], []
    for group in groups:
        names = {name for path in group for name in sets_of_file[path]}
        # Of many files, such as black frames of videos, the first of each set are named.
        shown = group if len(group) <= EXAMPLES else list(dict.fromkeys(
            next(path for path in group if name in sets_of_file[path]) for name in sorted(names)))
        text = ", ".join(f"{path} ({' and '.join(dict.fromkeys(sets_of_file[path]))})" for path in shown)
        text += f", and {len(group) - len(shown)} more files" if len(group) > len(shown) else ""
        (in_two_sets if len(names) > 1 else in_one_set).append(text)
    yield _oddity("picture_in_two_sets", "pictures, equal to the byte, that are in more than one set: a test on what "
                  "was trained on gives figures that are too good", in_two_sets)
    yield _oddity("picture_twice", "pictures, equal to the byte, that one set has more than once", in_one_set)


def _oddity(kind: str, meaning: str, found: Sequence[str], in_one_line: bool = False) -> Optional[Oddity]:
    if not found:
        return None
    examples = list(found[:EXAMPLES])
    if in_one_line:
        examples = [", ".join(found[:_IN_ONE_LINE]) + (", ..." if len(found) > _IN_ONE_LINE else "")]
    return Oddity(kind, len(found), meaning, examples)


class _Examples:
    """Counts what is found in images, and keeps one text of each of the first few images."""

    def __init__(self):
        self._count, self._texts = 0, {}

    def add(self, record: Record, text: str, count: int = 1) -> None:
        self._count += count
        if len(self._texts) < EXAMPLES:
            self._texts.setdefault(record.path, f"{record.path}: {text}")

    def oddity(self, kind: str, meaning: str) -> Optional[Oddity]:
        return Oddity(kind, self._count, meaning, list(self._texts.values())) if self._count else None
