"""Records as a few long arrays: each field of all images behind one another, from which records are cut as views.

A million records are a few hundred megabytes so, and gigabytes as objects.
"""
import operator
from collections.abc import Sequence as SequenceABC
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union, overload

import numpy as np

from .files.packed_images import packed_path
from .record import Record

# Data type and columns (0: one number a row) of the arrays of a record: those with a row for each object, and regions.
OF_OBJECTS: Dict[str, Tuple[Any, int]] = {
    "boxes": (np.float32, 4), "classes": (np.int32, 0), "difficult": (bool, 0), "crowd": (bool, 0),
    "areas": (np.float64, 0), "ignored": (bool, 0), "coco_boxes": (np.float64, 4)}
OF_REGIONS: Dict[str, Tuple[Any, int]] = {"regions": (np.float32, 4)}


def flatten_records(records: Sequence[Record]) -> Dict[str, np.ndarray]:
    """Turns records into arrays that hold no Python objects.

    Args:
        records: n records, with m objects and k regions all together.

    Returns:
        By name: what `Record` calls "boxes", "classes", "difficult", "crowd", "areas", "ignored", "coco_boxes" with m
        rows, "regions" with k rows, "width", "height" and "upright" of length n; "objects_of_image" and
        "regions_of_image", int64 (n,), numbers of rows; "id_is_text", bool (n,); the ids and the paths as texts, see
        `join_texts`, in "ids", "id_lengths", "paths" and "path_lengths".

    Raises:
        TypeError, ValueError: an image id is neither an int nor a str, or an array has another data type or shape than
            `Record` says.
    """
    arrays: Dict[str, np.ndarray] = {}
    for fields, rows in ((OF_OBJECTS, "objects_of_image"), (OF_REGIONS, "regions_of_image")):
        first, *others = fields
        arrays[rows] = np.fromiter((len(getattr(r, first)) for r in records), np.int64, len(records))
        for name, (dtype, columns) in fields.items():
            arrays[name] = _join_arrays([getattr(record, name) for record in records], name, dtype, columns,
                                        arrays[rows])
    for name, dtype in (("width", np.int64), ("height", np.int64), ("upright", bool)):
        arrays[name] = np.array([getattr(record, name) for record in records], dtype)
    wrong = [record.image_id for record in records if type(record.image_id) not in (int, str)]
    if wrong:
        raise TypeError(f"an image id is {wrong[0]!r}, which is neither an int nor a str")
    arrays["id_is_text"] = np.array([type(record.image_id) is str for record in records], bool)
    arrays["ids"], arrays["id_lengths"] = join_texts([str(record.image_id) for record in records])
    arrays["paths"], arrays["path_lengths"] = join_texts([record.path for record in records])
    return arrays


class PackedPlaces(NamedTuple):
    """Where the images of a packed data set lie, see `packed_images`.

    Attributes:
        shards: paths of the files of records.
        shard: int64 (n,), position of each image's shard among them.
        offset, length: int64 (n,), of its record in bytes.
    """

    shards: Tuple[str, ...]
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray


