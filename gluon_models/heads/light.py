"""The light head (paper, section 3.2): one hidden layer and two siblings on the pooled 10x7x7."""
from .fully_connected import FullyConnectedHead


class LightHead(FullyConnectedHead):
    """Nodes `fc_new_1`, `cls_score` and `bbox_pred`; inputs and outputs: `FullyConnectedHead`.

    Args:
        num_classes, class_agnostic, in_units: see `FullyConnectedHead`.
        hidden: units of `fc_new_1`; 0 leaves it out, as in the first steps of the paper's ablation.
    """

    def __init__(self, num_classes, class_agnostic=True, in_units=490, hidden=2048):
        super().__init__(num_classes, class_agnostic, in_units, (hidden,) if hidden else ())
