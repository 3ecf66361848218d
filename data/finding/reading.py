"""Reads the image sets that were found, each with the reader of its layout."""
import contextlib
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ...errors import DataError
from ..assembling.meaning import as_class_name
from ..assembling.raw import NoBox, RawImage, RawSet
from ..files.file_names import ImageIndex
from ..files.text_lists import read_image_list, readable_name
from ..readers.bdd_files import read_bdd_file
from ..readers.coco_files import coco_class_names, read_coco_file
from ..readers.createml_files import read_createml_file
from ..readers.csv_files import read_csv_file
from ..readers.cvat_files import read_cvat_file
from ..readers.kitti_files import read_kitti_files
from ..readers.labelme_files import read_labelme_files
from ..readers.labelstudio_files import read_labelstudio_file
from ..readers.openimages_files import read_openimages_file
from ..readers.supervisely_files import read_supervisely_files
from ..readers.via_files import read_via_file
from ..readers.visdrone_files import read_visdrone_files
from ..readers.voc import images_without_entry
from ..readers.voc_files import read_voc_files, read_voc_list
from ..readers.widerface_files import read_widerface_file
from ..readers.yolo_files import read_yolo_files
from .found import FoundSet

# Readers of one file for many images, and of one file for each image.
_READ_FILE: Dict[str, Callable[..., RawSet]] = {
    "coco": read_coco_file, "via": read_via_file, "createml": read_createml_file, "labelstudio": read_labelstudio_file,
    "bdd100k": read_bdd_file, "widerface": read_widerface_file, "openimages": read_openimages_file,
    "csv": read_csv_file}
_READ_FILES: Dict[str, Callable[..., RawSet]] = {"labelme": read_labelme_files, "supervisely": read_supervisely_files,
                                               "kitti": read_kitti_files, "visdrone": read_visdrone_files}


def read_found_set(found: FoundSet, with_labels: bool = True) -> RawSet:
    """Reads an image set as its files state it.

    Args:
        found: the set.
        with_labels: False if no boxes are to be read.

    Raises:
        DataError: a file cannot be read at all.
    """
    if found.parts:
        joined = _join([read_found_set(part, with_labels) for part in found.parts])
        if found.list_file:
            return _keep_listed(joined, found.list_file)
        return _keep_in_folders(joined, found.image_folders) if not found.annotations else joined
    return _read_one(found, with_labels)


def class_names_of(sets: Sequence[FoundSet], raw_sets: Iterable[RawSet]) -> List[str]:
    """Returns the classes of some image sets of one layout together.

    Those of COCO's files are in the order of their ids, those of YOLO in the order in which they are declared, others
    in the order of the alphabet; classes that only have numbers for names are in the order of the numbers.

    Args:
        sets: the sets.
        raw_sets: the same as they were read; not looked at where the files declare the classes.
    """
    sets = [part for one in sets for part in one.parts or (one,)]
    if sets[0].layout == "coco":
        return coco_class_names(list(dict.fromkeys(file for one in sets for file in one.annotations)))
    declared = _class_names(name for one in sets for name in one.names or ())
    if declared:
        return declared
    # A class that only has points or lines is none of boxes.
    labels = {one.label for raw in raw_sets for image in raw.images for one in image.objects
              if type(one.box) is not NoBox or one.box.place is None}
    return sorted(_class_names(labels), key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))


def _class_names(stated: Iterable[Any]) -> List[str]:
    """Returns names as `assemble` and all who choose classes take them, each once, without what is no name."""
    return [name for name in dict.fromkeys(map(as_class_name, stated)) if name is not None]


def _read_one(found: FoundSet, with_labels: bool) -> RawSet:
    if found.layout == "cvat":
        file, = found.annotations
        return read_cvat_file(file, found.image_folders, with_labels, found.counted_folder, found.subset)
    if found.layout in _READ_FILE:
        read = _READ_FILE[found.layout]
        file, = found.annotations
        # COCO's test sets have a file without annotations.
        with_labels = with_labels and not os.path.basename(file).startswith("image_info_")
        return read(file, found.image_folders, with_labels, found.counted_folder)
    if found.layout in _READ_FILES:
        read = _READ_FILES[found.layout]
        return read(found.annotations, found.image_folders, with_labels, found.counted_folder)
    if found.layout == "yolo":
        return read_yolo_files(found.image_folders, found.annotations, found.names, found.list_file, with_labels,
                               found.keypoints)
    if found.list_file:
        return _read_listed_voc_set(found, with_labels)
    return read_voc_files(found.annotations, found.image_folders, found.annotation_root, with_labels,
                          found.counted_folder)


