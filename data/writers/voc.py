"""Writes data sets in the layout of Pascal VOC: `JPEGImages`, `Annotations`, `ImageSets/Main`."""
import os
from typing import Dict, List, Sequence, Tuple
from xml.sax.saxutils import escape

from ...progress import ProgressBar
from ..record import Record
from .image_files import ImageFiles
from .sets import RecordSets, counted

_DECIMALS = 4


def write_voc(folder: str, sets: RecordSets, classes: Sequence[str], images: ImageFiles) -> List[str]:
    """Writes image sets in the layout of Pascal VOC.

    Boxes count pixels from 1 and have inclusive ends. They are written to 0.0001 pixel: whole numbers, as VOC has them,
    wherever the boxes are whole.

    Args:
        folder: is there, and empty.
        sets: the records of each image set by its name.
        classes: names of the classes by id.
        images: puts the image files into the folder.

    Returns:
        What VOC cannot keep, a sentence each.
    """
    os.makedirs(os.path.join(folder, "Annotations"))
    os.makedirs(os.path.join(folder, "ImageSets", "Main"))
    names = images.names()
    stems: Dict[Tuple[str, bytes, bytes], str] = {}  # by the file and its boxes: an image of two sets is written once
    crowd = ignored = areas = 0
    for image_set, records in sets.items():
        of_this_set: Dict[str, None] = {}
        for record in ProgressBar(records, desc=image_set, unit="image", leave=False, disable=None):
            key = os.path.realpath(record.path), record.boxes.tobytes(), record.classes.tobytes()
            if stems.get(key, "") in of_this_set or key not in stems:
                name = names.name(record.path)
                stems[key] = os.path.splitext(name)[0]
                images.put(record.path, os.path.join(folder, "JPEGImages", name))
                with open(os.path.join(folder, "Annotations", stems[key] + ".xml"), "w", encoding="utf-8") as file:
                    file.write(_xml(record, name, classes))
                crowd += int(record.crowd.sum())
                ignored += int(record.ignored.sum())
                areas += int((abs(record.areas - _box_areas(record)) > 0.5).sum())
            of_this_set[stems[key]] = None
        with open(os.path.join(folder, "ImageSets", "Main", image_set + ".txt"), "w", encoding="utf-8") as file:
            file.write("".join(f"{stem}\n" for stem in of_this_set))
    return counted((crowd, "crowd", "written as a difficult object, because VOC has no crowds"),
                   (ignored, "ignored object", "written as a difficult object"),
                   (areas, "area other than that of the box", "not kept, because VOC has no areas"))


def _box_areas(record: Record) -> Sequence[float]:
    return record.coco_boxes[:, 2] * record.coco_boxes[:, 3]


def _xml(record: Record, name: str, classes: Sequence[str]) -> str:
    lines = ["<annotation>", "  <folder>JPEGImages</folder>", f"  <filename>{escape(name)}</filename>", "  <size>",
             f"    <width>{record.width}</width>", f"    <height>{record.height}</height>", "    <depth>3</depth>",
             "  </size>", "  <segmented>0</segmented>"]
    not_counted = record.difficult | record.crowd | record.ignored
    for box, class_id, difficult in zip(record.boxes.tolist(), record.classes, not_counted):
        lines += ["  <object>", f"    <name>{escape(classes[class_id])}</name>", "    <pose>Unspecified</pose>",
                  "    <truncated>0</truncated>", f"    <difficult>{int(difficult)}</difficult>", "    <bndbox>"]
        lines += [f"      <{tag}>{round(value + 1, _DECIMALS):.10g}</{tag}>"
                  for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box)]
        lines += ["    </bndbox>", "  </object>"]
    return "\n".join([*lines, "</annotation>", ""])
