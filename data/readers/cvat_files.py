"""Reads CVAT's own XML files ("CVAT for images 1.1"): one file for many images, of one subset or several."""
import html
import math
import os
import re
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple
from xml.etree import ElementTree

from ...errors import DataError
from ..assembling.meaning import as_class_name
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from ..files.opening import open_regular
from ..files.text_lists import read_text
from ..files.xml_text import reject_document_type
from .outlines import box_around, box_of_ellipse, box_of_turned_rectangle

# Looking for the subsets alone takes a quarter of the time of parsing the file.
_IMAGE, _SUBSET = re.compile(r"<image\s([^>]*)>"), re.compile(r"""\bsubset\s*=\s*(["'])(.*?)\1""")
_CHUNK = 1 << 16  # bytes
_CROWD_ATTRIBUTES = ("is_crowd", "iscrowd", "crowd")


def read_cvat_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                   counted_folder: Optional[str] = None, subset: Optional[str] = None) -> RawSet:
    """Reads an exported file; the boxes are those around its boxes, polygons, ellipses, cuboids and masks.

    An attribute `difficult` or `is_crowd` of a shape says that it is so.

    Args:
        annotation_file: the file, `annotations.xml`.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.
        subset: reads the images of this subset alone; None reads all.

    Raises:
        DataError: it is not valid XML, or it describes the frames of a video.
    """
    images: List[RawImage] = []
    tracks = 0
    for element in _elements(annotation_file):
        tracks += element.tag == "track"
        if element.tag == "image" and subset in (None, _subset_of(element)):
            images.append(_read_image(annotation_file, element, with_labels))
        if element.tag in ("image", "track"):
            element.clear()  # files of large projects would fill the memory
    if tracks and not images:
        raise DataError(f'{annotation_file}: it describes tracks in a video; export it as "CVAT for images 1.1", which '
                        "names the boxes of each frame")
    return RawSet(images, "edges", tuple(image_folders), counted_folder=counted_folder)


def cvat_subsets(annotation_file: str) -> Tuple[str, ...]:
    """Returns the names of a file's subsets in the order of the file; empty if it has none or cannot be read."""
    try:
        text = read_text(annotation_file)
    except DataError:
        return ()
    found = (_SUBSET.search(attributes) for attributes in _IMAGE.findall(text))
    subsets = tuple(dict.fromkeys(html.unescape(one[2]) if one else "" for one in found))
    return subsets if set(subsets) != {""} else ()


def _elements(file: str) -> Iterable[ElementTree.Element]:
    try:
        with open_regular(file) as stream:
            reject_document_type(iter(lambda: stream.read(_CHUNK), b""))
            stream.seek(0)
            for _, element in ElementTree.iterparse(stream):
                yield element
    except OSError as error:
        raise DataError(f"{file}: the annotation file cannot be read ({error.strerror})") from None
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise DataError(f"{file}: not valid XML ({error})") from None


def _subset_of(image: ElementTree.Element) -> str:
    return image.get("subset") or ""


def _read_image(file: str, element: ElementTree.Element, with_labels: bool) -> RawImage:
    name, subset = element.get("name") or "", _subset_of(element)
    where = f"{file}: image {element.get('id', '?')} ({name or 'without a name'})"
    stem = os.path.splitext(os.path.basename(name.replace("\\", "/")))[0]
    fault = None if name else ("image_entry_broken", f'{where} lacks a "name"')
    # A tag says something of the whole image.
    objects = [_read_object(position, shape) for position, shape in enumerate(element if with_labels else (), 1)
               if shape.tag != "tag"]
    # Images of a project lie in a folder for each subset, but not all tools that write such files do so.
    in_folder = f"{subset}/{name}" if subset and name else name
    return RawImage(where, stem, in_folder or "?", element.get("width"), element.get("height"), objects, fault,
                    other_name=name if in_folder != name else None)


def _read_object(position: int, shape: ElementTree.Element) -> RawObject:
    stated = {one.get("name", "").casefold(): one.text for one in shape.iter("attribute")}
    crowd = next((stated[name] for name in _CROWD_ATTRIBUTES if name in stated), None)
    label = shape.get("label")
    return RawObject(position, as_class_name(label), _box_of(shape), difficult=stated.get("difficult"), crowd=crowd,
                     stated_class=label)


def _box_of(shape: ElementTree.Element) -> object:
    """Returns left, top, right, bottom of the box around a shape; what the file states if that is broken."""
    read = _READ_BOX.get(shape.tag)
    try:
        if read is not None:
            return read(shape)
    except (TypeError, ValueError, OverflowError):
        pass
    if shape.tag == "skeleton":
        return NoBox("it is no box, but a skeleton")
    return {"shape": shape.tag, **{key: value for key, value in shape.attrib.items() if key != "rle"}}


def _numbers(shape: ElementTree.Element, *keys: str) -> List[float]:
    return [float(shape.get(key, "")) for key in keys]


def _angle(shape: ElementTree.Element) -> float:
    """Returns by how much a shape is turned clockwise about its centre, in radians."""
    return math.radians(float(shape.get("rotation", 0)))


def _rectangle(shape: ElementTree.Element) -> object:
    left, top, right, bottom = edges = tuple(_numbers(shape, "xtl", "ytl", "xbr", "ybr"))
    return box_of_turned_rectangle(edges, _angle(shape), ((left + right) / 2, (top + bottom) / 2)) \
        if _angle(shape) else edges


def _polygon(shape: ElementTree.Element) -> object:
    return box_around(tuple(map(float, point.split(","))) for point in shape.get("points", "").split(";"))


def _line(shape: ElementTree.Element) -> object:
    return NoBox(f"it is no box, but a {shape.tag}" if shape.tag == "polyline" else "it is no box, but points",
                 _polygon(shape))


def _mask(shape: ElementTree.Element) -> object:
    left, top, width, height = _numbers(shape, "left", "top", "width", "height")
    return left, top, left + width, top + height


def _cuboid(shape: ElementTree.Element) -> object:
    corners = [f"{place}{side}" for side in (1, 2) for place in ("tl", "bl", "tr", "br")]
    return box_around(tuple(_numbers(shape, f"x{corner}", f"y{corner}")) for corner in corners)


def _ellipse(shape: ElementTree.Element) -> object:
    return box_of_ellipse(*_numbers(shape, "cx", "cy", "rx", "ry"), _angle(shape))


_READ_BOX: Dict[str, Callable[[ElementTree.Element], object]] = {
    "box": _rectangle, "polygon": _polygon, "mask": _mask, "cuboid": _cuboid, "ellipse": _ellipse,
    "polyline": _line, "points": _line}
