"""Finds sets of YOLO's label files, as data.yaml names them, or by where label files lie."""
import os
from pathlib import PurePath
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import yaml

from ...errors import DataError
from ..files.file_names import files_under
from ..files.text_lists import read_names, read_text
from ..files.yaml_text import parse_yaml
from ..readers.yolo_files import LABEL_EXTENSION, is_label_file
from ..readers.yolo_keypoints import state_keypoints
from .folder_layouts import by_folder, sets_of_folders
from .found import FoundSet
from .image_folders import image_folders_of
from .set_names import canonical_name
from .text_layouts import files_that_may_be_labels, first_with_content
from .tree import Tree

_FILES_OF_NAMES = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt", "predefined_classes.txt", "class.names",
                   "classes.names")
# Every number below the largest one is a class, too.
_DIGITS_OF_CLASS = 5
_SET_KEYS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class DataYaml(NamedTuple):
    """What a data.yaml states.

    Attributes:
        file: its path.
        names: class names by number; None where it states none.
        sets: the paths of each set, as they are written, by the key in the file.
        path: the folder that those are relative to, as it is written; empty where there is none.
        keypoints: whether its labels have keypoints.
    """

    file: str
    names: Optional[Tuple[str, ...]]
    sets: Dict[str, Tuple[str, ...]]
    path: str
    keypoints: bool


def read_data_yaml(file: str) -> Optional[DataYaml]:
    """Reads a data.yaml; None for a YAML file of another kind.

    Raises:
        DataError: `names` is neither a list nor a table from numbers to names.
    """
    try:
        # The base loader leaves words as they are: a class may be called no or 9.
        content = parse_yaml(read_text(file), yaml.BaseLoader)
    except (yaml.YAMLError, DataError):
        return None
    if not isinstance(content, dict) or not ({"names", "nc"} & set(content)):
        return None
    sets = {key: tuple(value if isinstance(value, list) else [value]) for key, value in content.items()
            if key in _SET_KEYS and value and isinstance(value, (str, list))}
    names = _class_names(file, content["names"]) if content.get("names") else None
    if not sets and names is None:
        return None
    path = content.get("path")
    return DataYaml(file, names, sets, path if isinstance(path, str) else "", "kpt_shape" in content)


def find_yolo(tree: Tree, image_root: Optional[Tree] = None) -> Tuple[List[FoundSet], List[str]]:
    """Returns the sets of label files in a data set's folder, none if it holds no such files, and notes."""
    described = [content for content in map(read_data_yaml, tree.paths(".yaml", ".yml")) if content]
    if len(described) > 1:
        # A project may keep other files of its settings beside; that which names sets describes the data.
        described = [content for content in described if content.sets] or described
    if len(described) > 1:
        raise DataError(f"{tree.root}: {len(described)} files describe it: "
                        + ", ".join(content.file for content in described) + "; name one of them as the path")
    if described:
        sets, notes = sets_of_data_yaml(described[0])
        if sets:
            return sets if image_root is None else [_with_images_in(image_root, one) for one in sets], notes
    files = {path: labels for path, text in by_folder(tree.paths(".txt")).items()
             for labels in [files_that_may_be_labels(text)]
             if _are_labels(path, labels)}
    if not files:
        return [], []
    sets = sets_of_folders(tree, "yolo", files, image_root, by_images=True)
    named = [described[0].names if described and not one.project else _names_of(tree, one, list(files))
             for one in sets]
    keypoints = described[0].keypoints if described else state_keypoints(
        [file for labels in files.values() for file in first_with_content(labels)])
    sets = [_of_labels(one, names, keypoints, image_root is None) for one, names in zip(sets, named)]
    nameless = sets and all(one.names is None for one in sets)
    return sets, ["no file names the classes, so that they are called by their numbers: classes.txt names one a line"
                  ] if nameless else []


