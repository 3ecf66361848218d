"""How files of proposals name images, and which image of a data set a name means."""
import os
import re
from collections import defaultdict
from typing import DefaultDict, Dict, Iterable, List, Optional, Sequence, Union

from ...errors import DataError
from ..files.packed_images import name_in_shard
from ..record import Record
from ..record_columns import record_paths

_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")


class ImageNames:
    """Finds the image of a data set that a name means.

    A name without folders means the image whose file has this name, whose file has this name without its extension, or
    whose id is written so. A name with folders means the image whose path ends so, with or without the extension; of
    an absolute path, which may be that of another machine, only the last folder counts. A whole number is an id.

    Args:
        records: the images of the data set.
    """

    def __init__(self, records: Iterable[Record]):
        self._paths: Dict[str, str] = {}  # paths of records by what they are as absolute paths
        self._by_name: DefaultDict[str, List[str]] = defaultdict(list)  # absolute paths, by name, stem and id
        self._by_id: DefaultDict[str, List[str]] = defaultdict(list)
        for record in records:
            path = _with_slashes(os.path.abspath(record.path))
            if path in self._paths:
                continue
            self._paths[path] = record.path
            name = path.rpartition("/")[2]
            for one in {name, os.path.splitext(name)[0]}:
                self._by_name[one].append(path)
            self._by_id[str(record.image_id)].append(path)

    def find(self, file: str, name: Union[int, str]) -> Optional[str]:
        """Returns the path of the record that a name means; None where there is none.

        Args:
            file: that has the name, for messages.
            name: see `Entry`.

        Raises:
            DataError: the name fits several images; the message names two of them.
        """
        found = self._fitting(name)
        if len(found) > 1:
            raise DataError(f"{file}: the image {name!r} may be {found[0]} or {found[1]}: write its path")
        return self._paths[found[0]] if found else None

    def _fitting(self, name: Union[int, str]) -> List[str]:
        if not isinstance(name, str):
            return self._by_id.get(str(name), [])
        text = _with_slashes(name.strip())
        if "/" not in text:
            found = [*self._by_name.get(text, ()), *self._by_id.get(text, ())]
            return found if len(found) < 2 else list(dict.fromkeys(found))
        if text in self._paths:
            return [text]
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if not parts:
            return []
        if _ABSOLUTE.match(text):
            parts = parts[-2:]
        return [path for path in self._by_name.get(parts[-1], ()) if _ends_in(path, parts)]


def names_of(records: Sequence[Record], root: Union[str, "os.PathLike[str]"]) -> List[str]:
    """Returns names by which a file of proposals can call images, one for each record.

    Args:
        records: the images.
        root: folder of the data set, or its annotation file.

    Returns:
        The paths relative to the folder, or, where an image lies elsewhere, all absolute. Folders are divided by
        slashes. Images of a packed data set have the names of their files, which they had before it was packed, unless
        two have the same.
    """
    packed = [name_in_shard(path) for path in record_paths(records)]
    if None not in packed and len(set(packed)) == len(packed):
        return packed
    folder = os.path.abspath(root)
    folder = folder if os.path.isdir(folder) else os.path.dirname(folder)
    paths = [os.path.abspath(path) for path in record_paths(records)]
    inside = all(path.startswith(os.path.join(folder, "")) for path in paths)
    return [_with_slashes(os.path.relpath(path, folder) if inside else path) for path in paths]


def _ends_in(path: str, parts: List[str]) -> bool:
    """Whether a path ends in these folders; the name of the file fits already."""
    folders = path.split("/")[:-1]
    return folders[len(folders) - len(parts) + 1:] == parts[:-1] if len(parts) <= len(folders) + 1 else False


def _with_slashes(path: str) -> str:
    return path.replace("\\", "/")