def _read_listed_voc_set(found: FoundSet, with_labels: bool) -> RawSet:
    raw = read_voc_list(found.list_file, found.annotations[0], found.image_folders, with_labels)
    if not with_labels:
        return raw
    return raw._replace(faults=images_without_entry(found.image_folders[0], found.annotations[0],
                                                    os.path.dirname(found.list_file)))


def _join(raw_sets: Sequence[RawSet]) -> RawSet:
    """Joins sets of one layout; the names of their images become paths, since each set has its own folders."""
    if len(raw_sets) == 1:
        return raw_sets[0]
    ids: Dict = {}
    for raw in raw_sets:
        for name, one in raw.category_ids.items():
            ids.setdefault(name, one)
    return RawSet(images=[image for raw in raw_sets for image in _with_paths(raw)],
                  box_format=raw_sets[0].box_format,
                  image_folders=tuple(dict.fromkeys(folder for raw in raw_sets for folder in raw.image_folders)),
                  faults=[fault for raw in raw_sets for fault in raw.faults],
                  category_ids=ids,
                  notes=tuple(note for raw in raw_sets for note in raw.notes))


def _with_paths(raw: RawSet) -> Iterator[RawImage]:
    """Yields the images of a set; the names of those whose files are there are their paths."""
    index = ImageIndex(raw.image_folders)
    for image in raw.images:
        path = _find(index, image.name) or (_find(index, image.other_name) if image.other_name else None)
        yield image._replace(name=path, other_name=None) if path else image


def _find(index: ImageIndex, name: str) -> Optional[str]:
    with contextlib.suppress(DataError):
        return index.find(name)
    return None


def _keep_listed(raw: RawSet, list_file: str) -> RawSet:
    """Returns a set of the images that a list names, in the order of the list."""
    images: Dict[str, List[RawImage]] = {}
    for image in _with_paths(raw):
        entries = images.setdefault(os.path.abspath(image.name), [])
        # Two sets that are joined may have one image from one annotation file, such as VOC's train and trainval.
        if all(image.where != other.where for other in entries):
            entries.append(image)
    index = ImageIndex((os.path.dirname(list_file), *raw.image_folders))
    chosen: List[RawImage] = []
    for number, line in read_image_list(list_file):
        chosen += _images_of_line(f"{list_file}, line {number}: {readable_name(line)}", line, index, images)
    return _part_of(raw, chosen)


def _keep_in_folders(raw: RawSet, folders: Sequence[str]) -> RawSet:
    """Returns a set of the images that lie in some folders."""
    inside = tuple(os.path.join(os.path.abspath(folder), "") for folder in folders)
    images = [image for image in _with_paths(raw) if os.path.abspath(image.name).startswith(inside)]
    return _part_of(raw, images)


def _part_of(raw: RawSet, images: List[RawImage]) -> RawSet:
    """Returns a set of some of the images of another; what is wrong with no image is wrong with each part."""
    # That an image is not among the annotations says nothing of a part.
    faults = [fault for fault in raw.faults if fault[0] != "image_without_entry"]
    return raw._replace(images=images, faults=faults, counted_folder=None)


def _images_of_line(where: str, line: str, index: ImageIndex, images: Dict[str, List[RawImage]]) -> List[RawImage]:
    stem = os.path.splitext(os.path.basename(line.replace("\\", "/")))[0]
    fault: Tuple[str, str]
    try:
        path = index.find(line)
    except DataError as error:
        fault = (error.kind, f"{where}: {error}")
    else:
        if os.path.abspath(path) in images:
            return images[os.path.abspath(path)]
        fault = ("image_without_entry", f"{where}: the image {path} has no annotations")
    return [RawImage(where, stem, line, None, None, [], fault)]
