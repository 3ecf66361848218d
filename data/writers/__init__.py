"""Writers: one module for each layout of annotation files, and `write_dataset`, which writes a whole data set."""
from typing import List, Optional, Sequence, Union

from ...errors import UsageError
from ..files.plain_names import plain_name
from ..record_columns import object_counts
from .coco import write_coco
from .image_files import MODES, ImageFiles
from .new_folder import check_new_folder, new_folder
from .sets import RecordSets, counted
from .voc import write_voc
from .yolo import write_yolo

WRITERS = ("coco", "voc", "yolo")

__all__ = ["MODES", "WRITERS", "ImageFiles", "RecordSets", "check_new_folder", "write_coco", "write_dataset",
           "write_voc", "write_yolo"]


def write_dataset(layout: str, folder: str, sets: RecordSets, classes: Sequence[str], images: str = "link",
                  category_ids: Optional[Sequence[Union[int, str]]] = None) -> List[str]:
    """Writes the image sets of a data set to a new folder, which is complete or not there.

    Args:
        layout: one of `WRITERS`.
        folder: does not exist yet, or is empty.
        sets: the records of each image set by its name. Files and folders are named after the sets: for a set
            birds/train, as it is called where data sets lie side by side, birds_train.
        classes: names of the classes by id, the same for all sets.
        images: "link", "copy" or "none", see `ImageFiles`.
        category_ids: see `write_coco`; the other layouts have none.

    Returns:
        What the layout cannot keep, and what else came out otherwise than asked for, a sentence each.

    Raises:
        UsageError: the folder is not empty, `layout` or `images` is another word, or two sets would have one name.
    """
    if layout not in WRITERS:
        raise UsageError(f"data sets are written as {', '.join(WRITERS)}, not as {layout!r}")
    files = ImageFiles(images)
    new_names = {name: plain_name(name) for name in sets}
    if len(set(new_names.values())) < len(sets):
        raise UsageError(f"the sets {', '.join(sets)} would not all have names of their own, with _ in the place of /")
    sets = {new_names[name]: records for name, records in sets.items()}
    with new_folder(folder) as temporary:
        if layout == "coco":
            notes = write_coco(temporary, sets, classes, files, category_ids)
        elif layout == "voc":
            notes = write_voc(temporary, sets, classes, files)
        else:
            notes = write_yolo(temporary, sets, classes, files)
    notes += counted((sum(int(object_counts(records, "regions").sum()) for records in sets.values()),
                      "place without known labels", "not marked; it is background in the new data set"))
    notes += [f"the set {name} is called {new}" for name, new in new_names.items() if new != name]
    if files.copied:
        notes.append(f"{files.copied} images are copies: the file system cannot link them")
    if files.rewritten:
        notes.append(f"{files.rewritten} images are written anew as PNG files, because images are not looked for under "
                     "the extension of their own format")
    return notes
