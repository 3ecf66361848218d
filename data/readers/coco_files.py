"""Reads one annotation file in COCO's format, wherever it and its images lie."""
from typing import List, Optional, Sequence

from ..raw import RawSet


def read_coco_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                   counted_folder: Optional[str] = None) -> RawSet:
    """Reads an annotation file in COCO's format.

    Args:
        annotation_file: the json file.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: there is no such file, it is not valid JSON (the message names the line), or it lacks a list.
    """
    raise NotImplementedError


def coco_class_names(annotation_files: Sequence[str]) -> List[str]:
    """Returns the names of the classes that several annotation files declare together, in the order of their ids.

    Categories that are only the parent of others and that no annotation uses are no classes.
    """
    raise NotImplementedError
