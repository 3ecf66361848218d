"""The base class of all data sets: it joins image sets, keeps account of faults, checks images and sums up."""
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from ..errors import DataError
from ..progress import ProgressBar
from .assembling.assemble import assemble
from .assembling.faults import FaultLog, FaultPolicy, OnError
from .assembling.raw import RawSet
from .cache.set_cache import CacheEntry, ReadSet
from .class_names import chosen_class_names
from .files.ahead import map_ahead
from .flat_records import FlatRecords, flatten_records
from .garbage import no_looks_for_garbage
from .pictures.headers import read_header
from .pictures.images import read_image
from .pictures.pillow import MAX_MEGAPIXELS
from .record import Record
from .record_columns import join_records, joined_field, object_counts, take_records

# From so many images on, records are kept as long arrays: less memory, and a little more time for each record.
_COMPACT_FROM = 100_000
_DECODED_AHEAD = 256  # images
_MOST_CLASSES_IN_SUMMARY = 5


class Dataset:
    """The records of one or several image sets.

    To read another layout, derive a class that sets `layout` and implements `read_raw_set`, for what is done about
    faults to be done as in the layouts of this package, or else `read_image_set`. Give it a name with
    `register_dataset`.

    Args:
        path: root folder of the data set.
        image_set: name of the image set, such as "train2017"; "+" joins several, as in "train+val".
        classes: names of the foreground classes in the order of their ids; None leaves them to the reader. They may
            name classes that the data set does not have, and objects of classes that they do not name are not seen.
        on_error: what is done about faults, see `FaultPolicy`: "default"; "raise", which stops at the first that would
            leave something out; "skip", which leaves out what is an error by default; or a mapping from kinds of faults
            to actions.
        with_labels: False for an image set that has images but no boxes.
        max_megapixels: limit for the number of pixels of an image, in millions.

    Attributes:
        layout: name of the layout, used in messages (of the class).
        name: layout and image set, used in messages.
        path, image_set, max_megapixels: as given.
        classes: names of the foreground classes, a tuple; background is not among them.
        category_ids: tuple, the id of class 0, 1, ... in COCO's results; None where the layout has no such ids.
        records: list of `Record`; of a large or packed set `FlatRecords`, which makes them when they are asked for.
        log: `FaultLog` of all that was wrong.
        unread: number of objects by name of the class that were not seen because `classes` does not name it.
        notes: lines on what is no fault but good to know.

    Raises:
        DataError: an entry has a fault that the policy makes an error, or no image is left; the message names the file
            and the entry.
        UsageError: `on_error` is no policy, or `classes` are no names.
    """

    layout = "unnamed"

    def __init__(self, path: Union[str, os.PathLike], image_set: str, classes: Optional[Sequence[str]] = None,
                 on_error: OnError = "default", with_labels: bool = True, max_megapixels: float = MAX_MEGAPIXELS):
        self.path, self.image_set, self.max_megapixels = os.fspath(path), image_set, max_megapixels
        self.name = f"{self.layout} {image_set}"
        self.log = FaultLog(FaultPolicy(on_error))
        self.unread: Counter = Counter()
        self.notes: List[str] = []
        self._id_of_class: Dict[str, Union[int, str]] = {}
        self.check_path()
        self.classes: Tuple[str, ...] = ()
        self.records: Sequence[Record] = []
        # Of other readers it is not known what else they read, nor when their program changes.
        of_this_package = type(self).__module__.startswith(__package__ + ".")
        entry = CacheEntry(self.watched_paths() if of_this_package else [], {
            "reader": f"{type(self).__module__}.{type(self).__qualname__}", "path": self.path, "image_set": image_set,
            "classes": repr(list(classes)) if classes else "", "policy": self.log.policy.as_json(),
            "with_labels": with_labels, "max_megapixels": max_megapixels, **self.further_arguments()})
        known = entry.load()
        if known is not None:
            self._take(known)
        else:
            with no_looks_for_garbage():
                self.classes = chosen_class_names(classes, self.find_classes)
                self.records = _compact(join_records([self.read_image_set(one, with_labels)
                                                      for one in self.split_image_set()]))
            entry.store(self.all_that_was_read())
        self.category_ids = _category_ids(self.classes, self._id_of_class) if self._id_of_class else None
        if not self.records:
            raise DataError(f"{self.path}: no usable image in set {image_set!r}"
                            + ("\n" + self.log.table() if self.log.counts else ""))

    def __len__(self) -> int:
        """Number of images."""
        return len(self.records)

    def check_path(self) -> None:
        """Raises DataError if there is no such folder; a reader of single files replaces it."""
        if not os.path.isdir(self.path):
            raise DataError(f"{self.path}: no such folder of a {self.layout} data set")

    def watched_paths(self) -> Sequence[str]:
        """Returns the folders and files that the data set is read from.

        What a reader of this package has read is kept in the cache until a file in them changes.
        """
        return [self.path]

    def further_arguments(self) -> Dict[str, Any]:
        """Returns the arguments of the reader's own that decide what is read, as JSON holds them; for the cache."""
        return {}

    def split_image_set(self) -> List[str]:
        """Returns the names of the image sets that `image_set` joins."""
        return [one.strip() for one in self.image_set.split("+")]

    def find_classes(self) -> Sequence[str]:
        """Returns the names of the classes where the caller named none; empty if `read_image_set` sets `classes`.

        An implementation looks at all image sets in the folder, so that training and testing have the same classes.
        """
        return ()

    def read_image_set(self, image_set: str, with_labels: bool) -> Sequence[Record]:
        """Reads one image set; called by the constructor once for each name in `image_set`.

        An implementation of its own calls `report_fault` for each broken entry, and does with it what that returns. It
        sets `self.classes` if the caller named none and there is no `find_classes`.

        Args:
            image_set: one name, such as "train".
            with_labels: False if no boxes are to be read.
        """
        raw = self.read_raw_set(image_set, with_labels)
        if not with_labels:
            raw = raw._replace(images=[image._replace(objects=[]) for image in raw.images])
        self.notes += raw.notes
        for name, one in raw.category_ids.items():
            self._id_of_class.setdefault(name, one)
        return assemble(raw, self.classes, self.log, self.unread, self.max_megapixels)

    def read_raw_set(self, image_set: str, with_labels: bool) -> RawSet:
        """Reads the annotation files of one image set as they are; arguments as for `read_image_set`.

        Without labels, objects that it yields all the same are not seen.
        """
        raise NotImplementedError

    def report_fault(self, message: str, kind: str) -> str:
        """Notes a fault, and raises DataError if the policy makes it an error.

        Args:
            message: names the file and the entry.
            kind: one of `KINDS`, or a kind of the reader's own in a few words; the summary counts faults by it.

        Returns:
            What to do about it, one of `ACTIONS` but "error"; "drop" for a kind of the reader's own.
        """
        return self.log.report(kind, message)

    def check_images(self, progress: bool = False) -> None:
        """Decodes every image, on all processors; reports each broken one as a fault and drops its record.

        Args:
            progress: show a progress bar on a terminal.

        Raises:
            DataError: an image is broken, and the policy makes that an error.
        """
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            faults = list(ProgressBar(map_ahead(pool, _decoding_fault, self.records, _DECODED_AHEAD),
                                      desc=f"decoding {self.image_set}", total=len(self.records), unit="image",
                                      leave=False, disable=None if progress else True))
        keep = [position for position, fault in enumerate(faults)
                if fault is None or self.report_fault(*fault) == "keep"]
        self.records = take_records(self.records, keep)

    def all_that_was_read(self) -> ReadSet:
        """Returns the records and, as JSON holds it, all else that reading has found, to be kept beside them."""
        return ReadSet(self.records, {
            "classes": self.classes, "id_of_class": self._id_of_class, "notes": self.notes, "unread": self.unread,
            "counts": self.log.counts, "examples": self.log.examples})

    def describe_unread(self) -> str:
        """Returns a line for people on the annotations of other classes, which were not seen."""
        counts = [f"{count} of {name}" for name, count in self.unread.most_common(_MOST_CLASSES_IN_SUMMARY)]
        more = len(self.unread) - len(counts)
        return (f"annotations of other classes, which are not seen: {', '.join(counts)}"
                + (f", and {_number_of(more, 'more class')}" if more else ""))

    def summary(self) -> str:
        """Returns lines for people: what was read, what was not seen, and a table of what was wrong."""
        boxes = int(object_counts(self.records).sum())
        text = f"{self.name}: {_number_of(len(self.records), 'image')}, {_number_of(boxes, 'box')}"
        for field in ("crowd", "difficult", "ignored"):
            count = int(joined_field(self.records, field).sum())
            text += f", {count} of them {field}" if count else ""
        without = self._images_without_boxes()
        text += f", {_number_of(len(self.classes), 'class')}"
        text += f", {_number_of(without, 'image')} without boxes" if without else ""
        text += f"\n  {self.describe_unread()}" if self.unread else ""
        text += "".join(f"\n  {note}" for note in self.notes)
        if self.log.counts:
            text += f"\nfaults, their number, and what is done about them:\n{self.log.table()}"
        return text

    def report(self) -> Dict[str, Any]:
        """Returns the summary as JSON holds it.

        Returns:
            "name", "image_set", "images", "boxes", "boxes_per_class" (by name), "images_without_boxes", "unread"
            (boxes of other classes, by name), "notes" and "faults" (see `FaultLog.as_json`).
        """
        per_class = np.bincount(joined_field(self.records, "classes"), minlength=len(self.classes)).tolist()
        return {"name": self.name, "image_set": self.image_set, "images": len(self.records),
                "boxes": sum(per_class),
                "boxes_per_class": dict(zip(self.classes, per_class)),
                "images_without_boxes": self._images_without_boxes(), "unread": dict(self.unread),
                "notes": list(self.notes), "faults": self.log.as_json()}

    def _take(self, known: ReadSet) -> None:
        """Takes what `all_that_was_read` returned before."""
        rest = known.rest
        self.records, self.classes = _compact(known.records), tuple(rest["classes"])
        self._id_of_class, self.notes = rest["id_of_class"], rest["notes"]
        self.unread.update(rest["unread"])
        self.log.counts.update(rest["counts"])
        self.log.examples.update(rest["examples"])

    def _images_without_boxes(self) -> int:
        return int((object_counts(self.records) == 0).sum())


