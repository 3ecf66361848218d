"""What all versions of the VGG Image Annotator state of an image."""
from typing import Any, List, Mapping, NamedTuple, Tuple

# The shape and the attributes of a region, as version 2 writes them.
ViaRegion = Tuple[Mapping[str, Any], Mapping[str, Any]]


class ViaEntry(NamedTuple):
    """What is read of one image.

    Attributes:
        name: of its file.
        fault: what is wrong with its entry, or "".
        regions: its regions.
        other_name: another name of its file; "" for none.
    """

    name: str
    fault: str
    regions: List[ViaRegion]
    other_name: str = ""
