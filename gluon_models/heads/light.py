"""The light head (paper, section 3.2): one hidden layer and two output layers on the pooled 10x7x7."""
from .fully_connected import FullyConnectedHead


class LightHead(FullyConnectedHead):
    """Nodes `fc_new_1`, `cls_score` and `bbox_pred`. Inputs and outputs are those of `FullyConnectedHead`.

    Args:
        num_classes, class_agnostic, in_units: see `FullyConnectedHead`.
        hidden: units of `fc_new_1`; 0 leaves the layer out, as the first steps of the paper's ablation do.
    """

    def __init__(self, num_classes: int, class_agnostic: bool = True, in_units: int = 490, hidden: int = 2048):
        super().__init__(num_classes, class_agnostic, in_units, (hidden,) if hidden else ())
