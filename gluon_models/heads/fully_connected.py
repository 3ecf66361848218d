"""What heads of fully connected layers share: hidden layers, then two output layers for classes and boxes."""
from types import ModuleType
from typing import Optional, Sequence, Tuple

from mxnet.gluon import HybridBlock, nn
from mxnet.initializer import Initializer

from ...operators.arrays import Array
from ..layers import relu


class FullyConnectedHead(HybridBlock):
    """Hidden layers and two output layers: nodes `fc_new_1`, `fc_new_2`, ..., `cls_score` and `bbox_pred`.

    Input: float32 (R, in_units), or any shape that flattens to it. Outputs: logits (R, num_classes) and box deltas
    (R, 4 * regression classes), in units of the standard deviations of the targets.

    Args:
        num_classes: number of classes with background.
        class_agnostic: whether all classes share one box; there are two regression classes then, of which background
            is one, else `num_classes`.
        in_units: values of a pooled RoI.
        hidden: units of each hidden layer; with () the output layers read the pooled values.
        names: names of the hidden layers, in place of `fc_new_1` and so on.
        dropout: share of the values behind each hidden layer that are set to 0 in training.
        box_initializer: of the weights of `bbox_pred`, whatever initializer the network is given.
    """

    def __init__(self, num_classes: int, class_agnostic: bool, in_units: int, hidden: Sequence[int],
                 names: Optional[Sequence[str]] = None, dropout: float = 0.0,
                 box_initializer: Optional[Initializer] = None):
        super().__init__(prefix="")
        self._units = (in_units, *hidden)
        self._names = tuple(names or (f"fc_new_{number}" for number in range(1, len(self._units))))
        self._class_agnostic, self._dropout, self._box_initializer = class_agnostic, dropout, box_initializer
        with self.name_scope():
            for name, inputs, units in zip(self._names, self._units, hidden):
                setattr(self, name, nn.Dense(units, in_units=inputs, prefix=f"{name}_"))
        self.reset(num_classes)

    def reset(self, num_classes: int) -> None:
        """Replaces the output layers by new ones, not initialised, for another number of classes.

        Args:
            num_classes: number of classes with background.
        """
        regression_classes = 2 if self._class_agnostic else num_classes
        with self.name_scope():
            self.cls_score = nn.Dense(num_classes, in_units=self._units[-1], prefix="cls_score_")
            self.bbox_pred = nn.Dense(4 * regression_classes, in_units=self._units[-1], prefix="bbox_pred_",
                                      weight_initializer=self._box_initializer)

    @property
    def output_layers(self) -> Tuple[HybridBlock, ...]:
        """The layers that `reset` replaces."""
        return self.cls_score, self.bbox_pred

    @property
    def hidden_layers(self) -> Tuple[HybridBlock, ...]:
        """All other layers, in the order in which they compute."""
        return tuple(getattr(self, name) for name in self._names)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Array, Array]:
        x = self.hidden_values(F, x)
        return self.cls_score(x), self.bbox_pred(x)

    def hidden_values(self, F: ModuleType, x: Array) -> Array:
        """Returns what the output layers read: float32 (R, units of the last hidden layer)."""
        for layer in self.hidden_layers:
            x = relu(F, layer(x))
            if self._dropout:
                x = F.Dropout(x, p=self._dropout)
        return x
