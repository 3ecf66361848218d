"""The manifest of a packed data set: its sets, their files with sizes and checksums, and its classes."""
import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Tuple, Union

from ...errors import DataError
from ..files.opening import read_regular
from ..files.packed_folders import MANIFEST
from ..files.packed_images import SHARD_EXTENSION

VERSION = 1
_FORMAT = "light_head_rcnn.packed"
_NAME = re.compile(r"[^/\\\0]{1,240}")
_PLACE_NAMES = ("", ".", "..")


class PackedFile(NamedTuple):
    """A file of a packed data set.

    Attributes:
        name: in the folder.
        bytes: its size.
        sha256: its checksum in hexadecimal digits.
        images: number of images in it.
    """

    name: str
    bytes: int
    sha256: str
    images: int


class PackedSet(NamedTuple):
    """One image set.

    Attributes:
        records: the file of the records' arrays.
        shards: the files of records.
        indices: MXNet's index of each shard.
        rest: what else was known of the set when it was packed: "notes", "unread", "counts" and "examples" of faults.
    """

    records: PackedFile
    shards: Tuple[PackedFile, ...]
    indices: Tuple[PackedFile, ...]
    rest: Dict[str, Any]

    def files(self) -> List[PackedFile]:
        """Returns all files of the set."""
        return [self.records, *(one for pair in zip(self.shards, self.indices) for one in pair)]


class Manifest(NamedTuple):
    """A packed data set.

    Attributes:
        folder: path.
        classes: names of the classes by id.
        id_of_class: COCO's id of classes by name.
        sets: by name.
        made: how it was packed, for people.
    """

    folder: str
    classes: Tuple[str, ...]
    id_of_class: Dict[str, Union[int, str]]
    sets: Dict[str, PackedSet]
    made: Dict[str, Any]

    def as_json(self) -> Dict[str, Any]:
        """Returns what the file holds."""
        return {"format": _FORMAT, "version": VERSION, "made": self.made, "classes": list(self.classes),
                "id_of_class": self.id_of_class,
                "sets": {name: {"records": one.records._asdict(), "shards": [file._asdict() for file in one.shards],
                                "indices": [file._asdict() for file in one.indices], "rest": one.rest}
                         for name, one in self.sets.items()}}


def read_manifest(folder: str) -> Manifest:
    """Reads the manifest of a packed data set.

    Raises:
        DataError: there is none, or it is damaged or of another version; the message names it.
    """
    path = os.path.join(folder, MANIFEST)
    try:
        content = json.loads(read_regular(path).decode("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: the manifest of a packed data set cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}); pack the data set anew") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise DataError(f"{path}: not the manifest of a packed data set; `lhrcnn data pack` writes one")
    if content.get("version") != VERSION:
        raise DataError(f"{path}: version {content.get('version')!r} of packed data sets is not known here, only "
                        f"{VERSION}: pack the data set anew")
    try:
        sets = {_file_name(name, slashes=True): _read_set(one) for name, one in content["sets"].items()}
        classes = tuple(_text(name) for name in content["classes"])
        ids = {_text(name): one for name, one in content["id_of_class"].items()}
        if not sets or len(set(classes)) < len(classes) or not all(isinstance(one, (int, str)) for one in ids.values()):
            raise ValueError("no sets, or a class twice")
        return Manifest(folder, classes, ids, sets, dict(content["made"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: the manifest is damaged ({type(error).__name__}: {error}); pack the data set anew"
                        ) from None


def _read_set(content: Dict[str, Any]) -> PackedSet:
    rest = content["rest"]
    checked = {"notes": [_text(note) for note in rest["notes"]],
               "unread": {_text(name): _number(count) for name, count in rest["unread"].items()},
               "counts": {_text(kind): _number(count) for kind, count in rest["counts"].items()},
               "examples": {_text(kind): [_text(one) for one in texts] for kind, texts in rest["examples"].items()}}
    if set(checked["counts"]) != set(checked["examples"]):
        raise ValueError("faults without examples")
    shards, indices = (tuple(_read_file(one) for one in content[key]) for key in ("shards", "indices"))
    if len(shards) != len(indices):
        raise ValueError("a shard without an index")
    if not all(one.name.endswith(SHARD_EXTENSION) for one in shards):
        raise ValueError(f"a shard whose name does not end in {SHARD_EXTENSION}")
    return PackedSet(_read_file(content["records"]), shards, indices, checked)


def _read_file(content: Dict[str, Any]) -> PackedFile:
    return PackedFile(_file_name(content["name"]), _number(content["bytes"]), _text(content["sha256"]),
                      _number(content["images"]))


def _file_name(name: Any, slashes: bool = False) -> str:
    """Returns the name of a file in the folder; ValueError for one that would lie elsewhere."""
    text = _text(name).replace("/", "_") if slashes else _text(name)
    if not _NAME.fullmatch(text) or text in _PLACE_NAMES:
        raise ValueError(f"{name!r} is no name of a file")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2 ** 62:
        raise ValueError(f"{value!r} is no whole number of 0 or more")
    return value
