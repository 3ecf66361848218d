"""Reads one annotation file in Pascal VOC's format."""
import re
from typing import List, NamedTuple, Optional
from xml.etree import ElementTree

from ...errors import DataError
from ..assembling.meaning import as_class_name
from ..assembling.raw import RawObject
from ..files.opening import read_regular
from ..files.xml_text import reject_document_type

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["'][^>]*\?>""")


class VocAnnotation(NamedTuple):
    """What an XML file states of its image; nothing is checked.

    Attributes:
        filename: name of the image file, without folders; None where it is not stated.
        width, height: texts, or None.
        objects: the objects, numbered from 1.
    """

    filename: Optional[str]
    width: Optional[str]
    height: Optional[str]
    objects: List[RawObject]


def read_voc_xml(file: str) -> VocAnnotation:
    """Reads an XML file; its elements may be in a namespace.

    Raises:
        DataError: it cannot be read, is not valid XML, or its root is not `annotation` (kind "image_entry_broken").
    """
    root = _parse(file)
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = element.tag.partition("}")[2]
    if root.tag != "annotation":
        raise DataError(f"{file}: not an annotation in Pascal VOC's format, its root is {root.tag!r}",
                        "image_entry_broken")
    filename = (root.findtext("filename") or "").strip().replace("\\", "/").rpartition("/")[2]
    objects = []
    for position, element in enumerate(root.findall("object"), 1):
        corners = element.find("bndbox")
        box = None if corners is None else [corners.findtext(key) for key in _CORNERS]
        objects.append(RawObject(position, as_class_name(element.findtext("name")), box,
                                 element.findtext("difficult"), stated_class=""))
    return VocAnnotation(filename or None, root.findtext("size/width"), root.findtext("size/height"), objects)


def _parse(file: str) -> ElementTree.Element:
    try:
        data = read_regular(file)
        try:
            reject_document_type((data,))
            return ElementTree.fromstring(data)
        except (LookupError, ValueError):
            # An encoding that the parser does not know, but Python may.
            declared = _DECLARED_ENCODING.match(data)
            if declared is None:
                raise
            text = data[declared.end():].decode(declared.group(1).decode())
            reject_document_type((text.encode(),))
            return ElementTree.fromstring(text)
    except OSError as error:
        raise DataError(f"{file}: the annotation file cannot be read ({error.strerror})",
                        "image_entry_broken") from None
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise DataError(f"{file}: not valid XML ({error})", "image_entry_broken") from None
