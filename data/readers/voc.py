"""Pascal VOC layout: `<path>/JPEGImages`, `<path>/Annotations` (XML), `<path>/ImageSets/Main/<set>.txt`.

An image set named `<year>_<set>`, such as "2007_trainval", is looked for in `<path>/VOC<year>` if that folder exists:
"2007_trainval+2012_trainval" joins two years that lie side by side.
"""
import os
from typing import Dict, List, Optional, Sequence, Set, Tuple, Union
from xml.etree import ElementTree

from ...errors import DataError
from ..box_checks import check_and_clip_box
from ..class_names import VOC_CLASSES
from ..dataset import Dataset
from ..images import IMAGE_EXTENSIONS, image_size
from ..record import Annotation, Record, make_record
from ..registry import register_dataset


@register_dataset("voc")
class VocDataset(Dataset):
    """Reader of VOC trees; the arguments and errors are those of `load_dataset`.

    The boxes in the files count pixels from 1, those of the records from 0; the ends are inclusive in both. An image
    belongs to the annotation file of the same stem, whatever that file says in its element `filename`. Difficult
    objects are kept and marked.
    """

    layout = "voc"

    def __init__(self, path: Union[str, os.PathLike], image_set: str, classes: Optional[Sequence[str]] = None,
                 on_error: str = "raise", with_labels: bool = True):
        super().__init__(path, image_set, classes or VOC_CLASSES, on_error, with_labels)

    def read_image_set(self, image_set: str, with_labels: bool) -> List[Record]:
        """Reads the images that `<image_set>.txt` lists; see `Dataset.read_image_set`."""
        root, name = self.path, image_set
        year, _, rest = image_set.partition("_")
        if rest and os.path.isdir(os.path.join(self.path, f"VOC{year}")):
            root, name = os.path.join(self.path, f"VOC{year}"), rest
        list_file = os.path.join(root, "ImageSets", "Main", f"{name}.txt")
        folder = os.path.join(root, "JPEGImages")
        images = _images_by_stem(folder)

        records, listed = [], set()
        for number, stem in _read_list_file(list_file):
            where = f"{list_file}, line {number}: {stem}"
            if stem in listed:
                self.report_fault(f"{where}: listed twice", "image listed twice")
            elif stem not in images:
                self.report_fault(f"{where}: there is no image {os.path.join(folder, stem)}.jpg", "image missing")
            else:
                records.append(self._read_image_entry(root, stem, images[stem], where, with_labels))
            listed.add(stem)
        if with_labels:
            self._report_images_without_entry(root, images, listed)
        return [record for record in records if record is not None]

    def _report_images_without_entry(self, root: str, images: Dict[str, str], listed: Set[str]) -> None:
        """Reports each image that has neither an XML file nor a line in the list of any image set."""
        without_xml = [stem for stem in images if stem not in listed and not os.path.isfile(_xml_path(root, stem))]
        if not without_xml:
            return
        folder = os.path.join(root, "ImageSets", "Main")
        listed_anywhere = {stem for name in os.listdir(folder) if name.endswith(".txt")
                           for _, stem in _read_list_file(os.path.join(folder, name))}
        for stem in without_xml:
            if stem not in listed_anywhere:
                self.report_fault(f"{images[stem]}: the image file has no entry, neither {_xml_path(root, stem)} "
                                  f"nor a line in {folder}", "image without an entry")

    def _read_image_entry(self, root: str, stem: str, image: str, where: str, with_labels: bool) -> Optional[Record]:
        """Returns the record of one image, or None if its annotation file had to be left out."""
        if not with_labels:
            try:
                return make_record(stem, image, *image_size(image), [])
            except DataError as error:
                self.report_fault(f"{where}: {error}", error.kind)
                return None
        file = _xml_path(root, stem)
        try:
            tree = ElementTree.parse(file).getroot()
        except FileNotFoundError:
            self.report_fault(f"{where}: image {image} has no annotation {file}", "image without an entry")
            return None
        except (ElementTree.ParseError, LookupError, OSError, ValueError) as error:
            self.report_fault(f"{file}: not valid XML ({error})", "annotation broken")
            return None
        try:
            width, height = _read_size(tree, file, image)
        except DataError as error:
            self.report_fault(str(error), error.kind)
            return None
        return make_record(stem, image, width, height, self._read_objects(tree, file, width, height))

    def _read_objects(self, tree: ElementTree.Element, file: str, width: int, height: int) -> List[Annotation]:
        """Returns the annotations of the `object` elements that are not broken."""
        annotations = []
        for position, element in enumerate(tree.findall("object"), 1):
            label = (element.findtext("name") or "").strip()
            where = f"{file}: object {position} ({label or 'no name'})"
            if label not in self.classes:
                self.report_fault(f"{where}: class {label!r} is not declared; declared: {', '.join(self.classes)}",
                                  "category not declared")
                continue
            try:
                box = _read_box(element, width, height)
            except DataError as error:
                self.report_fault(f"{where}: {error}", error.kind)
                continue
            difficult = (element.findtext("difficult") or "").strip() == "1"
            annotations.append(Annotation(box, self.classes.index(label), difficult))
        return annotations


def _images_by_stem(folder: str) -> Dict[str, str]:
    """Returns the path of each image in a folder by the stem of its name."""
    if not os.path.isdir(folder):
        raise DataError(f"{folder}: no such folder of images")
    images = {}
    for name in sorted(os.listdir(folder)):
        stem, extension = os.path.splitext(name)
        if extension.lower() in IMAGE_EXTENSIONS and not name.startswith("."):
            images.setdefault(stem, os.path.join(folder, name))
    return images


def _xml_path(root: str, stem: str) -> str:
    return os.path.join(root, "Annotations", f"{stem}.xml")


def _read_list_file(file: str) -> List[Tuple[int, str]]:
    """Returns (line number, stem) of each line of an ImageSets file.

    Blank lines are ignored, and so is a second column: the lists of one class have 1 or -1 there.
    """
    try:
        with open(file, encoding="utf-8-sig", errors="replace") as stream:
            lines = [line.split() for line in stream]
    except OSError as error:
        folder = os.path.dirname(file)
        names = os.listdir(folder) if os.path.isdir(folder) else ()
        sets = sorted(name[:-len(".txt")] for name in names if name.endswith(".txt"))
        raise DataError(f"{file}: no such image set ({error.strerror}); sets there: {', '.join(sets) or 'none'}"
                        ) from None
    return [(number, words[0]) for number, words in enumerate(lines, 1) if words]


def _read_size(tree: ElementTree.Element, file: str, image: str) -> Tuple[int, int]:
    """Returns (width, height) as the XML states it, or that of the image file if the XML has no size or zeros."""
    texts = [(tree.findtext(f"size/{key}") or "0").strip() for key in ("width", "height")]
    if texts == ["0", "0"]:
        return image_size(image)
    try:
        width, height = (int(text) for text in texts)
    except ValueError:
        width = height = 0
    if width < 1 or height < 1:
        raise DataError(f"{file}: size {texts} is not a positive whole width and height", "annotation broken")
    return width, height


def _read_box(element: ElementTree.Element, width: int, height: int) -> Tuple[float, ...]:
    """Returns the checked box, 0-based with inclusive ends, of an `object` element."""
    texts = [element.findtext(f"bndbox/{key}") for key in ("xmin", "ymin", "xmax", "ymax")]
    try:
        box = [float(text) - 1 for text in texts]
    except (TypeError, ValueError):
        raise DataError(f"bndbox {texts} is not four numbers", "box not four numbers") from None
    return check_and_clip_box(*box, width, height)
