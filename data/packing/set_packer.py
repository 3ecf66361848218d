"""Packs one image set: its image files into files of records, its boxes into arrays."""
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ...errors import DataError
from ...progress import ProgressBar
from ..dataset import Dataset
from ..files.ahead import map_ahead
from ..files.image_bytes import open_image_file
from ..files.packed_images import SHARD_EXTENSION, name_in_shard, pack_content
from ..flat_records import FlatRecords, PackedPlaces, flatten_records, join_texts
from ..record import Record, training_boxes
from ..record_columns import image_field, record_paths
from .array_files import write_arrays
from .journal import Journal, WholeShard
from .manifest import PackedSet
from .resizing import resized_arrays, resized_file
from .whole_files import describe_file, whole_file

_AT_ONCE = 32  # images that a thread is given at once
_ORDER_STREAM = 7

# The number of an image in its set, and its record as it lies in a shard, or why it cannot be read.
_Packed = Tuple[int, Union[bytes, DataError]]


class PackOptions(NamedTuple):
    """How data sets are packed.

    Attributes:
        shard_bytes: a shard ends with the image that reaches this size.
        resize_short: images are made smaller until their shorter edge has so many pixels; None keeps the files as they
            are.
        shuffled: names of the sets whose images lie in a random order in the shards. The records keep theirs.
        seed: of that order.
        workers: threads that read, and resize, images.
    """

    shard_bytes: int = 256 << 20
    resize_short: Optional[int] = None
    shuffled: Tuple[str, ...] = ()
    seed: int = 0
    workers: int = 4


