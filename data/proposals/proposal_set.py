"""The proposals of the images of a data set, read from files of all kinds, checked and counted."""
import logging
import os
from array import array
from collections import Counter
from typing import Dict, List, Sequence, Tuple, Union

import numpy as np

from ...errors import DataError, UsageError
from ..record import Record
from .entry import Entry
from .image_names import ImageNames
from .reading import COMMAND, read_proposals
from .rules import RULES, usable_boxes

PathLike = Union[str, "os.PathLike[str]"]
MAX_PER_IMAGE = 2000
_LOGGER = logging.getLogger("light_head_rcnn")
_BYTES_OF_BOX = 16
_FRACTION = 1.5  # no coordinate of a file above this: they are fractions of the sides of the images


class ProposalSet:
    """The proposals of the images of a data set. It can be pickled, and is one array however many boxes there are.

    Args:
        boxes: float32 (sum, 4), the boxes of all images.
        places: the first row and the number of rows of each image, by the path of its file.
        files: that they were read from, for messages.

    Attributes:
        boxes, places, files: as given.
    """

    def __init__(self, boxes: np.ndarray, places: Dict[str, Tuple[int, int]], files: Sequence[str]):
        self.boxes, self.places, self.files = boxes, places, tuple(files)

    def __len__(self) -> int:
        """Number of images that have an entry."""
        return len(self.places)

    def of(self, record: Record) -> np.ndarray:
        """Returns the proposals of an image.

        Returns:
            float32 (k, 4), the best first where the file has scores: rows x1, y1, x2, y2 in the frame of the original
            image, 0-based pixels, inclusive ends, inside the image; none twice. A view, not to be written to.

        Raises:
            DataError: the files have no entry of the image.
        """
        if record.path not in self.places:
            raise DataError(f"{' and '.join(self.files)}: there is no entry of the image {record.path}; {COMMAND} "
                            "finds the boxes of the images of a data set")
        start, count = self.places[record.path]
        return self.boxes[start:start + count]

    def missing(self, records: Sequence[Record]) -> List[Record]:
        """Returns the records that have no entry."""
        return [record for record in records if record.path not in self.places]


def load_proposals(paths: Union[PathLike, Sequence[PathLike]], records: Sequence[Record],
                   max_per_image: int = MAX_PER_IMAGE) -> ProposalSet:
    """Reads the proposals of the images of a data set, and logs one line on what was read and what was left out.

    Args:
        paths: one file or several, of the kinds that `read_proposals` tells apart. They may have entries of images that
            are not in the data set, such as those of other image sets, but no image has an entry in two of them.
        records: the images.
        max_per_image: the largest number of boxes of an image; see `RULES` for which are left out.

    Returns:
        ProposalSet. It takes at most 16 bytes for each image and each of `max_per_image`.

    Raises:
        DataError: a file cannot be read, is not about these images, or names an image that may be one or another; more
            than half of the boxes of a file are outside of their images; or an image is of another size than the boxes
            were found in.
    """
    files = [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    if max_per_image < 1:
        raise UsageError(f"max_per_image must be at least 1, got {max_per_image}")
    if not files:
        raise UsageError(f"no file of proposals is named; {COMMAND} makes one")
    loading = _Loading(records, max_per_image)
    for file in files:
        loading.add(file)
    return loading.result(files)


class _Loading:
    """Collects the boxes of files; see `load_proposals`."""

    def __init__(self, records: Sequence[Record], limit: int):
        self._records, self._limit = {record.path: record for record in records}, limit
        self._names = ImageNames(records)
        self._numbers = array("f")  # grows in place, by an eighth
        self._places: Dict[str, Tuple[int, int]] = {}
        self._stated: Dict[str, str] = {}  # what was said of an image before, for messages
        self._counts: Counter = Counter()
        self._others: List[str] = []  # images that are not in the data set

    def add(self, file: str) -> None:
        """Reads a file."""
        counts: Counter = Counter()
        found, largest = 0, 0.0
        for entry in read_proposals(file):
            path = self._names.find(file, entry.name)
            if path is None:
                self._others.append(str(entry.name))
                continue
            stated = f"{file} ({entry.name!r})"
            if path in self._places:
                raise DataError(f"{path} has two entries of proposals, in {self._stated[path]} and in {stated}")
            boxes = self._usable(file, entry, self._records[path], counts)
            self._places[path], self._stated[path] = (len(self._numbers) // 4, len(boxes)), stated
            self._numbers.frombytes(np.ascontiguousarray(boxes).tobytes())
            found, largest = found + len(boxes), max(largest, float(boxes.max(initial=0)))
        if counts["outside"] > found + counts["duplicate"] + counts["surplus"]:
            raise DataError(f"{file}: {counts['outside']} boxes, more than half, are outside of their images; boxes "
                            "must be in pixels of the original images, rows (x1, y1, x2, y2)")
        if found and largest <= _FRACTION:
            raise DataError(f"{file}: no coordinate is above {largest:g}; boxes must be in pixels of the original "
                            "images, not in fractions of their sides")
        self._counts.update(counts)

    def _usable(self, file: str, entry: Entry, record: Record, counts: Counter) -> np.ndarray:
        if entry.size is not None and entry.size != (record.width, record.height):
            raise DataError(f"{file}: the boxes of {entry.name!r} were found in an image of {entry.size[0]} x "
                            f"{entry.size[1]} pixels, but {record.path} has {record.width} x {record.height}")
        return usable_boxes(entry.boxes, entry.scores, record.width, record.height, self._limit, counts)

    def result(self, files: Sequence[str]) -> ProposalSet:
        """Returns the set, and logs what was read."""
        named = " and ".join(files)
        if not self._places:
            what = (f"its images, such as {self._others[0]!r}, are others than those of the data set, such as "
                    f"{next(iter(self._records), 'none')}" if self._others else "it has no image")
            raise DataError(f"{named}: {what}; {COMMAND} finds the boxes of the images of a data set")
        boxes = np.frombuffer(self._numbers, np.float32).reshape(-1, 4)
        boxes.flags.writeable = False
        _LOGGER.info("%s", self._line(named, len(boxes)))
        return ProposalSet(boxes, self._places, files)

    def _line(self, named: str, count: int) -> str:
        images, most = len(self._places), len(self._records) * self._limit
        without = sum(count == 0 for _, count in self._places.values())
        counted = [f"{name}: {self._counts[name]:,}" for name in RULES if name != "clipped" and self._counts[name]]
        return (f"proposals: {count:,} boxes of {images:,} images from {named}, {_megabytes(count)} in memory (at most "
                f"{_megabytes(most)} for {len(self._records):,} images of {self._limit:,} boxes); "
                f"clipped: {self._counts['clipped']:,}; left out: {', '.join(counted) or 'none'}"
                + (f"; images without a box: {without:,}" if without else "")
                + (f"; entries of {len(self._others):,} images that are not in the data set, such as "
                   f"{self._others[0]!r}" if self._others else ""))


def _megabytes(boxes: int) -> str:
    return f"{boxes * _BYTES_OF_BOX / 1e6:.1f} MB"