class FlatRecords(SequenceABC):
    """A sequence of records that makes each `Record` when it is asked for; its arrays are views of the long ones.

    Args:
        arrays: what `flatten_records` returned.
        places: where the images lie in shards. "paths" of the arrays are the names of their files then.

    Attributes:
        arrays, places: as given.

    Raises:
        ValueError, TypeError: the arrays do not belong together.
        KeyError: one is missing.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], places: Optional[PackedPlaces] = None):
        self.arrays, self.places = arrays, places
        self._chosen: Optional[np.ndarray] = None  # positions in the arrays; None for all
        count = len(arrays["width"])
        self._ends = {}
        for fields, rows in ((OF_OBJECTS, "objects_of_image"), (OF_REGIONS, "regions_of_image")):
            lengths = _check_array(arrays, rows, np.int64, 0, count)
            if count and lengths.min() < 0:
                raise ValueError(f"{rows} has a number below 0")
            ends = np.cumsum(lengths)
            for name, (dtype, columns) in fields.items():
                _check_array(arrays, name, dtype, columns, int(ends[-1]) if count else 0)
            self._ends[rows] = np.concatenate([[0], ends])
        for name, dtype in (("width", np.int64), ("height", np.int64), ("upright", bool), ("id_is_text", bool)):
            _check_array(arrays, name, dtype, 0, count)
        self._ids = _Texts(arrays["ids"], arrays["id_lengths"], count)
        self._paths = _Texts(arrays["paths"], arrays["path_lengths"], count)
        for column in places[1:] if places else ():
            if column.shape != (count,):
                raise ValueError(f"{len(column)} places are not those of {count} images")

    def __len__(self) -> int:
        return len(self.arrays["width"]) if self._chosen is None else len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> "FlatRecords": ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Record, "FlatRecords"]:
        if isinstance(index, slice):
            return self.take(np.arange(*index.indices(len(self))))
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"record {index} of {len(self)}")
        row = index % len(self) if self._chosen is None else int(self._chosen[index])
        arrays = self.arrays
        of_objects, of_regions = (slice(*ends[row:row + 2].tolist()) for ends in self._ends.values())
        image_id = self._ids[row] if arrays["id_is_text"][row] else int(self._ids[row])
        return Record(image_id, self._path(row, self._paths[row]), int(arrays["width"][row]),
                      int(arrays["height"][row]), upright=bool(arrays["upright"][row]),
                      regions=arrays["regions"][of_regions],
                      **{field: arrays[field][of_objects] for field in OF_OBJECTS})

    def take(self, positions: Sequence[int]) -> "FlatRecords":
        """Returns some of the records, in the order of their positions."""
        taken = object.__new__(FlatRecords)
        taken.__dict__.update(self.__dict__)
        positions = np.asarray(positions, np.int64)
        taken._chosen = positions if self._chosen is None else self._chosen[positions]
        return taken

    def image_field(self, name: str) -> np.ndarray:
        """Returns a field of all records with one value an image: "width", "height", "upright"."""
        return self._of_chosen(self.arrays[name])

    def object_counts(self, name: str = "boxes") -> np.ndarray:
        """Returns int64 (n,), the number of rows of an array field of each record."""
        return self._of_chosen(self.arrays[_rows_of(name)])

    def joined_field(self, name: str) -> np.ndarray:
        """Returns an array field of all records, behind one another."""
        return self.arrays[name] if self._chosen is None else self.arrays[name][self._rows(_rows_of(name))]

    def paths(self) -> Iterator[str]:
        """Yields the path of each record."""
        for row in range(len(self)) if self._chosen is None else self._chosen.tolist():
            yield self._path(row, self._paths[row])

    def storage_order(self) -> np.ndarray:
        """Returns int64 (n,), the positions of the records in the order in which their images lie on the disk."""
        if self.places is None:
            return np.arange(len(self))
        return np.lexsort((self._of_chosen(self.places.offset), self._of_chosen(self.places.shard)))

    def chosen_places(self) -> Optional[PackedPlaces]:
        """Returns where the images of these records lie; None for records of files."""
        return self.places and PackedPlaces(self.places.shards, *map(self._of_chosen, self.places[1:]))

    def whole_arrays(self) -> Tuple[Mapping[str, np.ndarray], Optional[PackedPlaces]]:
        """Returns the arrays and places of these records alone."""
        if self._chosen is None:
            return self.arrays, self.places
        arrays = {name: self._of_chosen(array) for name, array in self.arrays.items()
                  if name in ("width", "height", "upright", "id_is_text", "objects_of_image", "regions_of_image")}
        for name in (*OF_OBJECTS, *OF_REGIONS):
            arrays[name] = self.joined_field(name)
        rows = self._chosen.tolist()
        arrays["ids"], arrays["id_lengths"] = join_texts(self._ids[row] for row in rows)
        arrays["paths"], arrays["path_lengths"] = join_texts(self._paths[row] for row in rows)
        return arrays, self.chosen_places()

    def _of_chosen(self, column: np.ndarray) -> np.ndarray:
        return column if self._chosen is None else column[self._chosen]

    def _rows(self, rows: str) -> np.ndarray:
        """Returns the rows of the chosen images in the arrays of their objects or regions."""
        starts, counts = self._ends[rows][self._chosen], self.arrays[rows][self._chosen]
        before = np.cumsum(counts) - counts
        return np.repeat(starts - before, counts) + np.arange(counts.sum())

    def _path(self, row: int, name: str) -> str:
        if self.places is None:
            return name
        shards, shard, offset, length = self.places
        return packed_path(shards[shard[row]], offset[row], length[row], name)


def join_texts(texts: Iterable[str]) -> Tuple[np.ndarray, np.ndarray]:
    """Joins texts, whatever characters they hold.

    Returns:
        joined: uint8, the bytes of all texts in UTF-8, in which file names that are not Unicode stay as they are.
        lengths: int64, number of characters of each text.
    """
    texts = list(texts)
    joined = np.frombuffer("".join(texts).encode("utf-8", "surrogatepass"), np.uint8)
    return joined, np.fromiter(map(len, texts), np.int64, len(texts))


def split_texts(joined: np.ndarray, lengths: np.ndarray, count: int) -> List[str]:
    """Returns the `count` texts that `join_texts` joined; ValueError where the two arrays do not belong together."""
    texts = _Texts(joined, lengths, count)
    return [texts[position] for position in range(count)]


class _Texts:
    """Texts that `join_texts` joined, each of which is cut when it is asked for."""

    def __init__(self, joined: np.ndarray, lengths: np.ndarray, count: int):
        self._text = joined.astype(np.uint8, casting="safe").tobytes().decode("utf-8", "surrogatepass")
        if lengths.shape != (count,) or lengths.dtype != np.int64 or (count and lengths.min() < 0) \
                or sum(lengths.tolist()) != len(self._text):
            raise ValueError(f"{len(self._text)} characters are not those of {count} texts")
        self._ends = np.concatenate([[0], np.cumsum(lengths)])

    def __getitem__(self, position: int) -> str:
        start, end = self._ends[position:position + 2].tolist()
        return self._text[start:end]


def _rows_of(name: str) -> str:
    return "regions_of_image" if name in OF_REGIONS else "objects_of_image"


def _join_arrays(arrays: List[np.ndarray], name: str, dtype: Any, columns: int, rows: np.ndarray) -> np.ndarray:
    shape = (columns,) if columns else ()
    joined = np.concatenate(arrays) if arrays else np.zeros((0, *shape), dtype)
    if joined.dtype != dtype or joined.shape[1:] != shape or list(map(len, arrays)) != rows.tolist():
        raise TypeError(f"{name} of the records is {joined.dtype} {joined.shape}, not {np.dtype(dtype)} "
                        f"{(rows.sum(), *shape)}")
    return joined


def _check_array(arrays: Mapping[str, np.ndarray], name: str, dtype: Any, columns: int, rows: int) -> np.ndarray:
    """Returns an array by its name; ValueError where it has another data type or shape."""
    array = arrays[name]
    if array.dtype != dtype or array.shape != ((rows, columns) if columns else (rows,)):
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(dtype)} with {rows} rows")
    return array
