"""The base class of all data sets: it joins image sets, counts what it leaves out, checks images and sums up."""
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import List, Optional, Sequence, Tuple, Union

from ..errors import DataError, UsageError
from .images import read_image
from .record import Record

_HOW_TO_SKIP = ' (on_error="skip", in a configuration dataset.ON_ERROR: skip, leaves such entries out)'
_MESSAGES_IN_SUMMARY = 10


class Dataset:
    """The records of one or several image sets.

    To read another layout, derive a class that sets `layout` and implements `read_image_set`, and give it a name with
    `register_dataset`.

    Args:
        path: root folder of the data set.
        image_set: name of the image set, such as "train2017"; "+" joins several, as in "train+val".
        classes: names of the foreground classes in the order of their ids; None leaves them to the reader.
        on_error: "raise" stops at the first broken entry; "skip" leaves broken entries out and counts them, and
            decodes every image once to find those that cannot be read.
        with_labels: False for an image set that has images but no boxes.

    Attributes:
        layout: name of the layout, used in messages (of the class).
        name: layout and image set, used in messages.
        path, image_set: as given.
        classes: names of the foreground classes, a tuple; background is not among them.
        records: list of `Record`.
        skipped: list of messages, one for each entry that was left out.

    Raises:
        DataError: an entry is broken, or no image is left; the message names the file and the entry.
        UsageError: `on_error` is neither "raise" nor "skip".
    """

    layout = "unnamed"

    def __init__(self, path: Union[str, os.PathLike], image_set: str, classes: Optional[Sequence[str]] = None,
                 on_error: str = "raise", with_labels: bool = True):
        if on_error not in ("raise", "skip"):
            raise UsageError(f'on_error is {on_error!r}; it must be "raise" or "skip"')
        self.path, self.image_set = os.fspath(path), image_set
        if not os.path.isdir(self.path):
            raise DataError(f"{self.path}: no such folder of a {self.layout} data set")
        self.name = f"{self.layout} {image_set}"
        self.classes: Tuple[str, ...] = tuple(classes or ())
        self.skipped: List[str] = []
        self._skipped_by_kind = Counter()
        self._skip_faults = on_error == "skip"
        self.records = [record for one in image_set.split("+")
                        for record in self.read_image_set(one.strip(), with_labels)]
        if self._skip_faults:
            self.check_images()
        if not self.records:
            reasons = "".join(f"\n  {message}" for message in self.skipped[:5])
            raise DataError(f"{self.path}: no usable image in set {image_set!r}{reasons}")

    def __len__(self) -> int:
        """Number of images."""
        return len(self.records)

    def read_image_set(self, image_set: str, with_labels: bool) -> List[Record]:
        """Reads one image set; called by the constructor once for each name in `image_set`.

        An implementation calls `report_fault` for each broken entry and then leaves that entry out. It sets
        `self.classes` if the caller named none.

        Args:
            image_set: one name, such as "train".
            with_labels: False if no boxes are to be read.
        """
        raise NotImplementedError

    def report_fault(self, message: str, kind: str) -> None:
        """Raises DataError for a broken entry or, with on_error="skip", notes that the entry is left out.

        Args:
            message: names the file and the entry.
            kind: the kind of fault in a few words, such as "box outside"; the summary counts faults by it.
        """
        if not self._skip_faults:
            raise DataError(message + _HOW_TO_SKIP, kind)
        self.skipped.append(message)
        self._skipped_by_kind[kind] += 1

    def check_images(self) -> None:
        """Decodes every image, on all processors; reports each broken one as a fault and drops its record.

        Raises:
            DataError: an image is broken, unless the data set was made with on_error="skip".
        """
        def error_of(record: Record) -> Optional[DataError]:
            try:
                read_image(record)
            except DataError as error:
                return error
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            errors = list(pool.map(error_of, self.records))
        for error in errors:
            if error is not None:
                self.report_fault(str(error), error.kind)
        self.records = [record for record, error in zip(self.records, errors) if error is None]

    def summary(self) -> str:
        """Returns one line on what was read; if entries were left out, a line of counts and the first messages."""
        boxes = sum(len(record.boxes) for record in self.records)
        text = f"{self.name}: {len(self.records)} images, {boxes} boxes"
        for field in ("crowd", "difficult"):
            count = sum(int(getattr(record, field).sum()) for record in self.records)
            text += f", {count} of them {field}" if count else ""
        text += f", {len(self.classes)} classes"
        if self.skipped:
            counts = ", ".join(f"{count} x {kind}" for kind, count in sorted(self._skipped_by_kind.items()))
            text += f"\nleft out: {counts}"
            text += "".join(f"\n  {message}" for message in self.skipped[:_MESSAGES_IN_SUMMARY])
            more = len(self.skipped) - _MESSAGES_IN_SUMMARY
            text += f"\n  and {more} more" if more > 0 else ""
        return text
