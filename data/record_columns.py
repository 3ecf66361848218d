"""What is counted over all records of a set: from long arrays where there are such, else record after record."""
from typing import Iterable, Iterator, Sequence, Union

import numpy as np

from .flat_records import OF_OBJECTS, OF_REGIONS, FlatRecords, PackedPlaces
from .record import Record, training_boxes

Records = Union[FlatRecords, Sequence[Record]]


def image_field(records: Records, name: str) -> np.ndarray:
    """Returns a field with one value an image of all records: "width", "height" or "upright"."""
    if isinstance(records, FlatRecords):
        return records.image_field(name)
    return np.array([getattr(record, name) for record in records])


def object_counts(records: Records, name: str = "boxes") -> np.ndarray:
    """Returns int64 (n,), the number of rows of an array field of each record."""
    if isinstance(records, FlatRecords):
        return records.object_counts(name)
    return np.fromiter((len(getattr(record, name)) for record in records), np.int64, len(records))


def joined_field(records: Records, name: str) -> np.ndarray:
    """Returns an array field of all records, behind one another."""
    if isinstance(records, FlatRecords):
        return records.joined_field(name)
    dtype, columns = {**OF_OBJECTS, **OF_REGIONS}[name]
    arrays = [getattr(record, name) for record in records]
    return np.concatenate(arrays) if arrays else np.zeros((0, columns) if columns else 0, dtype)


def record_paths(records: Records) -> Iterator[str]:
    """Yields the path of each record."""
    return records.paths() if isinstance(records, FlatRecords) else (record.path for record in records)


def training_box_counts(records: Records) -> np.ndarray:
    """Returns int64 (n,), the number of boxes to train on of each record, see `training_boxes`."""
    if not isinstance(records, FlatRecords):
        return np.fromiter((len(training_boxes(record)[0]) for record in records), np.int64, len(records))
    trained = ~(records.joined_field("crowd") | records.joined_field("difficult") | records.joined_field("ignored"))
    sums = np.concatenate([[0], np.cumsum(trained)])
    ends = np.cumsum(records.object_counts())
    return sums[ends] - sums[ends - records.object_counts()]


def drop_images_without_boxes(records: Union[Records, Iterable[Record]]) -> Sequence[Record]:
    """Returns the records, in their order, that have at least one box to train on (see `training_boxes`)."""
    if isinstance(records, FlatRecords):
        return records.take(np.flatnonzero(training_box_counts(records)))
    return [record for record in records if len(training_boxes(record)[0])]


def take_records(records: Records, positions: Sequence[int]) -> Sequence[Record]:
    """Returns the records of some positions."""
    if isinstance(records, FlatRecords):
        return records.take(positions)
    return [records[position] for position in positions]


def storage_order(records: Records) -> np.ndarray:
    """Returns int64 (n,), the positions of the records in the order in which their images lie on the disk.

    Where that is not known, as it is of a packed data set, the order of the records is taken for it.
    """
    return records.storage_order() if isinstance(records, FlatRecords) else np.arange(len(records))


def join_records(parts: Sequence[Records]) -> Records:
    """Returns the records of several sequences, one after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts or not all(isinstance(part, FlatRecords) for part in parts) \
            or len({part.places is None for part in parts}) > 1:
        return [record for part in parts for record in part]
    wholes = [part.whole_arrays() for part in parts]
    arrays = {name: np.concatenate([one[name] for one, _ in wholes]) for name in wholes[0][0]}
    places = [places for _, places in wholes if places is not None]
    if not places:
        return FlatRecords(arrays)
    firsts = np.cumsum([0] + [len(one.shards) for one in places])
    return FlatRecords(arrays, PackedPlaces(
        tuple(shard for one in places for shard in one.shards),
        np.concatenate([one.shard + first for one, first in zip(places, firsts)]),
        np.concatenate([one.offset for one in places]), np.concatenate([one.length for one in places])))
