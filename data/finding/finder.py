"""Finds out what a folder or file is that holds annotated images, and which image sets it has."""
import os
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Union

from ...errors import DataError
from ..files.packed_folders import is_half_packed, is_packed
from .choosing import LIST_FOLDERS, SPLITS_FOLDER, chosen_by_list, lists_of_images, sets_of_image_folders, sets_of_lists
from .file_layouts import sets_of_files
from .folder_layouts import by_folder, sets_of_folders
from .found import FoundDataset, FoundSet
from .layouts import FILE_LAYOUTS, IMAGE_LAYOUTS, LAYOUTS, OF_PUBLIC_SETS, TEXT_LAYOUTS
from .messages import file_not_read, nothing_found
from .packed import find_packed
from .set_names import in_order
from .sniffing import csv_kind, is_cvat_xml, json_kind, text_kind
from .text_layouts import find_text_files, with_images_beside
from .tree import ARCHIVES, Tree, walk
from .voc_layouts import find_voc
from .yolo_layouts import find_yolo, read_data_yaml, sets_of_data_yaml

_LOOKED_INTO = 3  # XML files of a folder, to tell whether they are CVAT's

Path = Union[str, os.PathLike]


def find_sets(path: Path, image_root: Optional[Path] = None, layout: Optional[str] = None,
              use_splits: bool = True) -> FoundDataset:
    """Finds out what a folder is and which image sets it has; nothing of it needs a certain name.

    Found are COCO's layout and what Roboflow, CVAT and other tools make of it, Pascal VOC's and XML files beside or
    apart from the images, YOLO's with or without a data.yaml, and what the tools write that `LAYOUTS` names. The sets
    are told by folders called train, val or test (or by another word for those), by the names of annotation files, by
    subsets, or by lists; a folder `splits` with lists decides over all else. A data set without parts is one set,
    "all". Where several folders have sets of the same name, the names begin with their folder, as in "birds/train".

    Args:
        path: the folder, or a single file: a data.yaml, or an annotation file.
        image_root: the folder of the images, where they do not lie with the annotations.
        layout: one of `LAYOUTS`, where a folder has annotations in several; None for whichever is there.
        use_splits: False passes over the lists in the folder `splits`.

    Raises:
        DataError: there is nothing at the path, no annotations that are known, or annotations in several layouts; the
            message says what was found and what was looked for.

    Example::

        for name, found in find_sets("My Project.v1i.coco").sets.items():
            print(name, found.layout, found.annotations)
    """
    path = os.path.abspath(os.fspath(path))
    if is_packed(path):
        return find_packed(path)
    images = walk(_existing_folder(image_root)) if image_root is not None else None
    if os.path.isfile(path):
        return _find_in_file(path, images, layout)
    if is_half_packed(path):
        raise DataError(f"{path}: the packing of this data set was interrupted; the same `lhrcnn data pack` as before "
                        "goes on with it")
    tree = walk(_existing_folder(path))
    notes: List[str] = []
    by_layout = _find_layouts(tree, images, notes, layout)
    if not by_layout:
        raise DataError(nothing_found(tree, layout))
    if len(by_layout) > 1:
        found = "; ".join(f"{name}: {_location(tree, sets)}" for name, sets in by_layout.items())
        raise DataError(f"{path}: it holds annotations in {len(by_layout)} layouts ({found}); say which one to read: "
                        f"--layout {next(iter(by_layout))} for lhrcnn data, dataset.dataset={next(iter(by_layout))} "
                        "in a configuration; or name a folder or file in it that has one")
    (name, sets), = by_layout.items()
    return FoundDataset(path, name, _named(tree, images, sets, use_splits), tuple(notes))


