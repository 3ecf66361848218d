"""COCO layout: `<path>/annotations/instances_<set>.json`, images in `<path>/<set>/` or `<path>/images/<set>/`.

A set without a folder of its own takes its images from that of the set that COCO cut it from (`BORROWED_FROM`), or else
from `<path>/images/` or `<path>/`, where other sets may live too.
"""
import json
import os

from .records import IMAGE_EXTENSIONS, DataError, Dataset, inclusive_box, make_record

# COCO's sets that are parts of others, whose folders hold their images.
BORROWED_FROM = {"minival2014": "val2014", "valminusminival2014": "val2014", "test-dev2015": "test2015",
                 "test-dev2017": "test2017"}


class CocoDataset(Dataset):
    """Reader of COCO annotation files; parameters and errors as in :func:`light_head_rcnn.data.load_dataset`.

    Besides the attributes of Dataset: `category_ids`, tuple, COCO's id of class i; `annotation_file`, the path of the
    json file, or None when several sets are joined.

    Class ids follow the categories sorted by id, or `classes` when given: then each class must be a category of the
    file, and an annotation of any other category is an error. Images without annotations are kept.
    A set of which there is only `image_info_<set>.json`, as of COCO's test sets, is read without labels.
    """

    layout = "coco"

    def __init__(self, path, image_set, classes=None, on_error="raise", with_labels=True):
        self.classes = tuple(classes) if classes else None
        self.category_ids = None
        self.annotation_file = None
        super().__init__(path, image_set, on_error, with_labels)
        if "+" in image_set:
            self.annotation_file = None

    def _read(self, image_set, with_labels):
        name = os.path.join(self.path, "annotations", f"instances_{image_set}.json")
        info = os.path.join(self.path, "annotations", f"image_info_{image_set}.json")
        if not os.path.isfile(name) and os.path.isfile(info):
            name, with_labels = info, False
        self.annotation_file = name
        content = _load(name, with_labels)
        class_of = self._map_categories(name, content["categories"])
        images, missing = self._read_images(name, image_set, content["images"])
        objects = {image_id: [] for image_id in images}
        if with_labels:
            self._read_annotations(name, content["annotations"], class_of, images, missing, objects)
        return [make_record(i, path, width, height, objects[i]) for i, (path, width, height) in images.items()]

    def _map_categories(self, name, categories):
        if not all(_ids(c, "id") and isinstance(c.get("name"), str) for c in categories):
            raise DataError(f'{name}: every category needs a sound "id" and "name"')
        # Ids that are strings, against COCO's habit, come after the numbers.
        pairs = sorted(((c["id"], c["name"]) for c in categories), key=lambda p: (isinstance(p[0], str), p))
        ids, names = [p[0] for p in pairs], [p[1] for p in pairs]
        for what, values in (("id", ids), ("name", names)):
            twice = sorted({v for v in values if values.count(v) > 1})
            if twice:
                raise DataError(f"{name}: category {what} {twice[0]!r} is declared twice")
        if self.classes is None:
            self.classes = tuple(names)
        missing = [c for c in self.classes if c not in names]
        if missing:
            raise DataError("{}: class {!r} is not one of its categories: {}".format(
                name, missing[0], ", ".join(names)))
        by_name = dict(zip(names, ids))
        category_ids = tuple(by_name[c] for c in self.classes)
        if self.category_ids not in (None, category_ids):
            raise DataError(f"{name}: its category ids differ from those of the sets joined before it")
        self.category_ids = category_ids
        return {i: self.classes.index(n) if n in self.classes else None for i, n in pairs}

    def _read_images(self, name, image_set, entries):
        """{image id: (path, width, height)} of the sound entries, and the ids of those left out."""
        own = self._folder_of(image_set)
        folder = own or self._folder_of(BORROWED_FROM.get(image_set, image_set))
        images, missing, named = {}, set(), set()
        for position, entry in enumerate(entries):
            where = f"{name}: image entry {position}"
            fault = _image_fault(entry)
            if fault:
                self._fault(f"{where} {fault}", "image entry broken")
                missing.update(_ids(entry, "id"))
                continue
            where = "{}: image {!r} ({})".format(name, entry["id"], entry["file_name"])
            named.add(os.path.normpath(entry["file_name"]))
            if entry["id"] in images:
                self._fault(f"{where}: its id is used by an entry before it", "image id twice")
                continue
            if folder:
                path = os.path.join(folder, entry["file_name"])
            else:
                candidates = [os.path.join(self.path, "images", entry["file_name"]),
                              os.path.join(self.path, entry["file_name"])]
                path = next((c for c in candidates if os.path.isfile(c)), os.path.join(
                    self.path, image_set, entry["file_name"]))
            if not os.path.isfile(path):
                self._fault(f"{where}: there is no image file {path}", "image missing")
                missing.add(entry["id"])
                continue
            images[entry["id"]] = (path, entry["width"], entry["height"])
        # A borrowed folder holds the images of other sets too.
        for file in sorted(_files_under(own) - named if own else ()):
            self._fault(f"{os.path.join(own, file)}: the image file has no entry in {name}",
                        "image without an entry")
        return images, missing

    def _folder_of(self, image_set):
        folders = os.path.join(self.path, image_set), os.path.join(self.path, "images", image_set)
        return next((f for f in folders if os.path.isdir(f)), None)

    def _read_annotations(self, name, annotations, class_of, images, missing, objects):
        seen = set()
        for position, entry in enumerate(annotations):
            where = f"{name}: annotation entry {position}"
            if len(_ids(entry, "id", "image_id", "category_id")) < 3 or "bbox" not in entry:
                self._fault(f'{where} lacks a sound "id", "image_id", "category_id" or "bbox"',
                            "annotation broken")
                continue
            where = "{}: annotation {!r}".format(name, entry["id"])
            if entry["id"] in seen:
                self._fault(f"{where}: its id is used by an entry before it", "annotation id twice")
                continue
            seen.add(entry["id"])
            image_id = entry["image_id"]
            if image_id not in images:
                if image_id not in missing:
                    self._fault(f"{where}: there is no image {image_id!r}", "annotation of no image")
                continue
            where += f" of image {image_id!r} ({os.path.basename(images[image_id][0])})"
            if entry["category_id"] not in class_of:
                self._fault("{}: category {!r} is not declared".format(where, entry["category_id"]),
                            "category not declared")
                continue
            if class_of[entry["category_id"]] is None:
                self._fault("{}: category {!r} is not one of the classes asked for".format(
                    where, entry["category_id"]), "category not declared")
                continue
            try:
                box = _box(entry["bbox"], *images[image_id][1:])
            except DataError as error:
                self._fault(f"{where}: {error}", error.kind)
                continue
            objects[image_id].append((box, class_of[entry["category_id"]], False, bool(entry.get("iscrowd", 0))))


