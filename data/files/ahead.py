"""Work of threads, a little ahead of the one that uses it."""
from collections import deque
from concurrent.futures import Executor, Future
from typing import Any, Callable, Deque, Iterable, Iterator, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_ahead(pool: Executor, function: Callable[[_Item], _Result], items: Iterable[_Item],
              ahead: int) -> Iterator[_Result]:
    """Yields what a function returns for each item, in order, as `Executor.map` does for few items.

    Items are taken, and results kept, only as far as `ahead`, so that millions of them need no memory.

    Args:
        pool: calls the function.
        function: of one item.
        items: is iterated over in this thread.
        ahead: number of calls that are begun before the first result is asked for.

    Raises:
        Exception: whatever the function raised. What has not begun by then is not begun.
    """
    waiting: Deque["Future[Any]"] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for one in waiting:
            one.cancel()
