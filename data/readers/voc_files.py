"""Reads annotation files in Pascal VOC's format (XML), wherever they and their images lie."""
import contextlib
import os
import re
import unicodedata
from typing import Iterable, List, Optional, Sequence

from ...errors import DataError
from ..assembling.raw import RawImage, RawSet
from ..class_names import VOC_CLASSES
from ..files.file_names import ImageIndex
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.text_lists import read_list
from .voc_xml import read_voc_xml

# The lists of one class say whether an image shows it.
_SECOND_COLUMN = re.compile(r"(.*\S)\s+(?:-1|0|1)")


def read_voc_files(xml_files: Sequence[str], image_folders: Sequence[str], xml_root: Optional[str] = None,
                   with_labels: bool = True, counted_folder: Optional[str] = None) -> RawSet:
    """Reads annotation files of which each describes one image.

    An image has the name of its XML file, or else the one that the element `filename` states.

    Args:
        xml_files: the files.
        image_folders: where the images are looked for, the most likely folder first.
        xml_root: folder of which the images' subfolders are a copy: `<xml_root>/a/1.xml` describes `a/1.jpg`; None
            where subfolders mean nothing.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.
    """
    images = []
    for file in xml_files:
        name = os.path.basename(file) if xml_root is None else os.path.relpath(file, xml_root)
        images.append(_read_image(file, os.path.splitext(name)[0], with_labels))
    return RawSet(images, "corners_from_1", tuple(image_folders), counted_folder=counted_folder)


def read_voc_list(list_file: str, xml_folder: str, image_folders: Sequence[str], with_labels: bool = True) -> RawSet:
    """Reads the images that a list names, as in `ImageSets/Main`, and the XML files of the same stems.

    Args:
        list_file: one image a line, with or without folders and extension; a second column of 1, 0 or -1 is not read.
        xml_folder: where the XML files lie.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read; then no XML file is opened.

    Raises:
        DataError: there is no such list.
    """
    index, xml_files = ImageIndex(image_folders), ImageIndex((xml_folder,), (".xml",))
    images = []
    for number, line in read_list(list_file):
        name = _first_column(line, index, xml_files)
        where = f"{list_file}, line {number}: {name}"
        if not with_labels:
            images.append(RawImage(where, _stem(name), name, None, None, []))
            continue
        try:
            images.append(_read_image(xml_files.find(name), name))
        except DataError as error:
            images.append(_without_annotation(error, where, name, index, xml_folder))
    return RawSet(images, "corners_from_1", tuple(image_folders))


def voc_class_names(xml_files: Iterable[str]) -> List[str]:
    """Returns the names of the classes in several XML files: VOC's twenty if all are among them, else sorted.

    Files that cannot be read are passed over.
    """
    names = set()
    for file in xml_files:
        with contextlib.suppress(DataError):
            names.update(one.label for one in read_voc_xml(file).objects)
    names.discard(None)
    return list(VOC_CLASSES) if names <= set(VOC_CLASSES) else sorted(names)


def names_in_line(line: str) -> List[str]:
    """Returns what a line of a list may name: all of it and, if it ends in 1, 0 or -1, what is before that."""
    columns = _SECOND_COLUMN.fullmatch(line)
    return [line] if columns is None else [line, columns.group(1)]


def image_stem(name: str) -> str:
    """Returns the stem of an image's name or of an XML file's, without folders and composed, to compare it."""
    return unicodedata.normalize("NFC", _stem(name))


def _read_image(file: str, name: str, with_labels: bool = True) -> RawImage:
    if not with_labels:
        return RawImage(file, _stem(name), name, None, None, [])
    try:
        found = read_voc_xml(file)
    except DataError as error:
        return RawImage(file, _stem(name), name, None, None, [], (error.kind, str(error)))
    return RawImage(file, _stem(name), name, found.width, found.height, found.objects, None, found.filename)


def _without_annotation(error: DataError, where: str, name: str, index: ImageIndex, xml_folder: str) -> RawImage:
    """Returns an image that a list names and that has no annotation file, or two."""
    image = RawImage(where, _stem(name), name, None, None, [])
    if error.kind == "image_ambiguous":
        return image._replace(fault=(error.kind, f"{where}: {error}"))
    with contextlib.suppress(DataError):  # a missing image is the greater fault
        image = image._replace(fault=("image_without_entry", f"{where}: the image {index.find(name)} has no annotation "
                                                             f"{_stem(name)}.xml in {xml_folder}"))
    return image


def _first_column(line: str, *indexes: ImageIndex) -> str:
    """Returns the name in a line of a list: the first of two columns, unless all of the line names a file."""
    whole, *first = names_in_line(line)
    if not first:
        return whole
    for index in indexes:
        try:
            index.find(whole)
            return whole
        except DataError as error:
            if error.kind == "image_ambiguous":
                return whole
    return first[0]


def _stem(name: str) -> str:
    """Returns the stem of an image's name or of an XML file's, without folders."""
    return _without_extension(name.replace("\\", "/").rpartition("/")[2])


def _without_extension(name: str) -> str:
    stem, extension = os.path.splitext(name)
    return stem if extension.lower() in (*IMAGE_EXTENSIONS, ".xml") else name

