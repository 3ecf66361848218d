"""How the network of a detector is started for some images while it still works on others."""
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, List, Sequence, Tuple

import mxnet as mx
import numpy as np

NetworkInput = Tuple[np.ndarray, np.ndarray]
NetworkAnswer = Tuple[np.ndarray, np.ndarray, np.ndarray]
# Of small images several go through MXNet at a time: most of the time of one would pass between its operators.
_BATCH_PIXELS, _LARGEST_BATCH = 8 * 128 * 128, 8


def small_batch(height: int, width: int) -> int:
    """How many images of a size, in pixels of the network's input, gain by going through a network at a time."""
    return max(1, min(_LARGEST_BATCH, _BATCH_PIXELS // (height * width)))


class Requests:
    """Starts a network for batches of images, and waits for its answers; a context manager that ends its threads.

    Attributes:
        in_flight: batches that should be started before the answer of the first is waited for.
    """

    in_flight = 1

    def batch_of(self, height: int, width: int) -> int:
        """Returns how many images of a size, in pixels of the network's input, should be started at a time."""
        return 1

    def begin(self, inputs: Sequence[NetworkInput]) -> Callable[[], NetworkAnswer]:
        """Starts the network.

        Args:
            inputs: for each view x float32 (N, 3, h, w) and im_info float32 (N, 3) of the same images.

        Returns:
            Function that waits for ids (N, K, 1), scores (N, K, 1) and boxes (N, K, 4), as `Detector.net` answers them.
        """
        raise NotImplementedError

    def __enter__(self) -> "Requests":
        return self

    def __exit__(self, *_: Any) -> None:
        pass


class NetworkRequests(Requests):
    """Requests to a network in MXNet, which works on what was started while this process prepares the next images.

    Args:
        views: see `MultiView`.
        contexts: the devices, which take turns.
    """

    def __init__(self, views: Callable[[Sequence[NetworkInput], mx.Context], List[mx.nd.NDArray]],
                 contexts: Sequence[mx.Context]):
        self._views, self._contexts, self._started = views, contexts, 0
        self.in_flight = 2 * len(contexts)

    def batch_of(self, height: int, width: int) -> int:
        """See `Requests`."""
        return small_batch(height, width)

    def begin(self, inputs: Sequence[NetworkInput]) -> Callable[[], NetworkAnswer]:
        """See `Requests`."""
        answer = self._views(inputs, self._contexts[self._started % len(self._contexts)])
        self._started += 1
        return lambda: tuple(array.asnumpy() for array in answer)


class ThreadedRequests(Requests):
    """Requests to a model that several threads may call at a time.

    Args:
        model: function of one view, (x, im_info), to ids, scores and boxes.
        threads: calls at a time.
    """

    def __init__(self, model: Callable[[np.ndarray, np.ndarray], NetworkAnswer], threads: int):
        self._model, self._pool = model, ThreadPoolExecutor(threads, thread_name_prefix="lhrcnn-request")
        self._futures: List[Future] = []
        self.in_flight = 2 * threads  # each thread finds the next batch waiting

    def begin(self, inputs: Sequence[NetworkInput]) -> Callable[[], NetworkAnswer]:
        """See `Requests`."""
        (x, im_info), = inputs
        self._futures = [future for future in self._futures if not future.done()]
        self._futures.append(self._pool.submit(self._model, x, im_info))
        return self._futures[-1].result

    def __exit__(self, *_: Any) -> None:
        for future in self._futures:
            future.cancel()
        self._pool.shutdown()
