"""Finds the sets of a packed data set, which its manifest names."""
import os

from ..files.packed_folders import MANIFEST
from ..packing.manifest import read_manifest
from .found import FoundDataset, FoundSet
from .layouts import PACKED
from .set_names import in_order


def find_packed(path: str) -> FoundDataset:
    """Returns the sets of a packed data set.

    Args:
        path: its folder.

    Raises:
        DataError: its manifest is damaged.
    """
    manifest = read_manifest(path)
    file = os.path.join(path, MANIFEST)
    sets = {name: FoundSet(name, name, PACKED, (file,), (), names=manifest.classes) for name in manifest.sets}
    return FoundDataset(path, PACKED, {name: sets[name] for name in in_order(sets)})
