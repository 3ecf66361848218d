"""Reads annotation files in Pascal VOC's format (XML), wherever they and their images lie."""
from typing import List, Optional, Sequence

from ..raw import RawSet


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
    raise NotImplementedError


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
    raise NotImplementedError


def voc_class_names(xml_files: Sequence[str]) -> List[str]:
    """Returns the names of the classes in several XML files: VOC's twenty if all are among them, else sorted."""
    raise NotImplementedError
