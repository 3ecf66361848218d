"""Packs the sets of a data set into a folder; a packing that was interrupted goes on where it was."""
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Mapping

from ...errors import UsageError
from ...progress import ProgressBar
from ..dataset import Dataset
from ..files.packed_folders import JOURNAL, MANIFEST, is_packed
from ..files.plain_names import plain_name
from .journal import Journal
from .manifest import Manifest
from .set_packer import PackOptions, SetPacker, digest_of
from .whole_files import whole_file


def check_pack_folder(folder: str) -> None:
    """Raises UsageError unless a data set can be packed into a folder: a new or empty one, or one of a packing."""
    if not os.path.lexists(folder):
        return
    if not os.path.isdir(folder):
        raise UsageError(f"{folder} is a file: name a new folder")
    if is_packed(folder):
        raise UsageError(f"{folder} holds a packed data set already: name a new folder, or remove that one")
    there = [name for name in os.listdir(folder) if not name.startswith(".")]
    if there and JOURNAL not in there:
        raise UsageError(f"{folder} is not empty: name a new folder")


def pack_datasets(folder: str, datasets: Mapping[str, Dataset], root: str, options: PackOptions) -> Manifest:
    """Packs image sets into a folder.

    A packing that was interrupted goes on behind the last shard that is whole, if it is begun again with the same data
    and options. The folder is a packed data set when the manifest is there, which is written last.

    Args:
        folder: is there, and nothing else writes to it; see `check_pack_folder`.
        datasets: by the name of the set, with the same classes. An image that cannot be read is reported to its log.
        root: folder of the data set: the names of images are their paths in it.
        options: see `PackOptions`.

    Raises:
        UsageError: see `check_pack_folder`, or the folder holds a packing of other data.
        DataError: an image cannot be read, and the policy makes that an error, or none of a set can.
        OSError: the disk is full, or fails. The shards that are whole stay.
    """
    check_pack_folder(folder)
    stems = {name: plain_name(name) for name in datasets}
    if len(set(stems.values())) < len(stems):
        raise UsageError(f"the sets {', '.join(stems)} would not all have names of their own, with _ in the place of /")
    first = next(iter(datasets.values()))
    packers = {name: SetPacker(folder, name, stems[name], one, root, options) for name, one in datasets.items()}
    made = {"source": os.path.abspath(root), "layout": first.layout, "shard_bytes": options.shard_bytes,
            "resize_short": options.resize_short, "shuffled": sorted(set(options.shuffled) & set(datasets)),
            "seed": options.seed}
    journal = Journal(folder, {
        "classes": digest_of(first.classes), "options": json.dumps({**made, "source": ""}),
        **{f"set {name}": packer.digest for name, packer in packers.items()}})
    with ProgressBar(total=sum(map(len, datasets.values())), desc="packing", unit="image", leave=False) as bar, \
            ThreadPoolExecutor(options.workers) as pool:
        sets = {name: packer.pack(journal, pool, bar) for name, packer in packers.items()}
    ids = first.all_that_was_read().rest["id_of_class"]
    manifest = Manifest(folder, first.classes, ids, sets, made)
    with whole_file(folder, MANIFEST) as file:
        file.write(json.dumps(manifest.as_json(), indent=1).encode() + b"\n")
    journal.remove()
    return manifest
