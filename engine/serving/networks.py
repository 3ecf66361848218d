"""How a worker calls the network of a detector from several threads, and for several images at a time.

The answers are those of the network for one image alone, bit for bit. Engines choose their kernels by the shapes of
their inputs, so that an image in a batch can come out otherwise in the last bits; a batch of a new shape is therefore
run both ways first, and its shape goes alone from then on where the answers differ.
"""
import threading
from collections import OrderedDict
from typing import Callable, List, Sequence, Tuple

import numpy as np

from ..deploy.engines.engine_detector import EngineDetector
from ..inference.detector import Detector
from ..inference.requests import NetworkAnswer, small_batch

# Shapes of batches of which it is known whether they answer as single images do.
_KNOWN_SHAPES = 256

# Function from the inputs of a batch, those of each view after one another, to the network's answer.
Call = Callable[[Sequence[np.ndarray]], NetworkAnswer]


class Network:
    """A network that threads call.

    Args:
        alone: calls it while no other call runs.
        beside: calls it beside others.
        calls: that may run at a time.
        most: images that go through it at a time at most.
    """

    def __init__(self, alone: Call, beside: Call, calls: int, most: int):
        self._alone, self._beside, self.calls, self._most = alone, beside, calls, most
        self._slots, self._lock, self._running = threading.Semaphore(calls), threading.Lock(), 0
        self._exact: "OrderedDict[Tuple, bool]" = OrderedDict()

    def batch_of(self, height: int, width: int) -> int:
        """How many images of a size, in pixels of the network's input, gain by going through it at a time."""
        return min(self._most, small_batch(height, width))

    def __call__(self, images: Sequence[Sequence[np.ndarray]]) -> List[NetworkAnswer]:
        """Runs the network.

        Args:
            images: for each image x (1, 3, h, w) and im_info (1, 3) of each view, of the same shapes.

        Returns:
            ids (K, 1), scores (K, 1) and boxes (K, 4) of each image.
        """
        if len(images) == 1:
            return self._one_by_one(images)
        key = (len(images), *(array.shape for array in images[0]))
        with self._lock:
            exact = self._exact.get(key)
        if exact is False:
            return self._one_by_one(images)
        together = self._split(self._call([np.concatenate(arrays) for arrays in zip(*images)]))
        if exact:
            return together
        one_by_one = self._one_by_one(images)
        with self._lock:
            self._exact[key] = all(map(_equal, together, one_by_one))
            while len(self._exact) > _KNOWN_SHAPES:
                self._exact.popitem(last=False)
        return one_by_one

    def _one_by_one(self, images: Sequence[Sequence[np.ndarray]]) -> List[NetworkAnswer]:
        return [self._split(self._call(arrays))[0] for arrays in images]

    @staticmethod
    def _split(answer: NetworkAnswer) -> List[NetworkAnswer]:
        return list(zip(*answer))

    def _call(self, arrays: Sequence[np.ndarray]) -> NetworkAnswer:
        with self._slots:
            with self._lock:
                self._running += 1
                call = self._alone if self._running == 1 else self._beside
            try:
                return call(arrays)
            finally:
                with self._lock:
                    self._running -= 1


def open_network(detector: Detector, most: int) -> Network:
    """Returns the network of a detector.

    An ONNX export is loaded twice: a call that runs alone uses all threads of the processor, and calls beside one
    another use one thread each, which takes less of it. MXNet takes one call at a time.

    Args:
        detector: nobody else uses it.
        most: images that go through the network at a time at most.
    """
    if isinstance(detector, EngineDetector):
        beside, calls = detector.parallel()
        return Network(lambda arrays: detector.net.arrays(*arrays), lambda arrays: beside(*arrays), calls, most)

    def call(arrays: Sequence[np.ndarray]) -> NetworkAnswer:
        views = list(zip(arrays[::2], arrays[1::2]))
        return tuple(array.asnumpy() for array in detector.views(views, detector.contexts[0]))

    return Network(call, call, 1, most)


def _equal(one: NetworkAnswer, other: NetworkAnswer) -> bool:
    """Whether two answers hold the same objects; rows of -1 behind them may be more or fewer."""
    found = [(answer[0][:, 0] >= 0) for answer in (one, other)]
    return all(np.array_equal(mine[found[0]], yours[found[1]]) for mine, yours in zip(one, other))
