"""Pascal VOC layout: `<path>/JPEGImages`, `<path>/Annotations` (XML), `<path>/ImageSets/Main/<set>.txt`.

A set named `<year>_<set>`, such as "2007_trainval", is looked for in `<path>/VOC<year>` when that folder is there, so
that "2007_trainval+2012_trainval" reads two years side by side.
"""
import os
from xml.etree import ElementTree

from .class_names import VOC_CLASSES
from .records import IMAGE_EXTENSIONS, DataError, Dataset, image_size, inclusive_box, make_record


class VocDataset(Dataset):
    """Reader of VOC trees; parameters and errors as in :func:`light_head_rcnn.data.load_dataset`.

    The boxes of the files are 1-based with inclusive ends; those of the records are 0-based. An image belongs to the
    annotation of the same stem, whatever the XML says in `filename`. Difficult objects are kept and marked.
    """

    layout = "voc"

    def __init__(self, path, image_set, classes=None, on_error="raise", with_labels=True):
        self.classes = tuple(classes) if classes else VOC_CLASSES
        super().__init__(path, image_set, on_error, with_labels)

    def _read(self, image_set, with_labels):
        root, name = self.path, image_set
        year, _, rest = image_set.partition("_")
        if rest and os.path.isdir(os.path.join(self.path, "VOC" + year)):
            root, name = os.path.join(self.path, "VOC" + year), rest
        listing = os.path.join(root, "ImageSets", "Main", name + ".txt")
        folder = os.path.join(root, "JPEGImages")
        if not os.path.isdir(folder):
            raise DataError(f"{folder}: no such folder of images")
        images = {}
        for file in sorted(os.listdir(folder)):
            stem, extension = os.path.splitext(file)
            if extension.lower() in IMAGE_EXTENSIONS and not file.startswith("."):
                images.setdefault(stem, os.path.join(folder, file))

        records, seen = [], set()
        for number, stem in _read_listing(listing):
            where = f"{listing}, line {number}: {stem}"
            if stem in seen:
                self._fault(f"{where}: listed twice", "image listed twice")
            elif stem not in images:
                self._fault("{}: there is no image {}".format(where, os.path.join(folder, stem) + ".jpg"),
                            "image missing")
            else:
                records.append(self._read_one(root, stem, images[stem], where, with_labels))
            seen.add(stem)
        if with_labels:
            self._find_strays(root, images, seen)
        return [r for r in records if r is not None]

    def _find_strays(self, root, images, seen):
        """Images that have neither an XML file nor a line in any list. Those of other sets are not our concern."""
        strays = [s for s in images if s not in seen and not os.path.isfile(_xml_path(root, s))]
        folder = os.path.join(root, "ImageSets", "Main")
        listed = {s for f in os.listdir(folder) if f.endswith(".txt")
                  for _, s in _read_listing(os.path.join(folder, f))} if strays else set()
        for stem in strays:
            if stem not in listed:
                self._fault(f"{images[stem]}: the image file has no entry, neither {_xml_path(root, stem)} "
                            f"nor a line in {folder}", "image without an entry")

    def _read_one(self, root, stem, image, where, with_labels):
        """Record of one image, or None where its annotation had to be left out."""
        if not with_labels:
            try:
                return make_record(stem, image, *image_size(image), [])
            except DataError as error:
                self._fault(f"{where}: {error}", error.kind)
                return None
        name = _xml_path(root, stem)
        try:
            tree = ElementTree.parse(name).getroot()
        except FileNotFoundError:
            self._fault(f"{where}: image {image} has no annotation {name}", "image without an entry")
            return None
        except (ElementTree.ParseError, LookupError, OSError, ValueError) as error:
            self._fault(f"{name}: not valid XML ({error})", "annotation broken")
            return None
        try:
            width, height = _size(tree, name, image)
        except DataError as error:
            self._fault(str(error), error.kind)
            return None
        objects = []
        for position, item in enumerate(tree.findall("object"), 1):
            label = (item.findtext("name") or "").strip()
            entry = "{}: object {} ({})".format(name, position, label or "no name")
            if label not in self.classes:
                self._fault("{}: class {!r} is not declared; declared: {}".format(
                    entry, label, ", ".join(self.classes)), "category not declared")
                continue
            try:
                box = _box(item, width, height)
            except DataError as error:
                self._fault(f"{entry}: {error}", error.kind)
                continue
            difficult = (item.findtext("difficult") or "").strip() == "1"
            objects.append((box, self.classes.index(label), difficult, False))
        return make_record(stem, image, width, height, objects)


def _xml_path(root, stem):
    return os.path.join(root, "Annotations", stem + ".xml")


def _read_listing(name):
    """(line number, stem) of each line of an ImageSets file; a second column, +-1 in class lists, is ignored."""
    try:
        with open(name, encoding="utf-8-sig", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError as error:
        folder = os.path.dirname(name)
        sets = sorted(f[:-4] for f in (os.listdir(folder) if os.path.isdir(folder) else ()) if f.endswith(".txt"))
        raise DataError("{}: no such image set ({}); sets there: {}".format(
            name, error.strerror, ", ".join(sets) or "none")) from None
    return [(number, words[0]) for number, words in enumerate(lines, 1) if words]


def _size(tree, name, image):
    """(width, height) that the XML says; those of the image file where it says nothing or zeros."""
    texts = [(tree.findtext("size/" + k) or "0").strip() for k in ("width", "height")]
    if texts == ["0", "0"]:
        return image_size(image)
    try:
        width, height = (int(t) for t in texts)
    except ValueError:
        width = height = 0
    if width < 1 or height < 1:
        raise DataError(f"{name}: size {texts} is not a positive whole width and height", "annotation broken")
    return width, height


def _box(item, width, height):
    """Inclusive 0-based box of an `object` element."""
    texts = [item.findtext("bndbox/" + k) for k in ("xmin", "ymin", "xmax", "ymax")]
    try:
        box = [float(t) - 1 for t in texts]
    except (TypeError, ValueError):
        raise DataError(f"bndbox {texts} is not four numbers", "box not four numbers") from None
    return inclusive_box(*box, width, height)