def _load(name, with_labels):
    try:
        with open(name, encoding="utf-8-sig") as file:
            content = json.load(file)
    except OSError as error:
        folder = os.path.dirname(name)
        files = os.listdir(folder) if os.path.isdir(folder) else ()
        sets = sorted({f[len(start):-len(".json")] for f in files for start in ("instances_", "image_info_")
                       if f.startswith(start) and f.endswith(".json")})
        raise DataError("{}: no such annotation file ({}); sets there: {}".format(
            name, error.strerror, ", ".join(sets) or "none")) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: not valid JSON ({error})") from None
    for key in ("images", "categories") + (("annotations",) if with_labels else ()):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DataError(f'{name}: not a COCO instances file, it has no list "{key}"')
    return content


def _ids(entry, *keys):
    """The values of `keys` in `entry` that can be ids: whole numbers or strings."""
    values = [entry.get(k) for k in keys] if isinstance(entry, dict) else []
    return [v for v in values if isinstance(v, (int, str))]


def _image_fault(entry):
    """What is wrong with an image entry, or None."""
    if not _ids(entry, "id") or not isinstance(entry.get("file_name"), str):
        return 'lacks a sound "id" or "file_name"'
    if not all(isinstance(entry.get(k), int) and entry[k] > 0 for k in ("width", "height")):
        return "({}) has no positive whole width and height".format(entry["file_name"])
    return None


def _box(bbox, width, height):
    """Inclusive box of COCO's x, y, width, height. Sides under a pixel, zero included, exist in COCO."""
    try:
        x, y, w, h = (float(v) for v in bbox)
    except (TypeError, ValueError):
        raise DataError(f"bbox {bbox!r} is not four numbers", "box not four numbers") from None
    return inclusive_box(x, y, x + w - 1, y + h - 1, width, height)


def _files_under(folder):
    """Paths, relative to `folder`, of the image files in it."""
    found = set()
    for root, _, names in os.walk(folder, followlinks=True):
        relative = os.path.relpath(root, folder)
        found.update(os.path.normpath(os.path.join(relative, n)) for n in names
                     if n.lower().endswith(IMAGE_EXTENSIONS) and not n.startswith("."))
    return found
