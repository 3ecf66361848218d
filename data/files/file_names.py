"""Finding the image file that an annotation means, however it spells the name."""
import ntpath
import os
import posixpath
import re
import unicodedata
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import unquote

from ...errors import DataError
from .image_extensions import IMAGE_EXTENSIONS

# What a stated name may end in although the image's file does not: formats that it was converted from, and the
# annotation's own file.
_STATED_EXTENSIONS = (*IMAGE_EXTENSIONS, ".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm", ".dng",
                      ".txt", ".xml", ".json")
_SAME_FORMAT = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}
_IGNORED_FOLDERS = ("__MACOSX", "@eaDir")


class _File(NamedTuple):
    """A file under a folder: its path, the names of the folders between, and its name, both as `_plain`."""

    path: str
    folders: Tuple[str, ...]
    name: str


class ImageIndex:
    """Finds image files by the names that annotations state for them.

    A name that is the path of a file under one of the folders is that file. Otherwise the folders are searched, with
    all folders in them, for a file that is meant: the name may have backslashes, another path in front, too few folders
    in front, upper case for lower case, accents or spaces in another encoding, another extension of an image or none.
    A file in another folder than the name states is not meant.

    Args:
        folders: in which images are looked for, the most likely one first; those that do not exist are passed over.
        extensions: what the names of the files end in; other than the default, the annotation files of images are
            found by the names of those.
    """

    def __init__(self, folders: Sequence[str], extensions: Tuple[str, ...] = IMAGE_EXTENSIONS):
        self._extensions = extensions
        self.folders = tuple(dict.fromkeys(os.fspath(folder) or os.curdir for folder in folders))
        self._files: Dict[str, Dict[str, List[_File]]] = {}  # by folder, then by the stem of the name
        self._parts = {folder: _plain(os.path.abspath(folder)).split(os.sep) for folder in self.folders}

    def find(self, name: str) -> str:
        """Returns the path of the image file that a name means.

        Args:
            name: as an annotation states it, with or without folders and extension.

        Raises:
            DataError: no file is meant (kind "image_missing"), or two files in one folder fit equally well (kind
                "image_ambiguous"); the message names the folders or the files.
        """
        cleaned = _clean(name)
        for stated in dict.fromkeys((name, cleaned)):
            if self._extensions != IMAGE_EXTENSIONS and not stated.lower().endswith(self._extensions):
                continue  # the name of an image, which may be there too, not of what is looked for
            for folder in self.folders:
                path = os.path.join(folder, stated)
                if os.path.isfile(path):
                    return path
        known = self._known_folders(cleaned)
        for folder in self.folders:
            fitting = self._fitting_files(folder, cleaned, known)
            if len(fitting) > 1:
                raise DataError(f"two files fit the name {name!r} of an image: {fitting[0]} and {fitting[1]}; "
                                "dataset.image_root (--image-root) names the folder of the right one",
                                "image_ambiguous")
            if fitting:
                return fitting[0]
        raise DataError(f"there is no image {name!r} in {' or '.join(self.folders) or 'any folder'}"
                        + self._hint(cleaned), "image_missing")

    def unused(self, folder: str, used: Iterable[str]) -> List[str]:
        """Returns the image files in a folder, and in all folders in it, that are not among the paths `used`."""
        known = {os.path.abspath(path) for path in used}
        return sorted(path for path in files_under(folder, self._extensions) if os.path.abspath(path) not in known)

    def _known_folders(self, stated: str) -> int:
        """Returns how many of the last folders of a cleaned name are those that one of `folders` lies in or is."""
        *folders, _ = _plain(stated).split("/")
        return max((_common_end(folders, parts) for parts in self._parts.values()), default=0) if folders else 0

    def _fitting_files(self, folder: str, stated: str, known: int) -> List[str]:
        """Returns the files in one folder that fit the cleaned name best, no file twice.

        Args:
            folder: one of `folders`.
            stated: the cleaned name.
            known: number of its last folders that a file must lie in, see `_known_folders`.
        """
        *folders, name = _plain(stated).split("/")
        best, fitting = None, []
        for file in self._by_stem(folder).get(_stem(name), ()):
            common = _common_end(folders, [*self._parts[folder], *file.folders])
            if common < known or (common < len(folders) and common < len(file.folders)):
                continue  # it lies in another folder than the name states
            rank = (_distance(posixpath.basename(stated), name, file), -common, common < len(file.folders))
            if best is None or rank < best:
                best, fitting = rank, []
            if rank == best and not any(os.path.samefile(file.path, other) for other in fitting):
                fitting.append(file.path)
        return fitting

    def _by_stem(self, folder: str) -> Dict[str, List[_File]]:
        if folder not in self._files:
            files = self._files[folder] = {}
            for path in sorted(files_under(folder, self._extensions)):
                *folders, name = _plain(path[len(folder):].strip(os.sep)).split(os.sep)
                files.setdefault(_stem(name), []).append(_File(path, tuple(folders), name))
        return self._files[folder]

    def _hint(self, stated: str) -> str:
        """Names a file of the same name that lies in another folder than stated, as the end of a message."""
        stem = _stem(posixpath.basename(_plain(stated)))
        others = [file.path for folder in self.folders for file in self._by_stem(folder).get(stem, ())]
        return f"; {others[0]} lies in another folder than the name states" if others else ""


