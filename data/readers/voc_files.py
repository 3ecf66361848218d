"""Reads annotation files in Pascal VOC's format (XML), wherever they and their images lie."""
import contextlib
import os
import re
import unicodedata
from typing import Iterable, List, Optional, Sequence, Set

from ...errors import DataError
from ..assembling.raw import RawImage, RawSet
from ..class_names import VOC_CLASSES
from ..files.file_names import ImageIndex
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.text_lists import read_image_list, readable_name
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
    index, images = ImageIndex(image_folders), []
    for file in xml_files:
        name = os.path.splitext(os.path.basename(file) if xml_root is None else os.path.relpath(file, xml_root))[0]
        image = RawImage(file, _stem(name, index), name, None, None, [])
        images.append(_read_image(file, image) if with_labels else image)
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
    for number, line in read_image_list(list_file):
        name = _first_column(line, index, xml_files)
        where = f"{list_file}, line {number}: {readable_name(name)}"
        image = RawImage(where, _stem(name, index), name, None, None, [])
        if with_labels:
            try:
                image = _read_image(xml_files.find(name), image)
            except DataError as error:
                image = _without_annotation(error, image, index, xml_folder)
        images.append(image)
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


def stems_in_line(line: str) -> Set[str]:
    """Returns the stems, see `image_stem`, of the images that a line of a list may name: with extension or without."""
    return {stem for name in _names_in_line(line) for stem in (image_stem(name), image_stem(f"{name}.xml"))}


def image_stem(name: str) -> str:
    """Returns the stem of an image's name or of an XML file's, without folders and composed, to compare it."""
    return unicodedata.normalize("NFC", _without_extension(_base_name(name)))


def _read_image(file: str, image: RawImage) -> RawImage:
    """Returns an image with what its XML file states."""
    image = image._replace(where=file)
    try:
        found = read_voc_xml(file)
    except DataError as error:
        return image._replace(fault=(error.kind, str(error)))
    return image._replace(width=found.width, height=found.height, objects=found.objects, other_name=found.filename)


def _without_annotation(error: DataError, image: RawImage, index: ImageIndex, xml_folder: str) -> RawImage:
    """Returns an image that a list names and that has no annotation file, or two."""
    if error.kind == "image_ambiguous":
        return image._replace(fault=(error.kind, f"{image.where}: {error}"))
    with contextlib.suppress(DataError):  # a missing image is the greater fault
        image = image._replace(fault=("image_without_entry", f"{image.where}: the image {index.find(image.name)} has "
                                                             f"no annotation {image.image_id}.xml in {xml_folder}"))
    return image


def _names_in_line(line: str) -> List[str]:
    """Returns what a line of a list may name: all of it and, if it ends in 1, 0 or -1, what is before that."""
    columns = _SECOND_COLUMN.fullmatch(line)
    return [line] if columns is None else [line, columns.group(1)]


def _first_column(line: str, *indexes: ImageIndex) -> str:
    """Returns the name in a line of a list: the first of two columns, unless all of the line names a file."""
    whole, *first = _names_in_line(line)
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


def _stem(name: str, index: ImageIndex) -> str:
    """Returns the stem of the image that a name means; it may end as images do itself, as scan.tif of scan.tif.png."""
    base = _base_name(name)
    stem = _without_extension(base)
    return base if stem != base and index.has_stem(base) else stem


def _base_name(name: str) -> str:
    """Returns a name without folders."""
    return readable_name(name.replace("\\", "/").rpartition("/")[2])


def _without_extension(name: str) -> str:
    """Returns the name of an image or of an XML file without its extension."""
    stem, extension = os.path.splitext(name)
    return stem if extension.lower() in (*IMAGE_EXTENSIONS, ".xml") else name
