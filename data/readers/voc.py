"""Pascal VOC layout: `<path>/JPEGImages`, `<path>/Annotations` (XML), `<path>/ImageSets/Main/<set>.txt`.

An image set named `<year>_<set>`, such as "2007_trainval", is looked for in `<path>/VOC<year>` if that folder exists:
"2007_trainval+2012_trainval" joins two years that lie side by side.
"""
import os
from typing import Iterator, List, Sequence, Set, Tuple

from ...errors import DataError
from ..assembling.raw import RawSet
from ..dataset import Dataset
from ..files.file_names import files_under
from ..files.text_lists import read_image_list
from .voc_files import image_stem, read_voc_list, stems_in_line, voc_class_names


class VocDataset(Dataset):
    """Reader of VOC trees; the arguments and errors are those of `load_dataset`.

    The classes are VOC's twenty if the XML files of the folder have no others; else they are those of all XML files,
    sorted. The boxes in the files count pixels from 1, those of the records from 0; the ends are inclusive in both. An
    image belongs to the annotation file of the same stem. Difficult objects are kept and marked.
    """

    layout = "voc"

    def find_classes(self) -> Sequence[str]:
        """Returns the classes of all XML files, of whichever year; see `voc_class_names`."""
        years = [os.path.join(self.path, name) for name in sorted(os.listdir(self.path)) if name.startswith("VOC")]
        return voc_class_names(file for root in (self.path, *years)
                               for file in files_under(os.path.join(root, "Annotations"), (".xml",)))

    def read_raw_set(self, image_set: str, with_labels: bool) -> RawSet:
        """Reads the images that `<image_set>.txt` lists; see `Dataset.read_raw_set`."""
        root, name = self.path, image_set
        year, _, rest = image_set.partition("_")
        if rest and os.path.isdir(os.path.join(self.path, f"VOC{year}")):
            root, name = os.path.join(self.path, f"VOC{year}"), rest
        lists, image_folder = os.path.join(root, "ImageSets", "Main"), os.path.join(root, "JPEGImages")
        list_file, xml_folder = os.path.join(lists, f"{name}.txt"), os.path.join(root, "Annotations")
        if not os.path.isdir(image_folder):
            raise DataError(f"{image_folder}: no such folder of images")
        if not os.path.isfile(list_file):
            sets = [one[:-len(".txt")] for one in _lists_in(lists)]
            raise DataError(f"{list_file}: there is no such image set; sets there: {', '.join(sets) or 'none'}")
        raw = read_voc_list(list_file, xml_folder, (image_folder,), with_labels)
        return raw._replace(faults=images_without_entry(image_folder, xml_folder, lists)) if with_labels else raw


def images_without_entry(image_folder: str, xml_folder: str, lists: str) -> Iterator[Tuple[str, str]]:
    """Yields a fault for each image that has neither an XML file nor a line in the list of any image set."""
    described = {image_stem(file) for file in files_under(xml_folder, (".xml",))}
    without = sorted(path for path in files_under(image_folder) if image_stem(path) not in described)
    listed: Set[str] = {stem for name in _lists_in(lists) for _, line in read_image_list(os.path.join(lists, name))
                        for stem in stems_in_line(line)} if without else set()
    for path in without:
        if image_stem(path) not in listed:
            yield "image_without_entry", (f"{path}: the image file has neither an annotation in {xml_folder} nor a "
                                          f"line in {lists}")


def _lists_in(folder: str) -> List[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(".txt")) if os.path.isdir(folder) else []