def sets_of_data_yaml(content: DataYaml) -> Tuple[List[FoundSet], List[str]]:
    """Returns the sets that a data.yaml names, and a note on each that it names but that is not there."""
    sets, notes = [], []
    for key, values in content.sets.items():
        paths = [_resolve(content, key, value) for value in values]
        missing = [value for value, path in zip(values, paths) if path is None]
        if missing:
            notes.append(f"{content.file} names {missing[0]!r} for {key}, which is not there")
            continue
        found = [_set_at(path, key, content) for path in paths if path]
        sets.append(found[0] if len(found) == 1 else found[0]._replace(parts=tuple(found)))
    return sets, notes


def names_beside(tree: Tree, folders: Sequence[str]) -> Optional[Tuple[str, ...]]:
    """Returns the class names of labels from a file beside them, or in the nearest folder around them.

    Args:
        tree: the data set's folder.
        folders: those of the labels.

    Returns:
        The names by number; of files of which one begins as the other does, those of the longer one. None where there
        is no such file.

    Raises:
        DataError: files that belong to different folders give one number different names.
    """
    found: Dict[Tuple[str, ...], str] = {}
    for file in dict.fromkeys(filter(None, (_file_of_names(tree, folder) for folder in folders))):
        found.setdefault(tuple(read_names(file)), file)
    longest = max(found, key=len, default=None)
    for names, file in found.items():
        if names != longest[:len(names)]:
            raise DataError(f"{file} and {found[longest]} give classes of the same number different names, and labels "
                            "of both folders are in one set: read the folders one by one, or number the classes of "
                            "both alike")
    return longest


def _file_of_names(tree: Tree, folder: str) -> Optional[str]:
    """Returns the file of class names in a folder, or else in the nearest one around it; None if there is none."""
    for place in (folder, *map(str, PurePath(folder).parents)):
        candidates = [os.path.join(place, name) for name in _FILES_OF_NAMES]
        candidates += tree.folders[place].paths(".names") if place in tree.folders else []
        file = next(filter(os.path.isfile, candidates), None)
        if file is not None or place == tree.root:
            return file
    return None


def _names_of(tree: Tree, one: FoundSet, all_folders: Sequence[str]) -> Optional[Tuple[str, ...]]:
    """Returns the class names of a set of label files: its own, or those of the others where it has none."""
    own = sorted({os.path.dirname(file) for file in one.annotations})
    if not one.project:
        return names_beside(tree, own) or names_beside(tree, all_folders)
    folder = os.path.normpath(os.path.join(tree.root, one.project))
    yaml_files = tree.folders[folder].paths(".yaml", ".yml") if folder in tree.folders else []
    stated = [content.names for content in map(read_data_yaml, yaml_files) if content and content.names]
    return stated[0] if stated else names_beside(tree._replace(root=folder), own)


def _with_images_in(image_root: Tree, one: FoundSet) -> FoundSet:
    """Returns a set of a data.yaml with the images of the folder that a user named, in the place of its own."""
    stems = {os.path.splitext(os.path.basename(file))[0] for folder in one.annotations
             for file in files_under(folder, LABEL_EXTENSION)}
    images = (image_root.root,) if one.list_file else image_folders_of(image_root, one.image_folders, one.original,
                                                                       one.name, image_root, stems)
    return one._replace(image_folders=images, parts=tuple(_with_images_in(image_root, part) for part in one.parts))


def label_folder_of(images: str) -> str:
    """Returns the folder of the labels of the images in a folder: `labels` in the place of `images`, or the same."""
    return _other_folder(images, "images", "labels") or images


def image_folder_of(labels: str) -> Optional[str]:
    """Returns the folder of the images of the labels in a folder: `images` in the place of `labels`, if it is there."""
    return _other_folder(labels, "labels", "images")


def _other_folder(path: str, name: str, other: str) -> Optional[str]:
    """Returns a folder's path with another name in the place of the last folder of one name, if there is such."""
    head, _, tail = f"{path}{os.sep}".rpartition(f"{os.sep}{name}{os.sep}")
    found = os.path.join(head, other, tail).rstrip(os.sep) if head else ""
    return found if os.path.isdir(found) else None


