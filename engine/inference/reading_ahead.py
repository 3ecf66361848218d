"""Reads images in threads, ahead of the network that needs them."""
import itertools
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, Deque, Iterable, Iterator, List, Sequence, Tuple, TypeVar, Union

from ...errors import DataError

# Threads that read and prepare images, and images that they are ahead of the network: eight fill its largest batch.
_READERS, _AHEAD = 2, 8
_AHEAD_PIXELS = 4e6  # of the network's inputs that wait; large ones take much memory

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(read: Callable[[Item], Result], items: Iterable[Item], scales: Sequence[Tuple[int, int]],
               most: int = _AHEAD) -> Iterator[Union[Result, DataError]]:
    """Reads and prepares images in threads, a bounded number ahead of those that were asked for.

    Args:
        read: function that reads an item; threads call it.
        items: are taken in the thread that asks.
        scales: of the images that are prepared, see `InputPreparation`; their sizes say how many may wait.
        most: how many may wait at most.

    Returns:
        Iterator of what `read` gave for each item, in order, or of the DataError that it raised. An error of `items`
        itself is raised after what was read before. Closing the iterator ends the threads.
    """
    pixels = sum(short * long for short, long in scales)
    ahead = max(_READERS, min(most, int(_AHEAD_PIXELS // pixels)))
    failures: List[Exception] = []
    items = until_failure(items, failures)
    reading: Deque[Future] = deque()
    readers = ThreadPoolExecutor(_READERS, thread_name_prefix="lhrcnn-reader")
    try:
        while True:
            for item in itertools.islice(items, ahead - len(reading)):
                reading.append(readers.submit(_result_or_error, read, item))
            if not reading:
                break
            yield reading.popleft().result()
    finally:
        for future in reading:
            future.cancel()
        readers.shutdown()
    if failures:
        raise failures[0]


def until_failure(items: Iterable[Item], failures: List[Exception]) -> Iterator[Item]:
    """Yields items until they end or fail, and puts the error into a list."""
    try:
        yield from items
    except Exception as error:
        failures.append(error)


def _result_or_error(read: Callable[[Item], Result], item: Item) -> Union[Result, DataError]:
    try:
        return read(item)
    except DataError as error:
        return error
