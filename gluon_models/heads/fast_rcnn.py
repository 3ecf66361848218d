"""The head of Fast R-CNN (arXiv 1504.08083, section 2.1): the hidden layers of a classifier, and two output layers."""
from typing import Sequence

import mxnet as mx

from .fully_connected import FullyConnectedHead

# Standard deviation of the first weights of `bbox_pred` (the Fast R-CNN paper, section 2.3).
BOX_STD = 0.001


class FastRCNNHead(FullyConnectedHead):
    """Nodes `fc6`, `fc7`, ..., `cls_score` and `bbox_pred`. Inputs and outputs are those of `FullyConnectedHead`.

    Args:
        num_classes, class_agnostic, in_units, hidden, dropout: see `FullyConnectedHead`.
    """

    def __init__(self, num_classes: int, class_agnostic: bool, in_units: int, hidden: Sequence[int],
                 dropout: float = 0.5):
        names = [f"fc{number}" for number, _ in enumerate(hidden, 6)]
        super().__init__(num_classes, class_agnostic, in_units, hidden, names, dropout, mx.init.Normal(BOX_STD))