def find_annotations(annotations: Path, name: str, path: Optional[Path] = None, image_root: Optional[Path] = None,
                     layout: Optional[str] = None) -> FoundSet:
    """Returns the image set that an annotation file, a list of images or a folder makes.

    Args:
        annotations: the file or folder, absolute, or relative to `path` or to the working folder; a list (.txt)
            chooses out of all images of the data set at `path`.
        name: of the set; of a folder with several sets, the one of this name.
        path: folder of the data set.
        image_root, layout: see `find_sets`.

    Raises:
        DataError: see `find_sets`.
    """
    annotations = os.fspath(annotations)
    candidates = [os.path.join(os.fspath(path), annotations)] if path is not None else []
    file = next((one for one in [*candidates, annotations] if os.path.exists(one)), None)
    if file is None:
        raise DataError(f"{candidates[0] if candidates else annotations}: there is no such file or folder (it was "
                        f"named for the image set {name!r})")
    if os.path.isfile(file) and file.lower().endswith(".txt") and text_kind(file) is None:
        everything = find_sets(path if path is not None else os.path.dirname(os.path.abspath(file)), image_root, layout,
                               use_splits=False)
        return chosen_by_list(os.path.abspath(file), name, name, _disjoint(everything.sets))
    found = find_sets(file, image_root, layout)
    only = list(found.sets.values())
    return (only[0] if len(only) == 1 else found.set_named(name))._replace(name=name)


def _existing_folder(path: Path) -> str:
    path = os.path.abspath(os.fspath(path))
    if not os.path.exists(path):
        raise DataError(f"{path}: there is no such file or folder")
    if not os.path.isdir(path):
        raise DataError(f"{path}: it is no folder")
    return path


def _find_layouts(tree: Tree, images: Optional[Tree], notes: List[str],
                  wanted: Optional[str]) -> Dict[str, List[FoundSet]]:
    """Returns the sets of each layout of which the folder has annotations."""
    files: Dict[str, List[str]] = {"cvat": _cvat_files(tree), **find_text_files(tree, images)}
    for file in tree.paths(".json"):
        files.setdefault(json_kind(file) or "", []).append(file)
    for file in tree.paths(".csv"):
        files.setdefault(csv_kind(file) or "", []).append(file)
    found: Dict[str, List[FoundSet]] = {}
    yolo_error: Optional[DataError] = None
    for layout in LAYOUTS:
        if wanted not in (None, layout):
            continue
        if layout in FILE_LAYOUTS or layout in IMAGE_LAYOUTS:
            sets = _sets_of(tree, layout, files.get(layout, ()), images)
        elif layout == "voc":
            sets = find_voc(tree, images)
        else:
            try:
                sets, yolo_notes = find_yolo(tree, images)
            except DataError as error:  # of a YAML file, which may belong to something else
                sets, yolo_notes, yolo_error = [], [], error
            notes += yolo_notes
        if sets:
            found[layout] = sets
    if yolo_error is not None:
        if not found:
            raise yolo_error
        notes.append(f"not read as YOLO's: {yolo_error}")
    # A table beside other annotations was made from them, or is something else. Of a public data set, the others were
    # made for a program that did not read its own.
    for weaker in (("csv",), OF_PUBLIC_SETS):
        if set(found) - set(weaker):
            for layout in [one for one in weaker if one in found]:
                del found[layout]
                notes.append(f"{files[layout][0]} is not read, though it may hold boxes; the layout {layout} reads it")
    return found


def _sets_of(tree: Tree, layout: str, files: Sequence[str], images: Optional[Tree]) -> List[FoundSet]:
    """Returns the sets of annotation files that are known to be of one layout."""
    if layout in FILE_LAYOUTS:
        return sets_of_files(tree, layout, files, images)
    sets = sets_of_folders(tree, layout, by_folder(files), images)
    return [with_images_beside(one, tree) for one in sets] if layout in TEXT_LAYOUTS and images is None else sets


