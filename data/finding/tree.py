"""The files under a folder that a data set can be made of, found in one walk."""
import os
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.listing import IGNORED_FOLDERS, is_folder, list_folder

KINDS_OF_FILES = (".json", ".xml", ".txt", ".yaml", ".yml", ".csv", ".names", ".labels")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")


class Folder(NamedTuple):
    """The files that lie in one folder.

    Attributes:
        path: of the folder.
        parts: the folders between the root of the tree and this one, this one included.
        files: names of the files by lower-case extension, sorted.
        images: names of the images.
    """

    path: str
    parts: Tuple[str, ...]
    files: Dict[str, List[str]]
    images: List[str]

    def paths(self, *extensions: str) -> List[str]:
        """Returns the paths of the files with one of the extensions."""
        return [os.path.join(self.path, name) for extension in extensions for name in self.files.get(extension, ())]

    def image_stems(self) -> Set[str]:
        """Returns the names of the images without extension."""
        return {os.path.splitext(name)[0] for name in self.images}


class Tree(NamedTuple):
    """A folder and all folders in it.

    Attributes:
        root: path of the folder.
        folders: those that hold files, the root first, by their paths.
    """

    root: str
    folders: Dict[str, Folder]

    def with_images(self) -> List[Folder]:
        """Returns the folders that hold images."""
        return [folder for folder in self.folders.values() if folder.images]

    def paths(self, *extensions: str) -> List[str]:
        """Returns the paths of all files with one of the extensions."""
        return [path for folder in self.folders.values() for path in folder.paths(*extensions)]

    def image_stems(self) -> Set[str]:
        """Returns the names of all images without folder and extension."""
        return {stem for folder in self.folders.values() for stem in folder.image_stems()}


def walk(root: str) -> Tree:
    """Lists a folder and all folders in it; hidden ones are passed over, and links to folders around them.

    Raises:
        DataError: one of them cannot be listed.
    """
    folders: Dict[str, Folder] = {}
    seen: Set[Tuple[int, int]] = set()
    waiting: List[Tuple[str, Tuple[str, ...]]] = [(root, ())]
    while waiting:
        path, parts = waiting.pop()
        listing = list_folder(path)
        if listing is None or listing.identity in seen:
            continue
        seen.add(listing.identity)
        inner = [entry.name for entry in listing.entries
                 if is_folder(entry) and entry.name.lower() not in IGNORED_FOLDERS]
        folder = Folder(path, parts, {}, [])
        for entry in listing.entries:
            extension = os.path.splitext(entry.name)[1].lower()
            if extension in IMAGE_EXTENSIONS and not is_folder(entry):
                folder.images.append(entry.name)
            elif extension in KINDS_OF_FILES + ARCHIVES and not is_folder(entry):
                folder.files.setdefault(extension, []).append(entry.name)
        if folder.images or folder.files or path == root:
            folders[path] = folder
        waiting += [(os.path.join(path, name), (*parts, name)) for name in reversed(inner)]
    return Tree(root, folders)


def common_folder(paths: Sequence[str]) -> str:
    """Returns the innermost folder that all of some folders are or lie in."""
    return os.path.commonpath(paths) if len(paths) > 1 else paths[0]


def folders_without_inner(paths: Sequence[str]) -> Iterator[str]:
    """Yields those of some folders that lie in no other of them."""
    chosen: List[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(os.path.join(other, "")) for other in chosen):
            chosen.append(path)
            yield path
