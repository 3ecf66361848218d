"""Finding the image file that an annotation means, however it spells the name."""
import ntpath
import os
import posixpath
import re
import unicodedata
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import unquote

from ...errors import DataError
from .image_extensions import IMAGE_EXTENSIONS, OTHER_IMAGE_EXTENSIONS
from .listing import IGNORED_FOLDERS, is_file, is_folder, list_folder
from .text_lists import readable_name

# What a stated name may end in although the image's file does not: formats that it was converted from, and the
# annotation's own file.
_STATED_EXTENSIONS = (*IMAGE_EXTENSIONS, *OTHER_IMAGE_EXTENSIONS, ".txt", ".xml", ".json")
_SAME_FORMAT = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}


class _File(NamedTuple):
    """A file under a folder: its path, the names of the folders between, and its name, both as `_plain`."""

    path: str
    folders: Tuple[str, ...]
    name: str


class _Files:
    """The files in a folder, and in all folders in it, by their stems and the folders that they lie in.

    Args:
        folder: a path.
        extensions: what the names of the files end in.
    """

    def __init__(self, folder: str, extensions: Tuple[str, ...]):
        self._files: List[_File] = []
        for path in sorted(files_under(folder, extensions)):
            *folders, name = _plain(path[len(folder):].strip(os.sep)).split(os.sep)
            self._files.append(_File(path, tuple(folders), name))
        self._depth = max((len(file.folders) for file in self._files), default=0)
        self._groups: Dict[int, Dict[Tuple[str, ...], List[_File]]] = {}

    def of_stem(self, stem: str, folders: Sequence[str] = ()) -> List[_File]:
        """Returns the files with a stem that lie in no other folders than a stated name says.

        The folders of a file, or else those of the name, are the last ones of the other.
        """
        count = min(len(folders), self._depth)
        group = self._grouped(count)
        return [file for number in range(count + 1)
                for file in group.get((stem, *folders[len(folders) - number:]), ())]

    def _grouped(self, count: int) -> Dict[Tuple[str, ...], List[_File]]:
        """Returns the files by their stem and the last `count` of their folders, or all where they have fewer."""
        if count not in self._groups:
            group = self._groups[count] = {}
            for file in self._files:
                key = (os.path.splitext(file.name)[0], *file.folders[max(len(file.folders) - count, 0):])
                group.setdefault(key, []).append(file)
        return self._groups[count]


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
        self._files: Dict[str, _Files] = {}  # by folder
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
                raise DataError(f"two files fit the name {readable_name(name)!r} of an image: {fitting[0]} and "
                                f"{fitting[1]}; dataset.image_root (--image-root) names the folder of the right one",
                                "image_ambiguous")
            if fitting:
                return fitting[0]
        raise DataError(f"there is no image {readable_name(name)!r} in {' or '.join(self.folders) or 'any folder'}"
                        + self._hint(cleaned), "image_missing")

    def has_stem(self, name: str) -> bool:
        """Returns whether a file in any of the folders is called so, with an extension behind."""
        stem = _plain(name)
        return any(self._files_in(folder).of_stem(stem) for folder in self.folders)

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
        spelling = posixpath.basename(stated)
        best, fitting = None, []
        for file in self._candidates(folder, name, folders):
            common = _common_end(folders, [*self._parts[folder], *file.folders])
            if common < known:
                continue  # it lies in another folder than the name states
            rank = (_distance(spelling, name, file), -common, common < len(file.folders),
                    not _is_spelled_so(spelling, file))
            if best is None or rank < best:
                best, fitting = rank, []
            if rank == best:
                fitting.append(file.path)
        fitting.sort()
        other = next((path for path in fitting[1:] if not os.path.samefile(path, fitting[0])), None)
        return fitting[:1] if other is None else [fitting[0], other]

    def _candidates(self, folder: str, name: str, folders: Sequence[str] = ()) -> List[_File]:
        """Returns the files in one folder that have a plain name, or its stem, for their stem; see `_Files.of_stem`."""
        files = self._files_in(folder)
        return [file for stem in dict.fromkeys((name, _stem(name))) for file in files.of_stem(stem, folders)]

    def _files_in(self, folder: str) -> _Files:
        if folder not in self._files:
            self._files[folder] = _Files(folder, self._extensions)
        return self._files[folder]

    def _hint(self, stated: str) -> str:
        """Names a file of the same name that lies in another folder than stated, as the end of a message."""
        name = posixpath.basename(_plain(stated))
        others = [file.path for folder in self.folders for file in self._candidates(folder, name)]
        return f"; {others[0]} lies in another folder than the name states" if others else ""


def files_under(folder: str, extensions: Tuple[str, ...] = IMAGE_EXTENSIONS) -> Iterator[str]:
    """Yields the paths of the files in a folder, and in all folders in it, whose names end so.

    Hidden files and folders are passed over. Upper and lower case of the extensions, which are lower case here, do not
    matter.

    Raises:
        DataError: a folder cannot be listed.
    """
    seen, waiting = set(), [folder]
    while waiting:
        listing = list_folder(waiting.pop())
        if listing is None or listing.identity in seen:  # a link to a folder around it
            continue
        seen.add(listing.identity)
        for entry in listing.entries:
            if entry.name.lower() in IGNORED_FOLDERS:
                continue
            if is_folder(entry):
                waiting.append(entry.path)
            elif entry.name.lower().endswith(extensions) and is_file(entry):
                yield entry.path


def _clean(name: str) -> str:
    """Returns a stated name with slashes, without drive, leading slash, and leading "./" and "../"."""
    path = posixpath.normpath(ntpath.splitdrive(name.strip())[1].replace("\\", "/"))
    return re.sub(r"^(/|\.\./)+", "", path)


def _plain(name: str) -> str:
    """Returns the form in which names are compared: composed accents, no upper case, no %20, letters for all bytes."""
    if "%" in name:
        name = unquote(name)
    return (name if name.isascii() else _composed(readable_name(name))).casefold()


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


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
        return 0 if _is_spelled_so(stated, file) else 1
    if plain == os.path.splitext(file.name)[0]:
        return 2
    return 3 if _format(plain) == _format(file.name) else 4


def _is_spelled_so(stated: str, file: _File) -> bool:
    """Returns whether a file's name begins with a stated name, upper case and all."""
    return _composed(os.path.basename(file.path)).startswith(_composed(stated))


def _format(name: str) -> Optional[str]:
    extension = os.path.splitext(name)[1]
    return _SAME_FORMAT.get(extension, extension) if extension in _STATED_EXTENSIONS else None
