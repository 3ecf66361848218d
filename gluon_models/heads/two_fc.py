"""The head of Faster R-CNN with two hidden layers, as the MXNet original has it."""
from .fully_connected import FullyConnectedHead


class TwoFCHead(FullyConnectedHead):
    """Nodes `fc_new_1`, `fc_new_2`, `cls_score` and `bbox_pred`. Inputs and outputs are those of `FullyConnectedHead`.

    Args:
        num_classes, class_agnostic, in_units: see `FullyConnectedHead`.
        hidden: units of each of the two hidden layers.
    """

    def __init__(self, num_classes: int, class_agnostic: bool, in_units: int, hidden: int = 1024):
        super().__init__(num_classes, class_agnostic, in_units, (hidden, hidden))
