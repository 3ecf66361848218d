"""Data sets as they were read, kept in the cache, so that reading them again takes a second or two.

An entry answers one question about files that are as they were: whatever was changed, added or removed in the folder of
the data set since, and another version of this package, make it worthless, and the set is read anew.
"""
import hashlib
import json
import os
import time
from functools import partial
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np
import PIL

from ..files.folder_state import folder_state
from ..flat_records import FlatRecords, flatten_records, join_texts, split_texts
from ..garbage import no_looks_for_garbage
from ..record import Record
from ..record_columns import record_paths
from .cache_folder import cache_folder, read_cached, write_cached

LEAST_SECONDS = 1.0  # a set that is read in less is not kept
FOLDER = "sets"  # below the folder of the cache
# A file that is changed twice within a tick of its file system's clock has the same time after both. FAT has the
# coarsest clock, of two seconds; one that tells parts of a second has ticks of 10 ms at most.
_COARSE_TICK, _FINE_TICK = 2.0, 0.05
_FORMAT = 1


class ReadSet(NamedTuple):
    """What was read.

    Attributes:
        records: the records.
        rest: whatever else the reader found, as JSON holds it: dicts, lists, strings, numbers.
    """

    records: Sequence[Record]
    rest: Dict[str, Any]


class CacheEntry:
    """The place of one data set in the cache. Make it before the set is read: it notes what the files look like.

    Args:
        roots: the folders and files that the set is read from; with none, nothing is kept.
        question: everything else that decides what is read, as JSON holds it: the reader, its options, the policy for
            faults.

    Example::

        entry = CacheEntry([path], {"layout": "coco", "path": path, "image_set": image_set})
        found = entry.load()
        if found is None:
            found = ReadSet(*read_the_files())
            entry.store(found)
    """

    def __init__(self, roots: Sequence[str], question: Mapping[str, Any]):
        self._began = time.time()
        self._roots = [os.path.abspath(root) for root in roots]
        folder = cache_folder()
        self._state = folder_state(self._roots, leave_out=folder) if folder is not None and roots else None
        if self._state is None:
            return
        # The paths of records begin with that of the data set, which may be relative.
        text = json.dumps([self._roots, os.getcwd(), question], sort_keys=True)
        self._name = os.path.join(FOLDER, hashlib.blake2b(text.encode(), digest_size=16).hexdigest() + ".npz")
        self._key = [text, self._state.digest, *_program()]

    def load(self) -> Optional[ReadSet]:
        """Returns what was read before; None where there is no entry or it is of no use."""
        return None if self._state is None else read_cached(self._name, self._read)

    def store(self, read: ReadSet) -> None:
        """Keeps what was read, unless it took less than `LEAST_SECONDS` or cannot be kept."""
        if (self._state is None or time.time() - self._began < LEAST_SECONDS
                or not _settled(self._state.newest, self._began)
                or not _all_inside(read.records, self._roots)):
            return
        try:
            head, length = join_texts([json.dumps({"key": self._key, "rest": read.rest})])
            records = read.records
            arrays = records.whole_arrays()[0] if isinstance(records, FlatRecords) else flatten_records(records)
        except (TypeError, ValueError):  # something that the format does not hold
            return
        write_cached(self._name, partial(np.savez, head=head, head_length=length, **arrays))

    def _read(self, path: str) -> Optional[ReadSet]:
        # Every array has a checksum in the file, which NumPy compares.
        with np.load(path, allow_pickle=False) as file:
            head = json.loads(split_texts(file["head"], file["head_length"], 1)[0])
            if head["key"] != self._key:
                return None
            with no_looks_for_garbage():
                records = FlatRecords({name: file[name] for name in file.files if not name.startswith("head")})
        return ReadSet(records, head["rest"])


def _program() -> List[Any]:
    """Returns what changes when this package or the library that reads images does."""
    program = folder_state([os.path.dirname(os.path.dirname(os.path.abspath(__file__)))])  # all that reads data sets
    return [_FORMAT, program.digest if program else "", PIL.__version__]


def _settled(newest: float, now: float) -> bool:
    """Tells whether a change of a file from now on would show in its time; `newest` is the latest time of a file."""
    return abs(now - newest) >= (_COARSE_TICK if newest.is_integer() else _FINE_TICK)


def _all_inside(records: Sequence[Record], roots: Sequence[str]) -> bool:
    """Tells whether all images lie in the folders whose state is known, and in no hidden folder in them."""
    folders = {os.path.join(os.path.abspath(folder), "")
               for folder in {os.path.dirname(path) for path in record_paths(records)}}
    inside = [os.path.join(root, "") for root in roots]
    return all(any(folder.startswith(root) and os.sep + "." not in folder[len(root) - 1:] for root in inside)
               for folder in folders)
