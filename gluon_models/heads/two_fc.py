"""The head of Faster R-CNN with two hidden layers, as the MXNet port has it."""
from .fully_connected import FullyConnectedHead


class TwoFCHead(FullyConnectedHead):
    """Nodes `fc_new_1`, `fc_new_2`, `cls_score` and `bbox_pred`; inputs and outputs: `FullyConnectedHead`.

    Args:
        num_classes, class_agnostic, in_units: see `FullyConnectedHead`.
        hidden: units of each of the two.
    """

    def __init__(self, num_classes, class_agnostic, in_units, hidden=1024):
        super().__init__(num_classes, class_agnostic, in_units, (hidden, hidden))
