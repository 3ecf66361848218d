"""COCO layout: `<path>/annotations/instances_<set>.json`, images in `<path>/<set>/` or `<path>/images/<set>/`.

An image set without a folder of its own takes its images from the folder of the set that COCO made it from
(`PARENT_IMAGE_SETS`), or else from `<path>/images/` or `<path>/`, where the images of other sets may lie too.
"""
import os
from typing import Dict, List, Optional, Sequence

from ...errors import DataError
from ..assembling.raw import RawSet
from ..dataset import Dataset
from .coco_files import coco_class_names, read_coco_file

# COCO's image sets that are parts of others: their images lie in the folder of the whole set.
PARENT_IMAGE_SETS = {"minival2014": "val2014", "valminusminival2014": "val2014", "test-dev2015": "test2015",
                     "test-dev2017": "test2017"}
_KINDS = ("instances", "image_info")  # of annotation files; the second have images alone


class CocoDataset(Dataset):
    """Reader of COCO annotation files; the arguments and errors are those of `load_dataset`.

    The classes are the categories of all annotation files of the folder, sorted by their id. Images without annotations
    are kept. If an image set has no instances file but an `image_info_<set>.json`, as COCO's test sets have, it is read
    without labels.
    """

    layout = "coco"

    @property
    def annotation_file(self) -> Optional[str]:
        """Path of the json file that was read, or None if several image sets are joined."""
        image_sets = self.split_image_set()
        return self._annotation_file(image_sets[0]) if len(image_sets) == 1 else None

    def find_classes(self) -> Sequence[str]:
        """Returns the categories of all annotation files; see `coco_class_names`."""
        files = self._annotation_files()
        return coco_class_names(list((files["instances"] or files["image_info"]).values()))

    def read_raw_set(self, image_set: str, with_labels: bool) -> RawSet:
        """Reads `instances_<image_set>.json`, or `image_info_<image_set>.json`; see `Dataset.read_raw_set`."""
        file = self._annotation_file(image_set)
        if not os.path.isfile(file):
            sets = sorted({name for files in self._annotation_files().values() for name in files})
            raise DataError(f"{file}: there is no such annotation file; sets there: {', '.join(sets) or 'none'}")
        if os.path.basename(file).startswith("image_info"):
            with_labels = False
        own_folders = self._folders(image_set)
        # The folder of a parent set holds the images of its other parts too; only a folder of this set is counted.
        counted = own_folders[0] if len(own_folders) == 1 else None
        folders = own_folders or self._folders(PARENT_IMAGE_SETS.get(image_set, image_set)) or [
            os.path.join(self.path, "images"), self.path]
        return read_coco_file(file, folders, with_labels, counted)

    def _annotation_file(self, image_set: str) -> str:
        files = [os.path.join(self.path, "annotations", f"{kind}_{image_set}.json") for kind in _KINDS]
        return files[1] if not os.path.isfile(files[0]) and os.path.isfile(files[1]) else files[0]

    def _annotation_files(self) -> Dict[str, Dict[str, str]]:
        """Returns the annotation files in the folder by their kind and image set."""
        folder = os.path.join(self.path, "annotations")
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else ()
        return {kind: {name[len(kind) + 1:-len(".json")]: os.path.join(folder, name) for name in names
                       if name.startswith(f"{kind}_") and name.endswith(".json")} for kind in _KINDS}

    def _folders(self, image_set: str) -> List[str]:
        folders = os.path.join(self.path, image_set), os.path.join(self.path, "images", image_set)
        return [folder for folder in folders if os.path.isdir(folder)]