def _cvat_files(tree: Tree) -> List[str]:
    """Returns CVAT's own XML files; of a folder with many others, only the first ones are looked into."""
    return [file for xml in by_folder(tree.paths(".xml")).values()
            if any(map(is_cvat_xml, xml[:_LOOKED_INTO])) for file in xml if is_cvat_xml(file)]


def _named(tree: Tree, images: Optional[Tree], sets: Sequence[FoundSet], use_splits: bool) -> Dict[str, FoundSet]:
    """Returns the sets by name, with those that lists, or folders of images, choose out of them."""
    named = {one.name: one for one in sets}
    if len(sets) == 1 and sets[0].layout == "kitti" and any(_lists_around(tree, images, sets[0])):
        named = {"all": sets[0]._replace(name="all")}  # KITTI's folder `training` has its lists train and val
    folder = os.path.join(tree.root, SPLITS_FOLDER)
    splits = lists_of_images(tree, folder, images, any_name=True) if use_splits else []
    if splits:
        named = sets_of_lists(splits, _disjoint(named))
    elif list(named) == ["all"]:
        lists = next(filter(None, _lists_around(tree, images, named["all"])), [])
        named = {**(sets_of_lists(lists, sets) or sets_of_image_folders(images or tree, sets)), **named}
    return {name: named[name] for name in in_order(named)}


def _lists_around(tree: Tree, images: Optional[Tree], one: FoundSet) -> Iterator[List[str]]:
    """Yields the lists of images in each folder in which they may lie."""
    around = dict.fromkeys((tree.root, *(os.path.dirname(folder) for folder in _places(one))))
    for inner in LIST_FOLDERS:
        for place in around:
            lists = lists_of_images(tree, os.path.join(place, *inner), images)
            # KITTI's list test is of the images in `testing`, which have no labels, and the names of others.
            yield [file for file in lists if one.layout != "kitti" or os.path.basename(file) != "test.txt"]


def _places(one: FoundSet) -> Sequence[str]:
    return (one.annotation_root or one.annotations[0], *one.image_folders)


def _disjoint(sets: Mapping[str, FoundSet]) -> List[FoundSet]:
    """Returns sets that have all images together: "all" alone where it is there, and no lists of one VOC tree twice."""
    if "all" in sets:
        return [sets["all"]]
    return list(sets.values())


def _find_in_file(file: str, images: Optional[Tree], layout: Optional[str]) -> FoundDataset:
    """Finds the sets of a single file."""
    extension = os.path.splitext(file)[1].lower()
    if extension in (".yaml", ".yml"):
        content = read_data_yaml(file)
        sets, notes = sets_of_data_yaml(content) if content else ([], [])
        if sets:
            named = {one.name: one for one in sets}
            return FoundDataset(file, "yolo", {name: named[name] for name in in_order(named)}, tuple(notes))
        raise DataError(f"{file}: it describes no YOLO data set, it has no train, val or test that is there"
                        + "".join(f"; {note}" for note in notes))
    if extension in ARCHIVES:
        raise DataError(f"{file}: it is an archive; unpack it, and name the folder")
    tell = {".json": json_kind, ".csv": csv_kind, ".xml": _xml_kind, ".txt": text_kind}.get(extension)
    kind = tell(file) if tell else None
    folder = os.path.dirname(file)
    if kind is None or layout not in (None, kind):
        raise DataError(file_not_read(file, layout))
    tree = walk(folder)
    if not tree.with_images() and images is None:
        tree = walk(os.path.dirname(folder))  # as in annotations/instances_val2017.json
    return FoundDataset(file, kind, {one.name: one for one in _sets_of(tree, kind, [file], images)})


def _xml_kind(file: str) -> Optional[str]:
    return "cvat" if is_cvat_xml(file) else None


def _location(tree: Tree, sets: Sequence[FoundSet]) -> str:
    """Names an example of the annotations of some sets, relative to the data set's folder."""
    one = sets[0]
    file = one.annotations[0] if one.annotations else one.list_file or ""
    return os.path.relpath(file, tree.root)
