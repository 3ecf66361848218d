"""Reads YOLO's label files: one text file an image, one line an object, in fractions of the image.

A line is `class centre_x centre_y width height`, with a confidence after it in files that a detector wrote, or
`class x1 y1 x2 y2 x3 y3 ...`, a polygon, whose bounding box is read.
"""
import os
import re
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from ...errors import DataError
from ..assembling.meaning import is_number
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from ..files.file_names import ImageIndex, files_under
from ..files.text_lists import read_image_list, read_list, readable_name

LABEL_EXTENSION = (".txt",)
# A number in a label file that is larger than this is no fraction of an image, whatever reaches over its edge.
LARGEST_FRACTION = 4
_LARGEST_OF_POLYGON = 1.5  # a point visible (2) is the next number in files of keypoints
# Text files that lie among labels without being such.
NO_LABELS = ("classes.txt", "obj.names", "labels.txt", "notes.txt", "readme.txt", "requirements.txt",
             "readme.roboflow.txt", "readme.dataset.txt", "train.txt", "val.txt", "valid.txt", "test.txt")


def read_yolo_files(image_folders: Sequence[str], label_folders: Sequence[str], names: Optional[Sequence[str]] = None,
                    list_file: Optional[str] = None, with_labels: bool = True, keypoints: bool = False) -> RawSet:
    """Reads the images in some folders, or those that a list names, and their label files.

    An image without a label file has no boxes; a label file without an image is an image that is missing.

    Args:
        image_folders: where the images lie; without a list they are the set.
        label_folders: where the label files lie, under the names of the images.
        names: class names by number; None takes the numbers themselves for names.
        list_file: names one image a line.
        with_labels: False if no boxes are to be read.
        keypoints: whether lines have keypoints after the box (YOLO's pose format), not polygons.

    Raises:
        DataError: the list cannot be read.
    """
    labels = _LabelFiles(label_folders)
    images = _listed_images(list_file, image_folders) if list_file else _images_in(image_folders)

    def read() -> Iterator[RawImage]:
        for where, name, path in images:
            try:
                file = labels.find(path, image_folders) if path else None
                objects = list(read_label_lines(file, names, keypoints)) if file and with_labels else []
            except DataError as error:
                fault = ("image_entry_broken", f"{path}: {error}")
                yield RawImage(where, _stem(name), name, None, None, [], fault)
                continue
            yield RawImage(file or where, _stem(name), path or name, None, None, objects)
        if not list_file:
            yield from (RawImage(file, _stem(file), _stem(file), None, None, []) for file in labels.without_image())

    return RawSet(read(), "centre_fractions", tuple(image_folders))


def read_label_lines(file: str, names: Optional[Sequence[str]] = None, keypoints: bool = False) -> Iterator[RawObject]:
    """Yields the objects of one label file; arguments as for `read_yolo_files`."""
    for number, line in read_list(file):
        words = line.split()
        label = _class_name(words[0], names)
        box = _box_of(words[1:], keypoints)
        if not isinstance(box, NoBox) and not _are_fractions(box):
            box = NoBox(f"{line!r} states no fractions of the image, but perhaps pixels")
        yield RawObject(number, label, box, stated_class=words[0])


def is_label_file(file: str) -> bool:
    """Returns whether a text file looks like labels: its first line that is read is a class and at least four numbers.

    They are fractions; only of a class's number and four numbers it is said elsewhere that those are none.
    """
    if os.path.basename(file).lower() in NO_LABELS:
        return False
    first = next((line for _, line in read_list(file)), "").split()
    if len(first) < 5 or not all(map(is_number, first[1:])):
        return False
    return _are_fractions(first[1:]) or len(first) == 5 and first[0].isdecimal()


def _images_in(folders: Sequence[str]) -> Iterator[Tuple[str, str, str]]:
    """Yields (where, name, path) of the images in some folders."""
    paths = dict.fromkeys(path for folder in folders for path in sorted(files_under(folder)))
    return ((path, path, path) for path in paths)