def _compact(records: Sequence[Record]) -> Sequence[Record]:
    """Returns records as they are best kept: few as a list of objects, many or packed ones as `FlatRecords`."""
    if isinstance(records, FlatRecords):
        return records if records.places is not None or len(records) >= _COMPACT_FROM else list(records)
    if len(records) < _COMPACT_FROM:
        return records
    try:
        return FlatRecords(flatten_records(records))
    except (TypeError, ValueError):  # a reader of a user's own may have other ids and arrays
        return records


def _number_of(count: int, noun: str) -> str:
    ending = "" if count == 1 else "es" if noun[-1] in "sx" else "s"
    return f"{count} {noun}{ending}"


def _decoding_fault(record: Record) -> Optional[Tuple[str, str]]:
    """Decodes an image; returns the message and the kind of its fault, unless its header showed that already."""
    try:
        read_image(record, allow_truncated=False)
        return None
    except DataError as error:
        fault = str(error), error.kind
    try:
        read_image(record)
        known = read_header(record.path).truncated
    except DataError:
        return fault
    return None if known else (f"{record.path} is damaged", "image_truncated")


def _category_ids(classes: Iterable[str], id_of_class: Dict[str, Union[int, str]]) -> Tuple[Union[int, str], ...]:
    """Returns an id for each class, none twice; classes that no file declares have new ones."""
    free = 1 + max((one for one in id_of_class.values() if isinstance(one, int)), default=0)
    ids: Dict[Union[int, str], None] = {}
    for name in classes:
        one = id_of_class.get(name)
        if one is None or one in ids:
            one, free = free, free + 1
        ids[one] = None
    return tuple(ids)
