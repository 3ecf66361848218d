"""Truncated SVD of the hidden layers of a trained detector's head (Fast R-CNN, arXiv 1504.08083, section 3.1)."""
import time
from statistics import median
from typing import Dict, Mapping, NamedTuple, Optional, Sequence

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ...errors import ModelError, UsageError
from ...gluon_models.low_rank import SingularValues, check_ranks, dense_layers
from ..checkpoints.parameters import own_parameters
from ..config import with_values
from ..config.kinds import layer_ranks
from .changed_networks import network_of_arrays
from .loading import TrainedNetwork

_TIMES = 5  # runs of the head, of which the median counts


class CompressedNetwork(NamedTuple):
    """A detector whose head has layers of low rank, with its configuration."""

    net: HybridBlock
    cfg: CfgNode
    ranks: Dict[str, int]  # of the layers that were split now, by their names


def compress(trained: TrainedNetwork, contexts: Sequence[mx.Context], ranks: Optional[Mapping[str, int]] = None,
             energy: Optional[float] = None) -> CompressedNetwork:
    """Replaces fully connected hidden layers of a detector's head by two layers each, of a low rank.

    A layer of the weights W is replaced by one of the weights Sigma_t V_t^T, without biases, and one of the weights
    U_t, with the biases of the layer; there is nothing between them. At full rank the detector answers the same.

    Args:
        trained: see `load_network`; its network stays as it is.
        contexts: the devices that hold the parameters.
        ranks: t by the names of layers, such as {"fc6": 1024, "fc7": 256}.
        energy: in place of ranks: each hidden layer gets the smallest rank at which its squared singular values add up
            to this share of the sum of all.

    Raises:
        UsageError: both or none of `ranks` and `energy` are given, the energy is not above 0 and at most 1, there is no
            such layer, a rank is above the full one, or the detector is a symbolic graph.
    """
    if trained.cfg.symbol:
        raise UsageError(f"{trained.path} is a symbolic graph, {trained.cfg.symbol}: only Gluon models can be "
                         "compressed; lhrcnn convert takes its weights over into one")
    if (ranks is None) == (energy is None):
        raise UsageError("say either the ranks of layers or the energy that is to be kept")
    if energy is not None and not 0 < energy <= 1:
        raise UsageError(f"the energy is {energy:g}; it is a share, above 0 and at most 1")
    layers = {name: layer.weight.data(contexts[0]).asnumpy() for name, layer in dense_layers(trained.net.head).items()}
    if not layers:
        raise UsageError(f"{trained.path} has no fully connected hidden layer that is not compressed already")
    try:
        check_ranks(ranks or {}, {name: weight.shape for name, weight in layers.items()})
    except ModelError as error:
        raise UsageError(str(error)) from None
    values = {name: SingularValues.of(weight) for name, weight in layers.items() if ranks is None or name in ranks}
    ranks = dict(ranks) if ranks else {name: one.rank_of_energy(energy) for name, one in values.items()}
    text = ",".join(f"{name}={rank}" for name, rank in {**layer_ranks(trained.cfg.network.HEAD_RANKS), **ranks}.items())
    cfg = with_values(trained.cfg, {"network.HEAD_RANKS": text})
    arrays = {name: parameter.data(contexts[0]) for name, parameter in own_parameters(trained.net).items()}
    for name, rank in ranks.items():
        arrays.update({f"{name}_{part}": mx.nd.array(array) for part, array in values[name].split(rank).items()})
        arrays[f"{name}_U_bias"] = arrays[f"{name}_bias"]
    return CompressedNetwork(network_of_arrays(cfg, trained.net.classes, arrays, contexts), cfg, ranks)


def count_parameters(block: HybridBlock) -> int:
    """Returns how many numbers the parameters of a block are."""
    return sum(int(np.prod(parameter.shape)) for parameter in block.collect_params().values())


def time_head(net: HybridBlock, rois: int, context: mx.Context) -> float:
    """Returns the seconds that the fully connected layers of a detector's head take, the median of several runs.

    Args:
        net: a detector whose head is a `FullyConnectedHead`.
        rois: RoIs at a time.
        context: the device.
    """
    first = next(iter(net.head.hidden_layers)).collect_params().values()
    pooled = mx.nd.random.uniform(shape=(rois, next(iter(first)).shape[1]), ctx=context)
    seconds = []
    for _ in range(_TIMES + 1):
        began = time.monotonic()
        for output in net.head(pooled):
            output.wait_to_read()
        seconds.append(time.monotonic() - began)
    return median(seconds[1:])  # the first run plans its memory
