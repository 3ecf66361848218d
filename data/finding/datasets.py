"""Data sets whose files are found, not named: "auto", and the layouts by name under any folder names."""
import contextlib
import inspect
import os
from functools import partial
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from ...errors import DataError, UsageError
from ..assembling.meaning import shown
from ..assembling.raw import RawSet
from ..dataset import Dataset
from ..packing.manifest import Manifest, read_manifest
from ..packing.reading import read_packed_set
from ..readers.coco import CocoDataset
from ..readers.openimages_files import files_of_class_names
from ..readers.voc import VocDataset
from ..record import Record
from ..registry import register_dataset
from .choosing import SPLITS_FOLDER
from .finder import find_annotations, find_sets
from .found import FoundDataset, FoundSet
from .layouts import IMAGE_LAYOUTS, LAYOUTS, PACKED
from .reading import class_names_of, read_found_set
from .tree import folders_without_inner

Path = Union[str, os.PathLike]
_FINDING = {"image_root", "annotations"}  # options that only the finder takes


@register_dataset("auto")
class AutoDataset(Dataset):
    """Reader of whatever `find_sets` finds in a folder or file.

    The sets are called train, val, test, or all; their names in the folder, such as "valid" or "train2017", are
    understood, too. The classes are those of all sets.

    Args:
        path, image_set, classes, on_error, with_labels: see `load_dataset`; the path may be that of a single file.
        image_root: the folder of the images, where they do not lie with the annotations; absolute, or relative to
            `path` or to the working folder.
        annotations: by name of a set, the annotation file, the list of images or the folder that it is taken from;
            see `find_annotations`.
        layout: one of `LAYOUTS`, where a folder has annotations in several; None for whichever is there.
        use_splits: see `find_sets`.
        options: see `Dataset`.

    Attributes:
        found: `FoundDataset`, the sets of the data set.

    Example::

        dataset = load_dataset("auto", "My Project.v1i.coco", "train")
    """

    layout = "auto"

    def __init__(self, path: Path, image_set: str, classes: Optional[Sequence[str]] = None, *,
                 image_root: Optional[Path] = None, annotations: Optional[Mapping[str, Path]] = None,
                 layout: Optional[str] = None, use_splits: bool = True, **options: Any):
        _check_options(options)
        path = os.fspath(path)
        self._raw_sets: Dict[str, RawSet] = {}
        self.found = find_all_sets(path, image_root, annotations or {}, layout, image_set.split("+"), use_splits)
        self.layout = self.found.layout
        self._arguments = {"layout": layout, "use_splits": use_splits, "image_root": _text(image_root),
                           "annotations": {name: _text(file) for name, file in (annotations or {}).items()}}
        super().__init__(path, image_set, classes, **options)
        self.notes += self.found.notes
        if any(map(self.found.lacks_val, self.split_image_set())):
            self.notes.append("there is no set val: the set test is taken for it")
        self._raw_sets.clear()

    def check_path(self) -> None:
        """Does nothing: the finder has looked at the path."""

    def read_image_set(self, image_set: str, with_labels: bool) -> Sequence[Record]:
        """Reads one image set, see `Dataset.read_image_set`; of a packed data set its records as they were packed."""
        if self.layout != PACKED:
            return super().read_image_set(image_set, with_labels)
        found = self.found.set_named(image_set)
        manifest = self._manifest(found)
        self.notes += manifest.sets[found.name].rest["notes"]
        for name, one in manifest.id_of_class.items():
            self._id_of_class.setdefault(name, one)
        return read_packed_set(manifest, found.name, self.classes, self.log, self.unread, with_labels,
                               self.max_megapixels)

    def watched_paths(self) -> Sequence[str]:
        """Returns the data set's path, and the places of annotations, class names and images that lie elsewhere."""
        if self.layout == PACKED:
            return []  # its arrays are quickly read
        places = {os.path.abspath(self.path)}
        for file in filter(None, self._arguments["annotations"].values()):
            places.update((os.path.abspath(file), os.path.abspath(os.path.join(self.path, file))))
        for one in self.found.sets.values():
            for part in (one, *one.parts):
                one_file_an_image = part.layout in ("voc", *IMAGE_LAYOUTS)
                places.update(os.path.dirname(file) if one_file_an_image and not os.path.isdir(file) else file
                              for file in part.annotations)
                places.update((*part.image_folders, *filter(None, (part.list_file,))))
                if part.layout == "openimages":
                    places.update(*map(files_of_class_names, part.annotations))
        return list(folders_without_inner(list(places)))

    def further_arguments(self) -> Dict[str, Any]:
        """Returns the arguments of the finder; see `Dataset.further_arguments`."""
        return self._arguments

    def find_classes(self) -> Sequence[str]:
        """Returns the classes of all sets, but those that cannot be read; see `class_names_of`.

        Where projects lie side by side, the sets are those of the projects that are read.
        """
        if self.layout == PACKED:
            return self._manifest(self.found.set_named(self.split_image_set()[0])).classes
        everything = self.found.sets.get("all")
        # What a list chooses out of all images has no other classes.
        projects = {self.found.set_named(name).project for name in self.split_image_set()}
        sets = [one for one in self.found.sets.values()
                if one.project in projects and (everything is None or one.parts != (everything,))]
        names = class_names_of(sets, self._readable(sets))
        if not names:
            raise DataError(f"{self.path}: no object in it has a class, in any of the sets "
                            + ", ".join(self.found.described_sets()) + self._nameless_object())
        return names

    def read_raw_set(self, image_set: str, with_labels: bool) -> RawSet:
        """Reads the files of one set; see `Dataset.read_raw_set`."""
        found = self.found.set_named(image_set)
        return self._read(found) if with_labels else read_found_set(found, with_labels)

    def _manifest(self, found: FoundSet) -> Manifest:
        file, = found.annotations
        return read_manifest(os.path.dirname(file))

    def _nameless_object(self) -> str:
        """Names an object of the sets that are read, for a message; DataError if such a set cannot be read."""
        for name in self.split_image_set():
            for image in self._read(self.found.set_named(name)).images:
                for one in image.objects:
                    return f"; the first states {shown(one.stated_class)} in {image.where}"
        return ""

    def _readable(self, sets: Sequence[FoundSet]) -> Iterator[RawSet]:
        for one in sets:
            with contextlib.suppress(DataError):
                yield self._read(one)

    def _read(self, found: FoundSet) -> RawSet:
        """Reads a set with its labels once, though its classes are looked for before its boxes are."""
        if found.name not in self._raw_sets:
            raw = read_found_set(found)
            self._raw_sets[found.name] = raw._replace(images=list(raw.images), faults=list(raw.faults))
        return self._raw_sets[found.name]


