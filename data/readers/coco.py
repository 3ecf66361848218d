"""COCO layout: `<path>/annotations/instances_<set>.json`, images in `<path>/<set>/` or `<path>/images/<set>/`.

An image set without a folder of its own takes its images from the folder of the set that COCO made it from
(`PARENT_IMAGE_SETS`), or else from `<path>/images/` or `<path>/`, where the images of other sets may lie too.
"""
import json
import os
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple, Union

from ...errors import DataError
from ..box_checks import check_and_clip_box
from ..dataset import Dataset
from ..images import IMAGE_EXTENSIONS
from ..record import Annotation, Record, make_record
from ..registry import register_dataset

# COCO's image sets that are parts of others: their images lie in the folder of the whole set.
PARENT_IMAGE_SETS = {"minival2014": "val2014", "valminusminival2014": "val2014", "test-dev2015": "test2015",
                     "test-dev2017": "test2017"}

Id = Union[int, str]
ImageFile = Tuple[str, int, int]  # path, width, height


@register_dataset("coco")
class CocoDataset(Dataset):
    """Reader of COCO annotation files; the arguments and errors are those of `load_dataset`.

    The class ids follow the categories sorted by their id. With `classes` they follow that order instead; then each
    class must be a category of the file, and an annotation of any other category is a fault. Images without annotations
    are kept. If an image set has no instances file but an `image_info_<set>.json`, as COCO's test sets have, it is read
    without labels.

    Attributes:
        category_ids: tuple, the category id of class 0, 1, ...; otherwise as in `Dataset`.
    """

    layout = "coco"
    category_ids: Optional[Tuple[Id, ...]] = None
    _annotation_files: Tuple[str, ...] = ()

    @property
    def annotation_file(self) -> Optional[str]:
        """Path of the json file that was read, or None if several image sets are joined."""
        return self._annotation_files[0] if len(self._annotation_files) == 1 else None

    def read_image_set(self, image_set: str, with_labels: bool) -> List[Record]:
        """Reads `instances_<image_set>.json`, or `image_info_<image_set>.json`; see `Dataset.read_image_set`."""
        file = os.path.join(self.path, "annotations", f"instances_{image_set}.json")
        without_annotations = os.path.join(self.path, "annotations", f"image_info_{image_set}.json")
        if not os.path.isfile(file) and os.path.isfile(without_annotations):
            file, with_labels = without_annotations, False
        self._annotation_files += (file,)
        content = _load_json(file, with_labels)
        class_of_category = self._read_categories(file, content["categories"])
        images, left_out = self._read_images(file, image_set, content["images"])
        annotations = {image_id: [] for image_id in images}
        if with_labels:
            for image_id, annotation in self._read_annotations(file, content["annotations"], class_of_category, images,
                                                               left_out):
                annotations[image_id].append(annotation)
        return [make_record(image_id, path, width, height, annotations[image_id])
                for image_id, (path, width, height) in images.items()]

    def _read_categories(self, file: str, categories: List[Any]) -> Dict[Id, Optional[int]]:
        """Returns the class id of each category id, None for categories that are not among the classes asked for."""
        if not all(_valid_ids(c, "id") and isinstance(c.get("name"), str) for c in categories):
            raise DataError(f'{file}: every category needs an "id" (a whole number or a string) and a "name"')
        # Ids that are strings, which COCO itself does not have, come after the numbers.
        pairs = sorted(((c["id"], c["name"]) for c in categories), key=lambda pair: (isinstance(pair[0], str), pair))
        ids, names = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        for what, values in (("id", ids), ("name", names)):
            repeated = [value for value in values if values.count(value) > 1]
            if repeated:
                raise DataError(f"{file}: category {what} {repeated[0]!r} is declared twice")
        if not self.classes:
            self.classes = tuple(names)
        unknown = [name for name in self.classes if name not in names]
        if unknown:
            raise DataError(f"{file}: class {unknown[0]!r} is not one of its categories: {', '.join(names)}")
        id_of_name = dict(zip(names, ids))
        category_ids = tuple(id_of_name[name] for name in self.classes)
        if self.category_ids not in (None, category_ids):
            raise DataError(f"{file}: its category ids differ from those of the sets joined before it")
        self.category_ids = category_ids
        return {i: self.classes.index(name) if name in self.classes else None for i, name in pairs}

    def _read_images(self, file: str, image_set: str, entries: List[Any]) -> Tuple[Dict[Id, ImageFile], Set[Id]]:
        """Returns the image files by image id, and the ids of the images that had to be left out."""
        own_folder = self._find_folder(image_set)
        folder = own_folder or self._find_folder(PARENT_IMAGE_SETS.get(image_set, image_set))
        images, left_out, named_files = {}, set(), set()
        for position, entry in enumerate(entries):
            where = f"{file}: image entry {position}"
            fault = _fault_of_image_entry(entry)
            if fault:
                self.report_fault(f"{where} {fault}", "image entry broken")
                left_out.update(_valid_ids(entry, "id"))
                continue
            image_id, name = entry["id"], entry["file_name"]
            where = f"{file}: image {image_id!r} ({name})"
            named_files.add(os.path.normpath(name))
            if image_id in images:
                self.report_fault(f"{where}: its id is used by an entry before it", "image id twice")
                continue
            path = os.path.join(folder, name) if folder else self._find_image(image_set, name)
            if not os.path.isfile(path):
                self.report_fault(f"{where}: there is no image file {path}", "image missing")
                left_out.add(image_id)
                continue
            images[image_id] = (path, entry["width"], entry["height"])
        # The folder of a parent set holds the images of its other parts too; only a folder of this set is searched.
        for name in sorted(_image_files_under(own_folder) - named_files if own_folder else ()):
            self.report_fault(f"{os.path.join(own_folder, name)}: the image file has no entry in {file}",
                              "image without an entry")
        return images, left_out

    def _find_folder(self, image_set: str) -> Optional[str]:
        folders = os.path.join(self.path, image_set), os.path.join(self.path, "images", image_set)
        return next((folder for folder in folders if os.path.isdir(folder)), None)

    def _find_image(self, image_set: str, name: str) -> str:
        """Returns the path of an image of a set without a folder; where there is none, a path that does not exist."""
        paths = os.path.join(self.path, "images", name), os.path.join(self.path, name)
        return next((path for path in paths if os.path.isfile(path)), os.path.join(self.path, image_set, name))

    def _read_annotations(self, file: str, entries: List[Any], class_of_category: Dict[Id, Optional[int]],
                          images: Dict[Id, ImageFile], left_out: Set[Id]) -> Iterable[Tuple[Id, Annotation]]:
        """Yields (image id, annotation) of each entry that is not broken."""
        seen = set()
        for position, entry in enumerate(entries):
            where = f"{file}: annotation entry {position}"
            if len(_valid_ids(entry, "id", "image_id", "category_id")) < 3 or "bbox" not in entry:
                self.report_fault(f'{where} lacks a valid "id", "image_id", "category_id" or "bbox"',
                                  "annotation broken")
                continue
            image_id, category_id = entry["image_id"], entry["category_id"]
            where = f"{file}: annotation {entry['id']!r}"
            if entry["id"] in seen:
                self.report_fault(f"{where}: its id is used by an entry before it", "annotation id twice")
                continue
            seen.add(entry["id"])
            if image_id not in images:
                if image_id not in left_out:
                    self.report_fault(f"{where}: there is no image {image_id!r}", "annotation of no image")
                continue
            path, width, height = images[image_id]
            where += f" of image {image_id!r} ({os.path.basename(path)})"
            if class_of_category.get(category_id) is None:
                fault = "one of the classes asked for" if category_id in class_of_category else "declared"
                self.report_fault(f"{where}: category {category_id!r} is not {fault}", "category not declared")
                continue
            try:
                box = _read_box(entry["bbox"], width, height)
            except DataError as error:
                self.report_fault(f"{where}: {error}", error.kind)
                continue
            area = entry.get("area")
            yield image_id, Annotation(box, class_of_category[category_id], crowd=bool(entry.get("iscrowd", 0)),
                                       area=None if area is None else float(area),
                                       coco_box=[float(value) for value in entry["bbox"]])


