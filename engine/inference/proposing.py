"""Finds the proposals of all images of a data set in worker processes, and writes them to one file, part by part."""
import contextlib
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...data import Dataset, Record
from ...data.batching.workers import WorkerPool
from ...data.files.image_bytes import image_file_size
from ...data.proposals import Entry, FileOfProposals, describe_npz, names_of, read_proposals, write_proposals
from ...data.proposals.methods import FoundBoxes, ProposalFinder
from ...errors import DataError, UsageError
from ...progress import ProgressBar
from ..files import PathLike, atomic_write

_PART_SECONDS = 30.0  # of work is lost at most when the process is killed
_TIMEOUT = 3600.0  # seconds for one image, after which its worker is replaced


class _Image(NamedTuple):
    """An image as it was when its proposals were found; another one of the same name differs in this."""

    width: int
    height: int
    bytes: int  # of its file


class Proposed(NamedTuple):
    """What `propose_for_dataset` did.

    Attributes:
        path: the file of proposals.
        images: how many the data set has.
        found_before: of how many of them the file, or parts of it, had the proposals already.
        seconds: that finding the others took, with all workers.
        unread: how many could not be read; they have no proposals.
    """

    path: Path
    images: int
    found_before: int
    seconds: float
    unread: int


def file_name(data_set: str, image_set: str, method: str, mode: str = "fast") -> str:
    """Returns the name of a file of proposals, such as bccd-train-selective_search-fast.npz.

    Args:
        data_set: its folder.
        image_set: the name of the set.
        method, mode: see `ProposalFinder`.
    """
    of_search = f"-{mode}" if method == "selective_search" else ""
    stem = f"{Path(os.path.abspath(data_set)).stem}-{image_set}-{method}{of_search}"
    return re.sub(r"[^\w.+-]", "_", stem) + ".npz"


def propose_for_dataset(dataset: Dataset, finder: ProposalFinder, path: PathLike, workers: int) -> Proposed:
    """Finds the proposals of all images of a data set, with a progress bar, and writes them to a file.

    What is found is written to parts beside the file as it goes. A call that was stopped, even killed, is gone on with
    by the next one, and images that were added to a data set are added to its file. An image whose size or whose
    file's number of bytes is another than before is looked at again, be it changed or of another data set.

    Args:
        dataset: the images. Faults of images that cannot be read are reported to its log.
        finder: what finds the proposals.
        path: the file, see `write_proposals`. The folder of its parts is named so with .parts behind.
        workers: processes; 0 works in this one.

    Raises:
        UsageError: the file has proposals that were found in another way, or of no image of this data set.
        DataError: an image cannot be read, and the policy of the data set makes that an error.
        TrainingError: an image has ended several workers, one after the other.
    """
    parts = _Parts(Path(path), finder)
    names = names_of(dataset.records, dataset.path)
    records = dict(zip(names, dataset.records))
    wanted = {name: _image(record) for name, record in records.items()}
    known = parts.known(wanted)
    parts.refuse_other_data_set(known)
    missing = [name for name in records if name not in known]
    start, unread = time.monotonic(), 0
    if missing or not Path(path).exists() or parts.files:
        with ProgressBar(total=len(records), initial=len(known), desc=f"{finder.method} {dataset.image_set}",
                         unit="image") as bar, contextlib.closing(_Writer(parts, wanted)) as writer:
            for name, (found, error) in zip(missing, _run(finder, [records[name] for name in missing], workers)):
                if error is not None:
                    unread += 1
                    dataset.log.report_once(error.kind, str(error))
                writer.add(name, found)
                bar.update()
        seconds = time.monotonic() - start
        parts.join(wanted)
    else:
        seconds = 0.0
    return Proposed(Path(path), len(records), len(known), seconds, unread)


def _run(finder: ProposalFinder, records: Sequence[Record],
         workers: int) -> Iterator[Tuple[FoundBoxes, Optional[DataError]]]:
    if not records:
        return iter(())
    return WorkerPool(finder, min(workers, len(records)), _TIMEOUT, lambda record: [record.path]).run(records)


def _image(record: Record) -> _Image:
    try:
        size = image_file_size(record.path)
    except (OSError, DataError):
        size = 0
    return _Image(record.width, record.height, size)


def _images(about: FileOfProposals) -> List[_Image]:
    """The images of a file, in its order."""
    return [_Image(*size, number) for size, number in zip(about.sizes.tolist(), about.file_bytes.tolist())]