def _listed_images(list_file: str, folders: Sequence[str]) -> List[Tuple[str, str, Optional[str]]]:
    """Returns (where, name, path) of the images that a list names; without a path where there is no such image."""
    index = ImageIndex((*folders, os.path.dirname(list_file)))
    found: List[Tuple[str, str, Optional[str]]] = []
    for number, name in read_image_list(list_file):
        try:
            path = index.find(name)
        except DataError:
            path = None  # the same search tells more when the records are made
        found.append((f"{list_file}, line {number}", name, path))
    return found


class _LabelFiles:
    """The label files of images, found by the names of those."""

    def __init__(self, folders: Sequence[str]):
        self._folders = tuple(folders)
        self._index = ImageIndex(folders, LABEL_EXTENSION)
        self._inside = tuple(os.path.join(os.path.abspath(folder), "") for folder in folders)
        self._used: Set[str] = set()

    def find(self, image: str, image_folders: Sequence[str]) -> Optional[str]:
        """Returns the label file of an image, or None.

        Raises:
            DataError: two files fit equally well.
        """
        usual = _usual_label_files(image)
        of_set = [file for file in usual if os.path.abspath(file).startswith(self._inside)]
        there = filter(os.path.isfile, dict.fromkeys((*of_set, *usual)))
        file = next(there, None) or self._search(image, image_folders)
        self._used.update(map(os.path.abspath, (*of_set, file) if file else of_set))
        return file

    def _search(self, image: str, image_folders: Sequence[str]) -> Optional[str]:
        relative = [os.path.relpath(image, folder) for folder in image_folders]
        name = next((path for path in relative if not path.startswith(os.pardir)), os.path.basename(image))
        try:
            return self._index.find(name)
        except DataError as error:
            if error.kind == "image_missing":
                return None
            raise

    def without_image(self) -> Iterable[str]:
        """Returns the label files that are of none of the images that `find` was asked for."""
        files = (file for folder in self._folders for file in sorted(files_under(folder, LABEL_EXTENSION)))
        return [file for file in files if os.path.abspath(file) not in self._used and is_label_file(file)]


def _usual_label_files(image: str) -> List[str]:
    """Returns where an image's labels usually lie: in the folder `labels` in the place of `images`, or else beside it.

    Other texts may lie beside an image, such as its caption, or labels of an older version.
    """
    stem = os.path.splitext(image)[0]
    folders = reversed(list(re.finditer(r"(?<=[\\/])images(?=[\\/])", stem)))
    return [*(f"{stem[:match.start()]}labels{stem[match.end():]}.txt" for match in folders), f"{stem}.txt"]


def _class_name(word: str, names: Optional[Sequence[str]]) -> Optional[str]:
    """Returns the name of a class that is stated by its number, or by its name; None if there is no such class."""
    if not is_number(word):
        return word if names is None or word in names else None
    number = float(word)
    if number != int(number) or number < 0:
        return None
    if names is None:
        return str(int(number))
    return names[int(number)] if number < len(names) else None


def _box_of(words: List[str], keypoints: bool) -> Any:
    """Returns the four numbers of a box: as they stand, or those of the box around a polygon."""
    if keypoints:
        return words[:4]
    if len(words) <= 5:
        return words[:4]
    if len(words) % 2 or not all(map(is_number, words)):
        return words
    if max(abs(float(word)) for word in words) > _LARGEST_OF_POLYGON:
        return NoBox(f"{' '.join(words)!r} is no polygon in fractions of the image, but perhaps keypoints or pixels")
    x, y = ([float(word) for word in words[start::2]] for start in (0, 1))
    return ((min(x) + max(x)) / 2, (min(y) + max(y)) / 2, max(x) - min(x), max(y) - min(y))


def _are_fractions(box: Any) -> bool:
    """Returns whether none of the numbers of a box is too large for a fraction; what is no number is judged elsewhere.
    """
    return all(abs(float(number)) <= LARGEST_FRACTION for number in box if is_number(number))


def _stem(path: str) -> str:
    return readable_name(os.path.splitext(os.path.basename(path.replace("\\", "/")))[0])