def files_under(folder: str, extensions: Tuple[str, ...] = IMAGE_EXTENSIONS) -> Iterator[str]:
    """Yields the paths of the files in a folder, and in all folders in it, whose names end so.

    Hidden files and folders are passed over. Upper and lower case of the extensions, which are lower case here, do not
    matter.
    """
    seen, waiting = set(), [folder]
    while waiting:
        inner = waiting.pop()
        try:
            status = os.stat(inner)
            entries = list(os.scandir(inner))
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:  # a link to a folder around it
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _IGNORED_FOLDERS:
                continue
            if is_folder(entry):
                waiting.append(entry.path)
            elif entry.name.lower().endswith(extensions) and os.path.isfile(entry.path):
                yield entry.path


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Returns whether an entry is a folder, or a link to one; False for a link that leads to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _clean(name: str) -> str:
    """Returns a stated name with slashes, without drive, leading slash, and leading "./" and "../"."""
    path = posixpath.normpath(ntpath.splitdrive(name.strip())[1].replace("\\", "/"))
    return re.sub(r"^(/|\.\./)+", "", path)


def _plain(name: str) -> str:
    """Returns the form in which names are compared: composed accents, no upper case, no %20."""
    if "%" in name:
        name = unquote(name)
    return (name if name.isascii() else unicodedata.normalize("NFC", name)).casefold()


def _stem(name: str) -> str:
    stem, extension = os.path.splitext(name)
    return stem if extension in _STATED_EXTENSIONS else name


def _common_end(first: Sequence[str], second: Sequence[str]) -> int:
    """Returns how many last elements the two have in common."""
    count = 0
    while count < min(len(first), len(second)) and first[-1 - count] == second[-1 - count]:
        count += 1
    return count


def _distance(stated: str, plain: str, file: _File) -> int:
    """Returns how far a stated name, of which `plain` is the plain form, is from a file's: 0 where they are equal."""
    if plain == file.name:
        return 0 if unicodedata.normalize("NFC", stated) == unicodedata.normalize("NFC", os.path.basename(file.path)) \
            else 1
    extensions = [_format(name) for name in (plain, file.name)]
    return 2 if extensions[0] in (None, extensions[1]) else 3


def _format(name: str) -> Optional[str]:
    extension = os.path.splitext(name)[1]
    return _SAME_FORMAT.get(extension, extension) if extension in _STATED_EXTENSIONS else None
