"""Finds sets whose annotations lie in one file for many images, such as COCO's, CVAT's own, and tables of boxes."""
import os
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ...errors import DataError
from ..readers.cvat_files import cvat_subsets
from ..readers.via_files import read_via_file
from .found import FoundSet
from .image_folders import image_folders_of, with_counted_folders
from .projects import places_of, projects_of
from .set_names import canonical_name, canonical_of_path, choose_names
from .tree import Tree

_OFFICIAL = re.compile(r"(instances|image_info)_(.+)\.json$")
# What annotation files are called that are not named after a set.
_NO_NAMES = re.compile(r"_?annotations?(\.coco|_coco|\.createml|_createml)?|instances_default|instances|labels?|coco|"
                       r"data|result|default|"
                       r"via_region_data|via_project.*|via_export.*|dataset|bbox|boxes|_annotations|"
                       r"project-\d+-at-[\da-f-]+", re.IGNORECASE)


def sets_of_files(tree: Tree, layout: str, files: Sequence[str], image_root: Optional[Tree] = None) -> List[FoundSet]:
    """Returns one set for each annotation file, and for each subset of a file that has several.

    Args:
        tree: the data set's folder.
        layout: of the files, one of `FILE_LAYOUTS`.
        files: the annotation files.
        image_root: see `image_folders_of`.
    """
    without = {"coco": _without_other_tasks, "via": _without_copies, "openimages": _without_whole_tables}
    files = without.get(layout, list)(files)
    parts = [_Part(file, subset, *_names_of(tree, file, subset))
             for file in files for subset in (_subsets_of(file) if layout == "cvat" else (None,))]
    if sum(not part.original for part in parts) > 1:
        parts = [part if part.original else part._replace(original=os.path.relpath(part.file, tree.root))
                 for part in parts]
    projects = projects_of(_places(tree, parts), [part.canonical for part in parts])
    names = choose_names([(part.original, part.canonical) for part in parts], projects)
    sets = []
    for part, name, project in zip(parts, names, projects):
        folders = image_folders_of(tree, [os.path.dirname(part.file)], part.original, part.canonical, image_root)
        sets.append(FoundSet(name, part.original, layout, (part.file,), folders, subset=part.subset, project=project))
    return with_counted_folders(sets)


class _Part(NamedTuple):
    """A file or a subset of it.

    Attributes:
        file: the annotation file.
        subset: see `FoundSet`.
        original: the folder's own word for the set, empty where there is none.
        canonical: the canonical name or None.
        place: the folders on the way to the one around the set.
    """

    file: str
    subset: Optional[str]
    original: str
    canonical: Optional[str]
    place: Sequence[str]


def _places(tree: Tree, parts: Sequence[_Part]) -> List[str]:
    """Returns the folder around each set: the one that also holds its images, if that tells the sets apart."""
    near, around = ["/".join(part.place) for part in parts], places_of(tree, [part.place for part in parts])
    return around if len(set(around)) == len(set(near)) else near


def _subsets_of(file: str) -> Sequence[Optional[str]]:
    """Returns the subsets that are sets of their own; (None,) for a file that makes one set."""
    subsets = cvat_subsets(file)
    return subsets if len(subsets) > 1 or any(map(canonical_name, subsets)) else (None,)


def _without_copies(files: Sequence[str]) -> List[str]:
    """Returns VIA's files without those that say the same as another in their folder: a project and what it exported.
    """
    contents: Dict[Tuple[str, str], str] = {}
    # A file of JSON is preferred, and one with the usual name.
    for file in sorted(files, key=lambda file: (file.lower().endswith(".csv"), "via_region_data" not in file, file)):
        try:
            images = read_via_file(file, ()).images
        except DataError as error:
            content = f"{file}: {error}"
        else:
            content = repr(sorted(repr((image.name, [(one.label, one.box) for one in image.objects]))
                                  for image in images))
        contents.setdefault((os.path.dirname(file), content), file)
    return [file for file in files if file in contents.values()]


def _without_other_tasks(files: Sequence[str]) -> List[str]:
    """Returns COCO's files of boxes: where a folder has `instances_...`, those, and `image_info_...` of other sets."""
    chosen = []
    for file in files:
        folder, name = os.path.split(file)
        others = [os.path.basename(other) for other in files if os.path.dirname(other) == folder]
        official = _OFFICIAL.match(name)
        if any(other.startswith("instances_") for other in others):
            if not official or official[1] == "image_info" and f"instances_{official[2]}.json" in others:
                continue
        chosen.append(file)
    return chosen


def _without_whole_tables(files: Sequence[str]) -> List[str]:
    """Returns tables of Open Images without those beside which there is one of a part of it, such as sub-train-..."""
    return [file for file in files if os.path.join(os.path.dirname(file), f"sub-{os.path.basename(file)}") not in files]


def _names_of(tree: Tree, file: str, subset: Optional[str]) -> Tuple[str, Optional[str], List[str]]:
    """Returns `original`, `canonical` and `place` of a part."""
    folder = os.path.relpath(os.path.dirname(file), tree.root)
    parts = [] if folder == os.curdir else folder.split(os.sep)
    if subset is not None:
        return subset or "default", canonical_name(subset), parts
    stem = os.path.splitext(os.path.basename(file))[0]
    official = _OFFICIAL.match(os.path.basename(file))
    if official:
        stem = official[2]
    canonical = canonical_name(stem)
    if canonical:
        return stem, canonical, parts
    canonical, position = canonical_of_path(parts)
    if canonical:
        return parts[position], canonical, parts[:position]
    return "" if _NO_NAMES.fullmatch(stem) else stem, None, parts
