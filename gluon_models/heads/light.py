"""The light head (paper, section 3.2): one hidden layer and two siblings on the pooled 10x7x7."""
from mxnet.gluon import HybridBlock, nn

from ..layers import relu


class LightHead(HybridBlock):
    """Nodes `fc_new_1`, `cls_score` and `bbox_pred`.

    Args:
        num_classes: background counted.
        class_agnostic: one box a RoI (8 outputs, background counted) or one a class (4 * num_classes).
        in_units: values a pooled RoI.
        hidden: units of `fc_new_1`.

    Input (R, in_units) or any shape that flattens to it; outputs logits (R, num_classes) and box deltas
    (R, 4 * regression classes), in units of the target's standard deviations.
    """

    def __init__(self, num_classes, class_agnostic=True, in_units=490, hidden=2048):
        super().__init__(prefix="")
        self._hidden = hidden
        self._class_agnostic = class_agnostic
        with self.name_scope():
            self.fc_new_1 = nn.Dense(hidden, in_units=in_units, prefix="fc_new_1_")
        self.reset(num_classes)

    def reset(self, num_classes):
        """New, uninitialised sibling layers for another number of classes (background counted)."""
        regression_classes = 2 if self._class_agnostic else num_classes
        with self.name_scope():
            self.cls_score = nn.Dense(num_classes, in_units=self._hidden, prefix="cls_score_")
            self.bbox_pred = nn.Dense(4 * regression_classes, in_units=self._hidden, prefix="bbox_pred_")

    @property
    def output_layers(self):
        """Those that `reset` makes anew."""
        return self.cls_score, self.bbox_pred

    @property
    def hidden_layers(self):
        """All others."""
        return (self.fc_new_1,)

    def hybrid_forward(self, F, pooled):
        hidden = relu(F, self.fc_new_1(pooled))
        return self.cls_score(hidden), self.bbox_pred(hidden)
