"""The journal of a packing: which shards are whole, so that a packing that was interrupted goes on behind them."""
import json
import os
from typing import Dict, List, NamedTuple, Tuple

from ...errors import DataError, UsageError
from ..files.packed_folders import JOURNAL
from .manifest import PackedFile
from .whole_files import sync_folder


class WholeShard(NamedTuple):
    """A shard that is whole.

    Attributes:
        shard, index: the two files.
        looked_at: number of images of the set, in the order in which they are packed, that were read up to its end;
            those that could not be read are among them.
        faults: (kind, message) of those that could not be read.
    """

    shard: PackedFile
    index: PackedFile
    looked_at: int
    faults: Tuple[Tuple[str, str], ...]


class Journal:
    """Lines of JSON in the folder of a data set that is being packed: what is packed, and each shard that is whole.

    Args:
        folder: of the packed data set; it is there.
        task: describes everything that decides what the shards hold.

    Attributes:
        shards: the shards that are whole, by the name of their set.

    Raises:
        UsageError: the folder has the journal of another packing.
    """

    def __init__(self, folder: str, task: Dict[str, str]):
        self._path = os.path.join(folder, JOURNAL)
        self.shards: Dict[str, List[WholeShard]] = {}
        lines = self._read()
        if not lines:
            self._append(task, "w")
            sync_folder(folder)
            return
        if lines[0] != task:
            differing = ", ".join(key for key in task if lines[0].get(key) != task[key])
            raise UsageError(f"{folder} holds an unfinished packing of something else (another {differing}): name "
                             "another folder, or remove this one")
        for number, line in enumerate(lines[1:], 1):
            entry = WholeShard(PackedFile(**line["shard"]), PackedFile(**line["index"]), line["looked_at"],
                               tuple(map(tuple, line["faults"])))
            if any(_size(folder, file) != file.bytes for file in (entry.shard, entry.index)):
                # A file that is not as it was written, or not there, is written anew with all that follow.
                self._rewrite(lines[:number])
                break
            self.shards.setdefault(line["set"], []).append(entry)

    def add(self, image_set: str, entry: WholeShard) -> None:
        """Notes that a shard is whole."""
        self._append({"set": image_set, "shard": entry.shard._asdict(), "index": entry.index._asdict(),
                      "looked_at": entry.looked_at, "faults": [list(fault) for fault in entry.faults]}, "a")
        self.shards.setdefault(image_set, []).append(entry)

    def remove(self) -> None:
        """Removes the journal: the packing has come to its end."""
        os.unlink(self._path)

    def _read(self) -> List[Dict]:
        try:
            with open(self._path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            return []
        lines = content.split(b"\n")[:-1]  # the last one is empty, or was cut off
        try:
            found = [json.loads(line) for line in lines]
            if not all(isinstance(line, dict) for line in found):
                raise ValueError("a line is no object")
        except ValueError as error:
            raise DataError(f"{self._path}: the journal of a packing is damaged ({error}); remove the folder, and pack "
                            "the data set anew") from None
        if content and not content.endswith(b"\n"):
            self._rewrite(found)
        return found

    def _rewrite(self, lines: List[Dict]) -> None:
        with open(self._path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())

    def _append(self, line: Dict, mode: str) -> None:
        with open(self._path, mode, encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _size(folder: str, file: PackedFile) -> int:
    path = os.path.join(folder, file.name)
    return os.path.getsize(path) if os.path.isfile(path) else -1
