"""Runs a detector over a stream of images: the next are read and prepared while its network works on earlier ones."""
from collections import deque
from contextlib import closing
from typing import Callable, Deque, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union

import numpy as np

from ...errors import DataError
from .detections import Detections, to_original_frame
from .file_reading import ReadFile
from .reading_ahead import read_ahead, until_failure
from .requests import Requests

# Images that the network does not look at are passed on, so many of them while it works on earlier ones.
_PASSED_ON = 8
# Bytes of pixels that are kept for one batch: of large photographs, few of which fit into memory, it has fewer.
_KEPT_BYTES = 24e6

Item = TypeVar("Item")


class Answer(NamedTuple):
    """What was found in one image of a stream.

    Attributes:
        pixels: uint8 (H, W, 3), RGB, as they were read; None where they were not kept.
        found: the detections; None where none were asked for.
    """

    pixels: Optional[np.ndarray]
    found: Optional[Detections]


def detect_stream(read: Callable[[Item], ReadFile], images: Iterable[Item], scales: Sequence[Tuple[int, int]],
                  requests: Requests, yield_errors: bool = False) -> Iterator[Union[Detections, DataError]]:
    """Finds objects in each image of a stream; see `Detector.stream`.

    Args:
        read: function that reads and prepares an image; threads call it.
        images: what it takes.
        scales: of the images that it prepares, see `InputPreparation`.
        requests: start the network.
        yield_errors: give the DataError of an image as its answer.
    """
    with closing(read_ahead(read, images, scales)) as reads, closing(answers(requests, reads)) as found:
        for answer in found:
            if isinstance(answer, DataError) and not yield_errors:
                raise answer
            yield answer if isinstance(answer, DataError) else answer.found


def answers(requests: Requests, reads: Iterable[Union[ReadFile, DataError]]) -> Iterator[Union[Answer, DataError]]:
    """Runs a detector's network on images that were read, several of them at a time.

    Args:
        requests: start the network, see `Detector.requests`; ended with the iterator.
        reads: the images; one without inputs is passed on without detections.

    Returns:
        Iterator of the answer for each image, in order, or of its DataError. An error of `reads` itself is raised after
        the answers for those before.
    """
    failures: List[Exception] = []
    running: Deque[Tuple[List[Union[ReadFile, DataError]], Optional[Callable]]] = deque()
    with requests:
        for group in _groups(until_failure(reads, failures), requests):
            running.append((group, _begin(group, requests)))
            while sum(wait is not None for _, wait in running) >= requests.in_flight or len(running) > _PASSED_ON:
                yield from _finish(*running.popleft())
        while running:
            yield from _finish(*running.popleft())
    if failures:
        raise failures[0]


def _groups(reads: Iterable[Union[ReadFile, DataError]],
            requests: Requests) -> Iterator[List[Union[ReadFile, DataError]]]:
    """Puts neighbours with inputs of one size together, as many as should be started at a time."""
    group: List[Union[ReadFile, DataError]] = []
    most, kept = 1, 0
    for read in reads:
        shapes = _shapes(read)
        size = 0 if isinstance(read, DataError) or read.pixels is None else read.pixels.nbytes
        if group and (shapes != _shapes(group[0]) or len(group) >= most or kept + size > _KEPT_BYTES):
            yield group
            group, kept = [], 0
        kept += size
        most = requests.batch_of(*shapes[0][2:]) if shapes else 1
        group.append(read)
    if group:
        yield group


def _shapes(read: Union[ReadFile, DataError]) -> Tuple[Tuple[int, ...], ...]:
    return () if isinstance(read, DataError) else tuple(x.shape for x, _ in read.inputs)


def _begin(group: List[Union[ReadFile, DataError]], requests: Requests) -> Optional[Callable]:
    if not _shapes(group[0]):
        return None
    return requests.begin([tuple(np.concatenate(arrays) if len(group) > 1 else arrays[0] for arrays in zip(*view))
                           for view in zip(*(read.inputs for read in group))])


def _finish(group: List[Union[ReadFile, DataError]], wait: Optional[Callable]) -> Iterator[Union[Answer, DataError]]:
    if wait is None:
        yield from (read if isinstance(read, DataError) else Answer(read.pixels, None) for read in group)
        return
    for read, ids, scores, boxes in zip(group, *wait()):
        (height, width), scale = read.size, read.inputs[0][1][0, 2]
        yield Answer(read.pixels, to_original_frame(ids, scores, boxes, scale, width, height))
