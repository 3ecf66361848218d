"""The files under a folder that a data set can be made of, found in one walk."""
import os
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ..files.file_names import is_folder
from ..files.image_extensions import IMAGE_EXTENSIONS

KINDS_OF_FILES = (".json", ".xml", ".txt", ".yaml", ".yml", ".csv", ".names", ".labels")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")
IGNORED_FOLDERS = ("__macosx", "@eadir", "node_modules", "__pycache__")


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
        return {os.path.splitext(name)[0] for folder in self.folders.values() for name in folder.images}


def walk(root: str) -> Tree:
    """Lists a folder and all folders in it; hidden ones are passed over, and links to folders around them."""
    folders: Dict[str, Folder] = {}
    seen: Set[Tuple[int, int]] = set()
    waiting: List[Tuple[str, Tuple[str, ...]]] = [(root, ())]
    while waiting:
        path, parts = waiting.pop()
        try:
            status, entries = os.stat(path), sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        visible = [entry for entry in entries if not entry.name.startswith(".")]
        inner = [entry.name for entry in visible if is_folder(entry) and entry.name.lower() not in IGNORED_FOLDERS]
        folder = Folder(path, parts, {}, [])
        for entry in visible:
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
