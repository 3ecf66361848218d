"""What readers of annotation files yield, as the files state it; `assembling` turns it into records."""
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple, Union


class NoBox(NamedTuple):
    """What an annotation states in the place of a box where it states something else.

    Attributes:
        why: what it is, for messages: "it is a point".
        place: four numbers in the set's `box_format` around it; None where they are not known.
    """

    why: str
    place: Optional[Tuple[float, ...]] = None


class RawObject(NamedTuple):
    """One annotation as its file states it; nothing is checked.

    Attributes:
        position: which annotation of the file, or of the image's file, it is; messages name it.
        label: class name, of which `as_class_name` makes the class; None for a category that the file does not declare.
        box: numbers or texts, in the set's `box_format`; `NoBox` and anything else is a fault.
        difficult, crowd, area: as stated; None where nothing is stated.
        stated_class: what the file states where `label` is None, for messages.
        region: True for a place in which the file says that nothing was labelled; it is no object, and no fault.
    """

    position: int
    label: Optional[str]
    box: Any
    difficult: Any = None
    crowd: Any = None
    area: Any = None
    stated_class: Any = None
    region: bool = False


class RawImage(NamedTuple):
    """One image and its annotations as their file states them; nothing is checked.

    Attributes:
        where: the file, and the entry in it; messages begin with it.
        image_id: of the record, a whole number or a string.
        name: name of the image file as stated, with or without folders and extension.
        width, height: as stated; None where nothing is stated.
        objects: its annotations.
        fault: (kind, message) of an image whose entry cannot be used; None otherwise.
        other_name: another name of the image file, looked for where no file has the first; it finds no file that the
            first name of another image finds.
    """

    where: str
    image_id: Union[int, str]
    name: str
    width: Any
    height: Any
    objects: List[RawObject]
    fault: Optional[Tuple[str, str]] = None
    other_name: Optional[str] = None


# How the four numbers of a box are meant. Records have 0-based pixels with inclusive ends.
BOX_FORMATS = {
    "xywh": "x, y, width, height in pixels (COCO)",
    "corners": "x1, y1, x2, y2 in pixels, counted from 0, inclusive ends",
    "corners_from_1": "x1, y1, x2, y2 in pixels, counted from 1, inclusive ends (Pascal VOC)",
    "edges": "left, top, right, bottom: distances from the image's left and upper edge in pixels (labelme, VIA)",
    "centre": "centre x, centre y, width, height in pixels (Create ML)",
    "centre_fractions": "centre x, centre y, width, height as fractions of the image (YOLO)",
    "edge_fractions": "left, top, right, bottom as fractions of the image (Open Images)",
}
# Those in which a box does not depend on the number of pixels.
FRACTIONS = ("centre_fractions", "edge_fractions")


class RawSet(NamedTuple):
    """One image set as its files state it.

    Attributes:
        images: in the order of the files.
        box_format: one of `BOX_FORMATS`.
        image_folders: folders in which the images are looked for, the most likely one first.
        faults: (kind, message) of faults that belong to no image.
        category_ids: COCO's id of each class name; empty where the layout has none.
        counted_folder: images in this folder that no entry names are counted; None for no such count.
        notes: lines for the summary on what is no fault but good to know.
    """

    images: Iterable[RawImage]
    box_format: str
    image_folders: Tuple[str, ...]
    faults: Iterable[Tuple[str, str]] = ()
    category_ids: Dict[str, Union[int, str]] = {}
    counted_folder: Optional[str] = None
    notes: Tuple[str, ...] = ()