def find_all_sets(path: Path, image_root: Optional[Path], annotations: Mapping[str, Path], layout: Optional[str],
                  wanted: Sequence[str], use_splits: bool = True) -> FoundDataset:
    """Returns the sets of a data set, some of which the user has named the files of.

    Args:
        path, image_root, annotations, layout, use_splits: see `AutoDataset`.
        wanted: names of the sets that will be read; the folder is looked into only if `annotations` lack one.

    Raises:
        DataError: see `find_sets`.
        UsageError: the sets that are named have different layouts.
    """
    if image_root is not None and os.path.isdir(os.path.join(path, image_root)):
        image_root = os.path.join(path, image_root)
    named = {name: find_annotations(file, name, path if os.path.exists(path) else None, image_root, layout)
             for name, file in annotations.items() if file}
    found: List[FoundDataset] = []
    if not all(name.strip() in named for name in wanted):
        found.append(find_sets(path, image_root, layout, use_splits))
    layouts = {one.layout for one in (*named.values(), *found)}
    if len(layouts) > 1:
        raise UsageError(f"{os.fspath(path)}: the sets have annotations of different layouts: "
                         + ", ".join(sorted(layouts)))
    sets = {**(found[0].sets if found else {}), **named}
    return FoundDataset(os.fspath(path), layouts.pop(), sets, found[0].notes if found else ())


def read_coco_dataset(path: Path, image_set: str, **options: Any) -> Dataset:
    """Reads COCO's files: where COCO itself has them, or else wherever the finder finds them.

    Arguments as for `AutoDataset`.
    """
    folder = os.path.join(path, "annotations")
    files = [[os.path.join(folder, f"{kind}_{name.strip()}.json") for kind in ("instances", "image_info")]
             for name in image_set.split("+")]
    options = _without_empty(options)
    if all(any(map(os.path.isfile, pair)) for pair in files) and not _is_divided_anew(path, options):
        return CocoDataset(path, image_set, **options)
    return AutoDataset(path, image_set, layout="coco", **options)


def read_voc_dataset(path: Path, image_set: str, **options: Any) -> Dataset:
    """Reads Pascal VOC's files: as VOC itself has them, or else wherever the finder finds them.

    Arguments as for `AutoDataset`.
    """
    names = [name.strip() for name in image_set.split("+")]
    folder = os.path.join("ImageSets", "Main")
    lists = [(os.path.join(path, folder, f"{name}.txt"),
              os.path.join(path, f"VOC{name.partition('_')[0]}", folder, f"{name.partition('_')[2]}.txt"))
             for name in names]
    options = _without_empty(options)
    if all(any(map(os.path.isfile, pair)) for pair in lists) and not _is_divided_anew(path, options):
        return VocDataset(path, image_set, **options)
    return AutoDataset(path, image_set, layout="voc", **options)


def _is_divided_anew(path: Path, options: Mapping[str, Any]) -> bool:
    """Whether what is read is not what the files' own names say: by options of the finder, or by lists in `splits`."""
    return bool(_FINDING & set(options)) or os.path.isdir(os.path.join(path, SPLITS_FOLDER))


def _check_options(options: Mapping[str, Any]) -> None:
    """Raises UsageError if an option is none of `Dataset`'s."""
    for name in options:
        if name not in inspect.signature(Dataset).parameters:
            raise UsageError(f"data sets have no option {name!r}")


def _text(path: Optional[Path]) -> Optional[str]:
    return None if path is None else os.fspath(path)


def _without_empty(options: Dict[str, Any]) -> Dict[str, Any]:
    """Returns options without those of the finder that have no value; UsageError if one is none of `AutoDataset`'s."""
    _check_options({name: value for name, value in options.items() if name not in (*_FINDING, "use_splits")})
    return {name: value for name, value in options.items() if value or name not in _FINDING}


register_dataset("coco", read_coco_dataset)
register_dataset("voc", read_voc_dataset)
for _layout in LAYOUTS[2:]:  # all but coco and voc
    register_dataset(_layout, partial(AutoDataset, layout=_layout))