class _Parts:
    """A file of proposals and the parts that it is not made of yet.

    Args:
        path: the file.
        finder: what finds the proposals; parts that were found in another way are removed.

    Raises:
        UsageError: the file has proposals that were found in another way.
    """

    def __init__(self, path: Path, finder: ProposalFinder):
        self.path, self.folder = path, path.with_name(path.name + ".parts")
        self.method, self.settings = finder.method, json.dumps(finder.settings, sort_keys=True)
        self.files: List[Path] = []
        if path.exists():
            self._check(path)
        for file in sorted(self.folder.glob("part-*.npz")):
            try:
                self._check(file)
                self.files.append(file)
            except (DataError, UsageError):
                file.unlink()

    def _check(self, file: Path) -> None:
        found = describe_npz(str(file))
        if (found.method, found.settings) != (self.method, self.settings):
            raise UsageError(f"{file} has proposals of {found.method} {found.settings}, and those of {self.method} "
                             f"{self.settings} are asked for: name another folder by --out, or remove the file")

    def _sources(self) -> List[Path]:
        return [self.path] * self.path.exists() + self.files

    def known(self, wanted: Dict[str, _Image]) -> Dict[str, int]:
        """Returns the images whose proposals are there, each with its number of boxes."""
        found: Dict[str, int] = {}
        for file in self._sources():
            about = describe_npz(str(file))
            for name, image, count in zip(about.images, _images(about), about.counts.tolist()):
                if wanted.get(name) == image:
                    found.setdefault(name, count)
        return found

    def refuse_other_data_set(self, known: Dict[str, int]) -> None:
        """Raises UsageError where the file has proposals, but of none of the images `known`: it would be lost."""
        others = describe_npz(str(self.path)).images if self.path.exists() else []
        if len(others) and not known:
            raise UsageError(f"{self.path} has proposals of other images, such as {others[0]}, and of no image of this "
                             "data set as it is now: name another folder by --out, or remove the file")

    def write(self, names: Sequence[str], images: Sequence[_Image], found: Sequence[FoundBoxes]) -> None:
        """Writes a part."""
        file = self.folder / f"part-{len(self.files):06d}.npz"
        while file.exists():
            file = file.with_name(f"part-{int(file.stem[5:]) + 1:06d}.npz")
        has_scores = self.method == "edge_boxes"
        with atomic_write(file) as temporary:
            write_proposals(temporary, names, [image[:2] for image in images], [len(one.boxes) for one in found],
                            (one.boxes for one in found), (one.scores for one in found) if has_scores else None,
                            self.method, self.settings, [image.bytes for image in images])
        self.files.append(file)

    def join(self, wanted: Dict[str, _Image]) -> None:
        """Makes the file of what it had and of the parts, and removes those."""
        known = self.known(wanted)
        with atomic_write(self.path) as temporary:
            write_proposals(temporary, list(known), [wanted[name][:2] for name in known], list(known.values()),
                            (entry.boxes for entry in self._entries(wanted)),
                            (entry.scores for entry in self._entries(wanted)) if self.method == "edge_boxes" else None,
                            self.method, self.settings, [wanted[name].bytes for name in known])
        shutil.rmtree(self.folder, ignore_errors=True)
        self.files = []

    def _entries(self, wanted: Dict[str, _Image]) -> Iterator[Entry]:
        """Yields the entries in the order of `known`, one at a time."""
        done = set()
        for file in self._sources():
            for entry, image in zip(read_proposals(file), _images(describe_npz(str(file)))):
                if wanted.get(entry.name) == image and entry.name not in done:
                    done.add(entry.name)
                    yield entry


class _Writer:
    """Collects what is found, and writes a part of it every now and then, and at the end."""

    def __init__(self, parts: _Parts, images: Dict[str, _Image]):
        self._parts, self._images = parts, images
        self._found: Dict[str, FoundBoxes] = {}
        self._written = time.monotonic()

    def add(self, name: str, found: FoundBoxes) -> None:
        """Takes the proposals of an image."""
        self._found[name] = found
        if time.monotonic() - self._written > _PART_SECONDS:
            self.close()

    def close(self) -> None:
        """Writes what was not written yet."""
        if self._found:
            names = list(self._found)
            self._parts.write(names, [self._images[name] for name in names], list(self._found.values()))
            self._found, self._written = {}, time.monotonic()
