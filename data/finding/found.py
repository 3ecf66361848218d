"""What the finder answers: the image sets of a data set, and the files that each is read from."""
from typing import Dict, List, NamedTuple, Optional, Tuple

from ...errors import DataError
from .set_names import CANONICAL, canonical_name


class FoundSet(NamedTuple):
    """One image set, and the files that it is read from.

    Attributes:
        name: "train", "val", "test", "all" for a set without a part, or `original`.
        original: as the folder calls it, such as "valid" or "train2017".
        layout: one of `LAYOUTS`.
        annotations: the annotation files; for layout "yolo", the folders of the label files, and for a VOC set with a
            list, the folder of the XML files.
        image_folders: where its images lie, the most likely folder first.
        annotation_root: folder of annotation files whose subfolders are those of the images; None where they mean
            nothing.
        list_file: names the images of the set; None where the annotations do.
        counted_folder: all images in this folder should belong to the set; None where nothing says so.
        parts: the sets that it joins, or out of which its list, or else the folder of its images, chooses.
        names: class names by number (YOLO); None where no file states them.
        keypoints: whether its labels have keypoints after the box (YOLO).
        subset: which images of its annotation file belong to it (CVAT); None for all.
        project: folder of the set, where several folders have sets of the same name; "" where none do.
    """

    name: str
    original: str
    layout: str
    annotations: Tuple[str, ...]
    image_folders: Tuple[str, ...]
    annotation_root: Optional[str] = None
    list_file: Optional[str] = None
    counted_folder: Optional[str] = None
    parts: Tuple["FoundSet", ...] = ()
    names: Optional[Tuple[str, ...]] = None
    keypoints: bool = False
    subset: Optional[str] = None
    project: str = ""


class FoundDataset(NamedTuple):
    """A data set and its image sets.

    Attributes:
        path: the folder or file in which they were found.
        layout: of its annotations, see `FoundSet`.
        sets: by name, train, val and test first.
        notes: what was found on the way and is good to know, one sentence each.
    """

    path: str
    layout: str
    sets: Dict[str, FoundSet]
    notes: Tuple[str, ...] = ()

    def set_named(self, name: str) -> FoundSet:
        """Returns a set by its name, by the folder's own word for it, or by another word for the same.

        Of a data set that has no val but a test, the test is taken for it.

        Raises:
            DataError: there is no such set; the message names those that there are.
        """
        if name in self.sets:
            return self.sets[name]
        for matches in ([one for one in self.sets.values() if name == one.original],
                        [one for one in self.sets.values() if name.casefold() == one.original.casefold()]):
            if len({one.project for one in matches}) == 1:
                return matches[0]
        alias = canonical_name(name)
        if alias in self.sets:
            return self.sets[alias]
        if self.lacks_val(name):
            return self.sets["test"]
        raise DataError(f"{self.path}: there is no image set {name!r}; sets there: {', '.join(self.described_sets())}"
                        + "".join(f"; {note}" for note in (*self.notes, *self._advice_on_projects()))
                        + self._advice_on(alias))

    def _advice_on(self, missing: Optional[str]) -> str:
        """Says what to do about a set that is not there."""
        if len(self.sets) == 1 and missing in ("train", "val", "test"):
            return "; `lhrcnn data split` divides it"
        return ""

    def lacks_val(self, name: str) -> bool:
        """Returns whether a name asks for the set val of a data set that has a test, but no val."""
        return canonical_name(name) == "val" and "test" in self.sets and not any(
            "val" in (own, canonical_name(one.original)) for own, one in self.sets.items())

    def described_sets(self) -> List[str]:
        """Returns the names of the sets, with the folder's own words for them where those differ."""
        return [name if one.original in ("", name, name[len(one.project) + 1:]) else f"{name} ({one.original})"
                for name, one in self.sets.items()]

    def projects(self) -> List[str]:
        """Returns the folders that have sets of the same name; empty where there are none."""
        return list(dict.fromkeys(one.project for one in self.sets.values() if one.project))

    def _advice_on_projects(self) -> List[str]:
        """Returns what can be done where several folders have sets of the same name, if so."""
        projects = self.projects()
        same = next((names for names in ([f"{project}/{part}" for project in projects] for part in CANONICAL)
                     if sum(name in self.sets for name in names) > 1), [])
        return [f"the folders {', '.join(projects)} have sets of the same name: name one of these folders as the path, "
                f"or join sets, as in {'+'.join(name for name in same if name in self.sets)}"] if same else []