def _class_names(file: str, stated: Any) -> Tuple[str, ...]:
    if isinstance(stated, list) and all(isinstance(name, str) for name in stated):
        return tuple(stated)
    if isinstance(stated, dict) and all(isinstance(key, str) and key.isdecimal() and isinstance(name, str)
                                        for key, name in stated.items()):
        longest = max(stated, key=len)
        if len(longest) > _DIGITS_OF_CLASS:
            raise DataError(f'{file}: "names" has a class of the number {longest[:20]}; numbers up to '
                            f"{10 ** _DIGITS_OF_CLASS - 1} are read")
        by_number = {int(key): name for key, name in stated.items()}
        return tuple(by_number.get(number, str(number)) for number in range(max(by_number) + 1))
    raise DataError(f'{file}: "names" must be a list of names, or a table from numbers to names')


def _resolve(content: DataYaml, key: str, stated: Any) -> Optional[str]:
    """Returns the folder or file that a path in a data.yaml means for a set, or None if there is no such.

    Roboflow writes `../train/images` where `train/images` is right, and files keep the paths of other machines.
    """
    if not isinstance(stated, str):
        return None
    folder = os.path.dirname(os.path.abspath(content.file))
    stated = stated.replace("\\", "/")
    parts = [part for part in stated.split("/") if part not in ("", ".", "..")]
    candidates = [os.path.join(folder, content.path, stated), os.path.join(folder, stated)]
    # Ultralytics' files stand beside the folder that they describe: path: ../datasets/coco128.
    above = [part for part in content.path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    candidates += [os.path.join(folder, *above[start:], stated) for start in range(len(above))]
    # What is left when the folders in front are taken away one by one, but not the one that is named after the set.
    own = [position for position, part in enumerate(parts) if canonical_name(part) == _SET_KEYS[key]]
    candidates += [os.path.join(folder, *parts[start:]) for start in range(own[-1] + 1 if own else len(parts))]
    return next((os.path.normpath(path) for path in candidates if os.path.exists(path)), None)


def _set_at(path: str, key: str, content: DataYaml) -> FoundSet:
    """Returns the set in a folder of images, or that a list names."""
    name = _SET_KEYS[key]
    if os.path.isfile(path):
        folders: Tuple[str, ...] = (os.path.dirname(os.path.abspath(content.file)),)
        labels: Tuple[str, ...] = ()
    else:
        inner = os.path.join(path, "images")
        path = inner if os.path.isdir(inner) and os.path.isdir(os.path.join(path, "labels")) else path
        folders, labels = (path,), (label_folder_of(path),)
    return FoundSet(name, key, "yolo", labels, folders, list_file=path if os.path.isfile(path) else None,
                    names=content.names, keypoints=content.keypoints)


def _are_labels(folder: str, files: Sequence[str]) -> bool:
    filled = first_with_content(files)
    if files and not filled:
        return os.path.basename(folder) == "labels"
    return bool(filled) and sum(map(is_label_file, filled)) * 2 >= len(filled)


def _of_labels(one: FoundSet, names: Optional[Tuple[str, ...]], keypoints: bool, beside: bool) -> FoundSet:
    """Returns a set of label files as the reader takes it: by the outermost folder of its labels.

    Args:
        one: the set.
        names, keypoints: see `FoundSet`.
        beside: whether images that do not lie with their labels lie in `images` where those lie in `labels`, if there
            is such a folder and the set is named after one: of all folders of that name, it is the right one.
    """
    apart = beside and one.original and one.annotation_root not in one.image_folders
    images = image_folder_of(one.annotation_root) if apart else None
    return one._replace(annotations=(one.annotation_root,), counted_folder=None, names=names, keypoints=keypoints,
                        image_folders=(images,) if images else one.image_folders,
                        parts=tuple(_of_labels(part, names, keypoints, beside) for part in one.parts))
