"""The exponential moving average of a network's weights."""
import itertools
from typing import Dict, List, Mapping, Tuple

import mxnet as mx
from mxnet.gluon import Parameter

from ..checkpoints.parameters import parameter_value, role


# Arrays of at most so many numbers are averaged by one call for several, at most _GROUP: the call costs more than they.
_SMALL = 4096
_GROUP = 45
_Pair = Tuple[mx.nd.NDArray, mx.nd.NDArray]  # an average, and the weights that it follows


class WeightAverage:
    """Averages the weights of a network over the steps of its training, in place.

    Step t, counted from 0, moves the average towards the weights: average += (1 - d) * (weights - average) with
    d = min(decay, (1 + t) / (10 + t)). The smaller decay of the first steps lets it forget the weights of the start.

    The moving means and variances of batch normalization are averaged with the same decays, because those of the last
    step belong to the weights of the last step. Parameters that are not trained, and the statistics of a network that
    keeps them as they are, have no average.

    Args:
        parameters: the initialised parameters of the network by name.
        decay: from 0 to 1; 0.999 averages over about a thousand steps.
        with_statistics: whether moving means and variances follow the batches; otherwise they stay as they are.

    Attributes:
        names: the parameters that have an average.
        updates: the number of steps that have been averaged.
    """

    def __init__(self, parameters: Mapping[str, Parameter], decay: float, with_statistics: bool = True):
        self._decay = decay
        self._parameters = {name: parameter for name, parameter in parameters.items()
                            if (with_statistics if role(name) == "aux:" else parameter.grad_req != "null")}
        self.names = list(self._parameters)
        self._averages: Dict[str, List[mx.nd.NDArray]] = {}
        self._groups: List[List[_Pair]] = []
        self.begin()

    def begin(self, updates: int = 0) -> None:
        """Takes the present weights for the average of `updates` steps."""
        self.updates = updates
        self._averages = {name: [array.copy() for array in self._current(name)] for name in self.names}
        pairs = [pair for name in self.names for pair in zip(self._averages[name], self._current(name))]
        self._groups = _groups(pairs)

    def update(self) -> None:
        """Averages the weights of one more step."""
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        # Steps of gradient descent with weight decay 1 and the gradient -weights: MXNet makes one in a single pass.
        for group in self._groups:
            if len(group) == 1:
                average, array = group[0]
                mx.nd.sgd_update(average, array, lr=1 - decay, wd=1, rescale_grad=-1, out=average)
            else:
                mx.nd.multi_sgd_update(*itertools.chain(*group), lrs=[1 - decay] * len(group), wds=[1] * len(group),
                                       rescale_grad=-1, num_weights=len(group), out=[average for average, _ in group])
        self.updates += 1

    def arrays(self) -> Dict[str, mx.nd.NDArray]:
        """Copies the averages to the CPU, by name."""
        return {name: parameter_value(averages, name) for name, averages in self._averages.items()}

    def weights(self) -> Dict[str, mx.nd.NDArray]:
        """Copies the weights that have an average, as they are without it, to the CPU, by name."""
        return {name: parameter_value(parameter.list_data(), name) for name, parameter in self._parameters.items()}

    def statistics(self) -> Dict[str, List[mx.nd.NDArray]]:
        """The averages of moving means and variances themselves, on each device, by name."""
        return {name: arrays for name, arrays in self._averages.items() if role(name) == "aux:"}

    def _current(self, name: str) -> List[mx.nd.NDArray]:
        """The arrays that are averaged: weights are equal on all devices; each device has statistics of its own."""
        arrays = self._parameters[name].list_data()
        return arrays if role(name) == "aux:" else arrays[:1]


def _groups(pairs: List[_Pair]) -> List[List[_Pair]]:
    """Groups pairs for `WeightAverage.update`: large ones alone, small ones of a device together."""
    groups = [[pair] for pair in pairs if pair[0].size > _SMALL]
    for context in dict.fromkeys(average.context for average, _ in pairs):
        small = [pair for pair in pairs if pair[0].size <= _SMALL and pair[0].context == context]
        groups += [small[start:start + _GROUP] for start in range(0, len(small), _GROUP)]
    return groups