class SetPacker:
    """Packs one set.

    Args:
        folder: of the packed data set.
        name, stem: of the set, and of its files.
        dataset: the set; images that cannot be read are reported to its log.
        root: folder of the data set: the names of images are their paths in it.
        options: see `PackOptions`.

    Attributes:
        digest: a hash of the records, by which another set is told from this one.
    """

    def __init__(self, folder: str, name: str, stem: str, dataset: Dataset, root: str, options: PackOptions):
        self._folder, self._name, self._stem, self._dataset, self._options = folder, name, stem, dataset, options
        self._source = records = dataset.records
        arrays = dict(records.whole_arrays()[0] if isinstance(records, FlatRecords) else flatten_records(records))
        names = _names(list(record_paths(records)), root)
        arrays["paths"], arrays["path_lengths"] = join_texts(names)
        self.digest = digest_of(*(arrays[key] for key in sorted(arrays)))
        if options.resize_short is not None:
            arrays = resized_arrays(arrays, names, options.resize_short)
        self._records = FlatRecords(arrays)
        self._resized = ((arrays["width"] != image_field(records, "width"))
                         | (arrays["height"] != image_field(records, "height")))

    def pack(self, journal: Journal, pool: ThreadPoolExecutor, bar: ProgressBar) -> PackedSet:
        """Writes the shards that are not whole yet, and the arrays.

        Args:
            journal: knows which shards are whole.
            pool: reads images.
            bar: counts them.

        Raises:
            DataError: an image cannot be read, and the policy makes that an error, or none can.
            OSError: the disk is full, or fails.
        """
        order = np.arange(len(self._source))
        if self._name in self._options.shuffled:
            order = np.random.RandomState([self._options.seed, _ORDER_STREAM]).permutation(order)
        whole = list(journal.shards.get(self._name, ()))
        for kind, message in (fault for one in whole for fault in one.faults):
            self._dataset.report_fault(message, kind)
        done = whole[-1].looked_at if whole else 0
        bar.update(done)
        rest = order[done:].tolist()
        chunks = [rest[start:start + _AT_ONCE] for start in range(0, len(rest), _AT_ONCE)]
        packed = (one for made in map_ahead(pool, self._pack_images, chunks, 2 * self._options.workers) for one in made)
        while done < len(order):
            entry = self._write_shard(len(whole), packed, done, bar)
            done = entry.looked_at
            if entry.shard.images:
                journal.add(self._name, entry)
                whole.append(entry)
            else:  # none of the last images can be read
                for file in (entry.shard, entry.index):
                    os.unlink(os.path.join(self._folder, file.name))
        if not whole:
            raise DataError(f"no image of the set {self._name} can be read", "image_unreadable")
        records_file = f"{self._stem}.npz"
        shard, offset, length = self._places(whole)
        kept = np.flatnonzero(shard >= 0)
        with whole_file(self._folder, records_file) as file:
            write_arrays(file, self._records.take(kept).whole_arrays()[0],
                         PackedPlaces((), shard[kept], offset[kept], length[kept]))
        return PackedSet(describe_file(self._folder, records_file, len(kept)), tuple(one.shard for one in whole),
                         tuple(one.index for one in whole), self._dataset.all_that_was_read().rest)

    def _pack_images(self, numbers: Sequence[int]) -> List[_Packed]:
        """Returns the records of some images as they lie in a shard."""
        packed: List[_Packed] = []
        for number in numbers:
            source, target = self._source[number], self._records[number]
            try:
                packed.append((number, pack_content(self._content(source, target), detection_labels(target), number)))
            except DataError as error:
                packed.append((number, error))
            except ValueError as error:
                packed.append((number, DataError(f"{source.path}: {error}", "image_too_large")))
        return packed

    def _content(self, source: Record, target: Record) -> bytes:
        if (source.width, source.height) != (target.width, target.height):
            return resized_file(source, target.width, target.height)
        try:
            with open_image_file(source.path) as file:
                return file.read()
        except FileNotFoundError:
            raise DataError(f"{source.path}: there is no such image file", "image_missing") from None
        except OSError as error:
            raise DataError(f"{source.path}: not a readable image ({error.strerror})", "image_unreadable") from error

    def _write_shard(self, number: int, packed: Iterator[_Packed], done: int, bar: ProgressBar) -> WholeShard:
        """Writes a shard and its index."""
        name = f"{self._stem}-{number:05d}"
        lines: List[str] = []
        faults: List[Tuple[str, str]] = []
        size = 0
        with whole_file(self._folder, name + SHARD_EXTENSION) as file:
            for position, stored in packed:
                done += 1
                bar.update()
                if isinstance(stored, DataError):
                    self._dataset.report_fault(str(stored), stored.kind)
                    faults.append((stored.kind, str(stored)))
                    continue
                file.write(stored)
                lines.append(f"{position}\t{size}\n")
                size += len(stored)
                if size >= self._options.shard_bytes:
                    break
        with whole_file(self._folder, f"{name}.idx") as file:
            file.write("".join(lines).encode())
        return WholeShard(describe_file(self._folder, name + SHARD_EXTENSION, len(lines)),
                          describe_file(self._folder, f"{name}.idx", len(lines)), done, tuple(faults))

    def _places(self, whole: Sequence[WholeShard]) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the shard, the offset and the length of each image; shard -1 of those that are in none."""
        shard, offset, length = (np.full(len(self._source), -1, np.int64) for _ in range(3))
        for number, one in enumerate(whole):
            with open(os.path.join(self._folder, one.index.name), "rb") as file:
                positions, starts = np.array(file.read().split(), np.int64).reshape(-1, 2).T
            shard[positions], offset[positions] = number, starts
            length[positions] = np.diff(np.append(starts, one.shard.bytes))
        return shard, offset, length


def detection_labels(record: Record) -> np.ndarray:
    """Returns the labels of an image as MXNet's and GluonCV's readers of detection records take them.

    They are the length of this header and of an object's row, the image's width and height, and for each box to train
    on its class and x1, y1, x2, y2 as fractions of the image. The set's own arrays say more.

    Returns:
        float32 (4 + 5 n,).
    """
    boxes, classes = training_boxes(record)
    sides = np.array([record.width, record.height] * 2, np.float32)
    rows = np.concatenate([classes[:, None].astype(np.float32), boxes / sides], axis=1)
    return np.concatenate([[4, 5, record.width, record.height], rows.ravel()]).astype(np.float32)


def digest_of(*parts: Union[np.ndarray, Sequence[str]]) -> str:
    """Returns a hash of arrays and of lists of texts."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        array = part if isinstance(part, np.ndarray) else join_texts(part)[0]
        digest.update(f"{array.dtype} {array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).ravel())
    return digest.hexdigest()


def _names(paths: Sequence[str], root: str) -> List[str]:
    """Returns the names of images: their paths in the folder of the data set, or those of their files alone."""
    folder = os.path.join(os.path.abspath(root), "")
    names = []
    for path in paths:
        name = name_in_shard(path)
        if name is not None:
            names.append(name)
            continue
        path = os.path.abspath(path)
        names.append(path[len(folder):] if path.startswith(folder) else os.path.basename(path))
    return names
