"""What heads of fully connected layers share: hidden layers, then two siblings for classes and boxes."""
from mxnet.gluon import HybridBlock, nn

from ..layers import relu


class FullyConnectedHead(HybridBlock):
    """Nodes `fc_new_1`, `fc_new_2`, ..., `cls_score` and `bbox_pred`.

    Args:
        num_classes: background counted.
        class_agnostic: one box a RoI (8 outputs, background counted) or one a class (4 * num_classes).
        in_units: values a pooled RoI.
        hidden: units of the hidden layers, one after the other; () has none: the siblings read the pooled values.

    Input (R, in_units) or any shape that flattens to it; outputs logits (R, num_classes) and box deltas
    (R, 4 * regression classes), in units of the target's standard deviations.
    """

    def __init__(self, num_classes, class_agnostic, in_units, hidden):
        super().__init__(prefix="")
        self._units = (in_units, *hidden)
        self._class_agnostic = class_agnostic
        with self.name_scope():
            for i, units in enumerate(hidden):
                name = "fc_new_%d" % (i + 1)
                setattr(self, name, nn.Dense(units, in_units=self._units[i], prefix=name + "_"))
        self.reset(num_classes)

    def reset(self, num_classes):
        """New, uninitialised sibling layers for another number of classes (background counted)."""
        regression_classes = 2 if self._class_agnostic else num_classes
        with self.name_scope():
            self.cls_score = nn.Dense(num_classes, in_units=self._units[-1], prefix="cls_score_")
            self.bbox_pred = nn.Dense(4 * regression_classes, in_units=self._units[-1], prefix="bbox_pred_")

    @property
    def output_layers(self):
        """Those that `reset` makes anew."""
        return self.cls_score, self.bbox_pred

    @property
    def hidden_layers(self):
        """All others, in their order."""
        return tuple(getattr(self, "fc_new_%d" % i) for i in range(1, len(self._units)))

    def hybrid_forward(self, F, x):
        for layer in self.hidden_layers:
            x = relu(F, layer(x))
        return self.cls_score(x), self.bbox_pred(x)
