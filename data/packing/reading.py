"""Reads the sets of a packed data set into records."""
import os
from collections import Counter
from typing import Dict, List, Mapping, Sequence

import numpy as np

from ...errors import DataError
from ..assembling.faults import FaultLog
from ..flat_records import OF_OBJECTS, FlatRecords
from ..pictures.pillow import check_pixel_count
from .array_files import read_arrays
from .manifest import Manifest, PackedSet


def read_packed_set(manifest: Manifest, name: str, classes: Sequence[str], log: FaultLog, unread: Counter,
                    with_labels: bool, max_megapixels: float) -> FlatRecords:
    """Reads an image set of a packed data set; its images are not read.

    The records are in the order that they had before they were packed, and equal to those in all but their paths.

    Args:
        manifest: of the data set.
        name: of the set.
        classes: names of the classes in the order of their ids; objects of others are not seen.
        log: where faults are reported. It takes over those that were found when the set was packed.
        unread: counts the objects of other classes by their name.
        with_labels: False if no boxes are to be read.
        max_megapixels: limit for the number of pixels of an image, in millions.

    Raises:
        DataError: a file is missing or damaged, or there is a fault that the policy makes an error.
    """
    packed = manifest.sets[name]
    _take_faults(manifest.folder, name, packed, log)
    shards = {os.path.join(manifest.folder, one.name): one.bytes for one in packed.shards}
    file = os.path.join(manifest.folder, packed.records.name)
    records = read_arrays(file, shards, len(manifest.classes))
    if len(records) != packed.records.images:
        raise DataError(f"{file}: it has the records of {len(records)} images, and the manifest has "
                        f"{packed.records.images}: they do not belong together; copy the data set again")
    records = _without_lost_images(records, shards, log)
    records = _without_large_images(records, max_megapixels, log)
    if not with_labels:
        return _with_classes(records, manifest.classes, (), Counter())
    unread.update(packed.rest["unread"])
    return records if tuple(classes) == manifest.classes else _with_classes(records, manifest.classes, classes, unread)


def _take_faults(folder: str, name: str, packed: PackedSet, log: FaultLog) -> None:
    for kind, count in packed.rest["counts"].items():
        examples = packed.rest["examples"][kind]
        if log.policy.action(kind) == "error":
            raise DataError(f"{folder}: the set {name} had {count} faults of the kind {kind} when it was packed, such "
                            f"as: {examples[0] if examples else kind}", kind)
        log.counts[kind] += count
        log.examples.setdefault(kind, []).extend(examples)


def _without_lost_images(records: FlatRecords, shards: Mapping[str, int], log: FaultLog) -> FlatRecords:
    """Leaves out the images whose shard is not there or is cut off; DataError if those are half of all."""
    faults: Dict[int, str] = {}
    sizes: List[int] = []
    for number, (path, size) in enumerate(shards.items()):
        found = os.path.getsize(path) if os.path.isfile(path) else -1
        sizes.append(found)
        if found != size:
            faults[number] = "there is no such file of records" if found < 0 else \
                f"the file of records has {found} bytes in place of {size}"
    if not faults:
        return records
    places = records.places
    lost = places.offset + places.length > np.array(sizes, np.int64)[places.shard]
    described = "; ".join(f"{list(shards)[number]}: {text}" for number, text in list(faults.items())[:3])
    if 2 * lost.sum() >= len(records):
        raise DataError(f"{lost.sum()} of {len(records)} images cannot be used, because shards are missing or cut off: "
                        f"{described}; copy them again", "image_missing")
    for position in np.flatnonzero(lost).tolist():
        missing = sizes[places.shard[position]] < 0
        text = "there is no such file of records" if missing else "the file of records is cut off before it"
        log.report("image_missing" if missing else "image_unreadable", f"{records[position].path}: {text}")
    return records.take(np.flatnonzero(~lost))


def _without_large_images(records: FlatRecords, max_megapixels: float, log: FaultLog) -> FlatRecords:
    pixels = records.image_field("width") * records.image_field("height")
    large = pixels > max_megapixels * 1e6
    for position in np.flatnonzero(large).tolist():
        record = records[position]
        try:
            check_pixel_count(record.path, record.width, record.height, max_megapixels)
        except DataError as error:
            log.report(error.kind, str(error))
    return records.take(np.flatnonzero(~large)) if large.any() else records


def _with_classes(records: FlatRecords, known: Sequence[str], wanted: Sequence[str], unread: Counter) -> FlatRecords:
    """Returns the records with the objects of some classes alone, whose ids are their places among `wanted`."""
    arrays, places = records.whole_arrays()
    ids = {name: number for number, name in enumerate(wanted)}
    new_ids = np.array([ids.get(name, -1) for name in known], np.int32)
    classes = new_ids[arrays["classes"]]
    keep = classes >= 0
    counts = np.bincount(arrays["classes"][~keep], minlength=len(known)).tolist()
    unread.update({name: count for name, count in zip(known, counts) if count})
    owners = np.repeat(np.arange(len(records)), arrays["objects_of_image"])
    changed = {name: arrays[name][keep] for name in OF_OBJECTS}
    changed["classes"] = classes[keep]
    changed["objects_of_image"] = np.bincount(owners[keep], minlength=len(records)).astype(np.int64)
    if not wanted:
        changed["regions"] = arrays["regions"][:0]
        changed["regions_of_image"] = np.zeros_like(arrays["regions_of_image"])
    return FlatRecords({**arrays, **changed}, places)
