"""The folder of a packed data set, which its manifest tells from others."""
import os
from typing import Union

MANIFEST = "packed_data_set.json"
JOURNAL = "packing.jsonl"  # of a packing that has not come to its end


def is_packed(path: Union[str, "os.PathLike[str]"]) -> bool:
    """Returns whether a folder holds a packed data set."""
    return os.path.isfile(os.path.join(path, MANIFEST))


def is_half_packed(path: Union[str, "os.PathLike[str]"]) -> bool:
    """Returns whether a folder holds a data set whose packing was interrupted."""
    return not is_packed(path) and os.path.isfile(os.path.join(path, JOURNAL))
