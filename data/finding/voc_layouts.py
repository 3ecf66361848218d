"""Finds sets of XML files: Pascal VOC's trees with lists in ImageSets/Main, and XML files under any folder names."""
import os
from typing import Dict, List, Optional, Sequence, Tuple

from .folder_layouts import by_folder, sets_of_folders
from .found import FoundSet
from .image_folders import image_folders_of
from .set_names import canonical_name, choose_names
from .sniffing import is_voc_xml
from .tree import Folder, Tree

_LOOKED_INTO = 3  # XML files of a folder, to tell whether they are of VOC's format


def find_voc(tree: Tree, image_root: Optional[Tree] = None) -> List[FoundSet]:
    """Returns the sets of XML files in a data set's folder; none if it holds no such files."""
    files = {path: xml for path, xml in by_folder(tree.paths(".xml")).items()
             if any(is_voc_xml(file) for file in xml[:_LOOKED_INTO])}
    bases = [folder for folder in tree.folders.values() if folder.parts[-2:] == ("ImageSets", "Main")]
    words = _words_for([os.path.dirname(os.path.dirname(folder.path)) for folder in bases], tree.root)
    sets = [one for folder, word in zip(bases, words) for one in _listed_sets(tree, folder, files, image_root, word)]
    return sets or (sets_of_folders(tree, "voc", files, image_root) if files else [])


def _words_for(bases: Sequence[str], root: str) -> List[str]:
    """Returns a word for each of several VOC trees, with which the names of its sets begin; "" for the only one.

    It is the year of a folder such as VOC2007, or its name, or where several have that, its path.
    """
    names = [os.path.basename(base) for base in bases]
    words = [name[len("VOC"):] or name if name.startswith("VOC") else name for name in names]
    return [""] if len(bases) == 1 else [word if words.count(word) == 1 else os.path.relpath(base, root)
                                         for word, base in zip(words, bases)]


def _listed_sets(tree: Tree, lists: Folder, files: Dict[str, List[str]], image_root: Optional[Tree],
                 word: str) -> List[FoundSet]:
    """Returns a set for each list of images of one VOC tree; their names begin with a word, if there is one."""
    base = os.path.dirname(os.path.dirname(lists.path))
    annotations = os.path.join(base, "Annotations")
    if not any(path == annotations or path.startswith(annotations + os.sep) for path in files):
        return []
    images: Tuple[str, ...] = (os.path.join(base, "JPEGImages"),)
    if image_root is not None or not os.path.isdir(images[0]):
        images = image_folders_of(tree, [annotations], "", None, image_root)
    stems = _lists_of_images(lists.files.get(".txt", ()))
    originals = [f"{word}_{stem}" if word else stem for stem in stems]
    # The only list of a folder, whatever it is called, lists all of it.
    names = originals if word else choose_names([(stem, canonical_name(stem)) for stem in stems])
    return [FoundSet(name, original, "voc", (annotations,), images,
                     list_file=os.path.join(lists.path, f"{stem}.txt"))
            for name, original, stem in zip(names, originals, stems)]


def _lists_of_images(names: Sequence[str]) -> List[str]:
    """Returns the names of the lists without extension; VOC's lists of one class, such as cat_train, are left out."""
    stems = [os.path.splitext(name)[0] for name in names]
    return [stem for stem in stems if stem.rpartition("_")[2] not in stems or "_" not in stem]
