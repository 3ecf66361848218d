"""Proposals of single photographs: read from a file, or found by a method that looks at the pixels."""
from contextlib import suppress
from pathlib import Path
from typing import Callable, Dict, Iterator, Sequence, Union

import numpy as np

from ... import data
from ...data.proposals import load_proposals
from ...data.proposals.methods import METHODS, ProposalFinder
from ...errors import DataError, UsageError
from .detector import Detector
from .streaming import Answer

# Function from an image file and its pixels, uint8 (H, W, 3) in RGB, to float32 (k, 4), boxes in the image's frame.
ProposalsOfPhoto = Callable[[Path, np.ndarray], np.ndarray]
# Pixels of larger images, in millions, are not kept until a picture is drawn.
_LARGE_IMAGE = 25


def open_proposals(source: str, files: Sequence[Path], limit: int,
                   max_megapixels: float = data.MAX_MEGAPIXELS) -> ProposalsOfPhoto:
    """Opens what gives the proposals of photographs.

    Args:
        source: one of `data.proposals.methods.METHODS`, or a file that `data.proposals.load_proposals` reads.
        files: the photographs.
        limit: proposals of a photograph at most.
        max_megapixels: see `Detector`.

    Returns:
        Function that gives the proposals of a photograph; it raises DataError where the file has no entry of it.

    Raises:
        UsageError: there is no such method or file.
        DataError, LibraryError: see `load_proposals` and `ProposalFinder`.
    """
    if source in METHODS:
        finder = ProposalFinder(source, limit=limit)
        return lambda file, pixels: finder.find(pixels).boxes
    if not Path(source).is_file():
        raise UsageError(f"--proposals {source}: there is no such file; the methods that find proposals are "
                         f"{' and '.join(METHODS)}")
    records: Dict[Path, data.Record] = {}
    for file in files:
        with suppress(DataError):  # a file that is no image is reported when it is read
            records[file] = data.make_record(file.stem, str(file), *data.image_size(file, max_megapixels), [])
    given = load_proposals(source, list(records.values()), limit) if records else None

    def of_photo(file: Path, pixels: np.ndarray) -> np.ndarray:
        if given is None or given.missing([records[file]]):
            raise DataError(f"{source}: there is no entry of the image {file}; --proposals selective_search finds "
                            "boxes in the image itself")
        return given.of(records[file])

    return of_photo


def detect_photos(detector: Detector, files: Sequence[Path],
                  proposals_of: ProposalsOfPhoto) -> Iterator[Union[Answer, DataError]]:
    """Runs a detector of given proposals on photographs, one after the other.

    Returns:
        Iterator of the answer for each file, in order, or of the DataError that says why there is none.
    """
    for file in files:
        try:
            pixels = detector.read(file)
            found = detector(pixels, proposals_of(file, pixels))
        except DataError as error:
            yield error
        else:
            yield Answer(pixels if pixels.size <= 3 * _LARGE_IMAGE * 1e6 else None, found)
