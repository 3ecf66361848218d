"""Which folders hold the images of a set, where its annotations lie elsewhere."""
import os
import re
from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple

from ..readers.coco import PARENT_IMAGE_SETS
from .found import FoundSet
from .set_names import canonical_name, canonical_of_path
from .tree import Folder, Tree, common_folder, folders_without_inner

# Folders whose pictures are no photographs, as Oxford's pets and VOC have them.
_OTHER_PICTURES = re.compile(r"mask|trimap|segment|annot|ground.?truth|^(gt|labels?|depth|visuali[sz]ations?|results?|"
                             r"predictions?)$", re.IGNORECASE)


def image_folders_of(tree: Tree, annotation_folders: Sequence[str], original: str, canonical: Optional[str],
                     image_root: Optional[Tree] = None) -> Tuple[str, ...]:
    """Chooses the folders of a set's images.

    Images beside the annotations are theirs. Otherwise a folder is looked for that is called like the set, then one
    with another word for it, then folders that are called like no set; a set that is no part has all images.

    Args:
        tree: the data set's folder.
        annotation_folders: where the annotations of the set lie.
        original, canonical: the names of the set, see `FoundSet`; canonical is None where it has none.
        image_root: the images lie under this folder; None where the user named none.

    Returns:
        The folder around those; where there is no image, the one in which images should be.
    """
    if image_root is None and any(folder in tree.folders and tree.folders[folder].images
                                  for folder in annotation_folders):
        return (common_folder(annotation_folders),)
    source = image_root or tree
    holders = without_masks(source.with_images())
    for wanted in (original, PARENT_IMAGE_SETS.get(original)):
        found = _called(holders, source.root, lambda part, wanted=wanted: part == wanted) if wanted else []
        if found:
            return (common_folder(_nearest(found, annotation_folders)),)
    if canonical:
        found = _called(holders, source.root, lambda part: canonical_name(part) == canonical)
        if found:
            return (common_folder(_nearest(found, annotation_folders)),)
        holders = [folder for folder in holders if not canonical_of_path(folder.parts)[0]]
    nearest = _nearest([folder.path for folder in holders], annotation_folders)
    return (common_folder(nearest),) if nearest else (source.root,)


def with_counted_folders(sets: Sequence[FoundSet]) -> List[FoundSet]:
    """Adds to each set the folder whose images should all belong to it: one that it shares with no other set."""
    return [one if one.original in PARENT_IMAGE_SETS or any(
        other is not one and _overlap(one.image_folders[0], other.image_folders[0]) for other in sets)
        else one._replace(counted_folder=one.image_folders[0]) for one in sets]


def _overlap(first: str, second: str) -> bool:
    return os.path.commonpath([first, second]) in (first, second)


def without_masks(holders: List[Folder]) -> List[Folder]:
    """Returns the folders with images but those called like masks or annotations, unless there are no others."""
    return [folder for folder in holders
            if not any(_OTHER_PICTURES.search(part) for part in folder.parts)] or holders


def _called(holders: Iterable[Folder], root: str, fits: Callable[[str], Any]) -> List[str]:
    """Returns the outermost folders on the way to images whose names fit."""
    found: List[str] = []
    for folder in holders:
        position = next((i for i, part in enumerate(folder.parts) if fits(part)), None)
        if position is not None:
            found.append(os.path.join(root, *folder.parts[:position + 1]))
    return list(folders_without_inner(found))


def _nearest(paths: List[str], annotation_folders: Sequence[str]) -> List[str]:
    """Returns the folders that share the most outer folders with the annotations."""
    if not paths:
        return []
    around = common_folder(annotation_folders)
    shared = [len(os.path.commonpath([os.path.abspath(around), os.path.abspath(path)]).split(os.sep)) for path in paths]
    return [path for path, length in zip(paths, shared) if length == max(shared)]