def _load_json(file: str, with_labels: bool) -> Dict[str, Any]:
    try:
        with open(file, encoding="utf-8-sig") as stream:
            content = json.load(stream)
    except OSError as error:
        folder = os.path.dirname(file)
        names = os.listdir(folder) if os.path.isdir(folder) else ()
        sets = sorted({name[len(start):-len(".json")] for name in names for start in ("instances_", "image_info_")
                       if name.startswith(start) and name.endswith(".json")})
        raise DataError(f"{file}: no such annotation file ({error.strerror}); "
                        f"sets there: {', '.join(sets) or 'none'}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not valid JSON ({error})") from None
    for key in ("images", "categories") + (("annotations",) if with_labels else ()):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DataError(f'{file}: not a COCO instances file, it has no list "{key}"')
    return content


def _valid_ids(entry: Any, *keys: str) -> List[Id]:
    """Returns those values of `keys` in `entry` that can be ids: whole numbers and strings."""
    values = [entry.get(key) for key in keys] if isinstance(entry, dict) else []
    return [value for value in values if isinstance(value, (int, str))]


def _fault_of_image_entry(entry: Any) -> Optional[str]:
    """Says what is wrong with an image entry; None if nothing is."""
    if not _valid_ids(entry, "id") or not isinstance(entry.get("file_name"), str):
        return 'lacks a valid "id" or "file_name"'
    if not all(isinstance(entry.get(key), int) and entry[key] > 0 for key in ("width", "height")):
        return f"({entry['file_name']}) has no positive whole width and height"
    return None


def _read_box(bbox: Any, width: int, height: int) -> Tuple[float, ...]:
    """Turns COCO's (x, y, width, height) into a checked box with inclusive ends.

    COCO has boxes with sides shorter than a pixel, and even of length 0: they are kept.
    """
    try:
        x, y, w, h = (float(value) for value in bbox)
    except (TypeError, ValueError):
        raise DataError(f"bbox {bbox!r} is not four numbers", "box not four numbers") from None
    return check_and_clip_box(x, y, x + w - 1, y + h - 1, width, height)


def _image_files_under(folder: str) -> Set[str]:
    """Returns the paths, relative to `folder`, of all image files in it and in its subfolders."""
    found = set()
    for root, _, names in os.walk(folder, followlinks=True):
        relative = os.path.relpath(root, folder)
        found.update(os.path.normpath(os.path.join(relative, name)) for name in names
                     if name.lower().endswith(IMAGE_EXTENSIONS) and not name.startswith("."))
    return found
