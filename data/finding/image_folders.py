"""Which folders hold the images of a set, where its annotations lie elsewhere."""
import os
import re
from typing import Any, Callable, Iterable, List, Optional, Sequence, Set, Tuple

from ..readers.coco import PARENT_IMAGE_SETS
from .found import FoundSet
from .set_names import canonical_name, canonical_of_path
from .tree import Folder, Tree, common_folder, folders_without_inner

# Folders whose pictures are no photographs, as Oxford's pets and VOC have them.
_OTHER_PICTURES = re.compile(r"mask|trimap|segment|annot|ground.?truth|^(gt|labels?|depth|visuali[sz]ations?|results?|"
                             r"predictions?)$", re.IGNORECASE)


def image_folders_of(tree: Tree, annotation_folders: Sequence[str], original: str, canonical: Optional[str],
                     image_root: Optional[Tree] = None, stems: Optional[Set[str]] = None) -> Tuple[str, ...]:
    """Chooses the folders of a set's images.

    Images beside the annotations are theirs. Otherwise a folder is looked for that is called like the set, then one
    with another word for it, then folders that are called like no set; a set that is no part has all images. Folders
    that are called like masks are left out, unless they may hold images that lie nowhere else.

    Args:
        tree: the data set's folder.
        annotation_folders: where the annotations of the set lie.
        original, canonical: the names of the set, see `FoundSet`; canonical is None where it has none.
        image_root: the images lie under this folder; None where the user named none.
        stems: of the images that have annotations; None where they are not known.

    Returns:
        The folder around those, and then the ones that are called like masks; where there is no image, the one in which
        images should be.
    """
    if image_root is None and any(folder in tree.folders and tree.folders[folder].images
                                  for folder in annotation_folders):
        return (common_folder(annotation_folders),)
    source = image_root or tree
    holders = without_masks(source.with_images())
    chosen = _chosen(holders, source.root, annotation_folders, original, canonical)
    around = common_folder(chosen) if chosen else source.root
    further = _called_like_masks(source.with_images(), holders, stems)
    others = _chosen([*holders, *further], source.root, annotation_folders, original, canonical) if further else []
    return (around, *(path for path in others if not os.path.join(path, "").startswith(os.path.join(around, ""))))


def _chosen(holders: Sequence[Folder], root: str, annotation_folders: Sequence[str], original: str,
            canonical: Optional[str]) -> List[str]:
    """Returns those of some folders with images that are the set's, see `image_folders_of`."""
    for wanted in (original, PARENT_IMAGE_SETS.get(original)):
        found = _called(holders, root, lambda part, wanted=wanted: part == wanted) if wanted else []
        if found:
            return _nearest(found, annotation_folders)
    if canonical:
        found = _called(holders, root, lambda part: canonical_name(part) == canonical)
        if found:
            return _nearest(found, annotation_folders)
        holders = [folder for folder in holders if not canonical_of_path(folder.parts)[0]]
    return _nearest([folder.path for folder in holders], annotation_folders)


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


def _called_like_masks(folders: Sequence[Folder], others: Sequence[Folder], stems: Optional[Set[str]]) -> List[Folder]:
    """Returns the folders that are not among others, but whose pictures are no masks of the images there.

    Args:
        folders: all with images.
        others: those among them that are not called like masks.
        stems: at least one of the pictures is called so; None where that is not known.
    """
    paths = {folder.path for folder in others}
    left = [folder for folder in folders if folder.path not in paths]
    known = {stem for folder in others for stem in folder.image_stems()} if left else set()
    return [folder for folder in left if not known & folder.image_stems()
            and (stems is None or stems & folder.image_stems())]


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
