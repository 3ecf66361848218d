"""Averages what each process, and each of its devices, gathers of its own images: the statistics of batch norms."""
from typing import Dict, List

import mxnet as mx

from .group import Group


def share_statistics(group: Group, statistics: Dict[str, List[mx.nd.NDArray]]) -> None:
    """Sets statistics, on all devices of all processes, to their means.

    Moving means and variances are linear in those of the batches: a training that shares them now and then has, in
    the end, the same means as one that never did.

    Args:
        group: the processes.
        statistics: arrays on each device, by name.
    """
    if group.size == 1 or not statistics:
        return
    names = sorted(statistics)
    means = [sum(array.asnumpy() for array in statistics[name]) / len(statistics[name]) for name in names]
    for name, mean in zip(names, group.mean(means)):
        for array in statistics[name]:
            array[:] = mx.nd.array(mean, ctx=array.context)
