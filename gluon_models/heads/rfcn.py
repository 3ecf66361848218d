"""R-FCN's head (Dai et al.): a position-sensitive score map for each class and for each box delta."""
from types import ModuleType
from typing import Tuple

from mxnet.gluon import HybridBlock, nn

from ...operators.arrays import Array



class RFCNHead(HybridBlock):
    """Nodes `rfcn_cls` and `rfcn_bbox`, whose outputs are to be pooled position-sensitively and averaged.

    Input: float32 (N, in_channels, h, w). Outputs: (N, num_classes * bins, h, w) and
    (N, 4 * regression classes * bins, h, w).

    Args:
        in_channels: channels of the input.
        num_classes: number of classes with background.
        class_agnostic: whether all classes share one box; there are two regression classes then, of which background
            is one, else `num_classes`.
        bins: bins of a pooled RoI, 7 * 7.
    """

    def __init__(self, in_channels: int, num_classes: int, class_agnostic: bool = True, bins: int = 49):
        super().__init__(prefix="")
        self._in_channels, self._class_agnostic, self._bins = in_channels, class_agnostic, bins
        self.reset(num_classes)

    def reset(self, num_classes: int) -> None:
        """Replaces the layers by new ones, not initialised, for another number of classes.

        Args:
            num_classes: number of classes with background.
        """
        # What a RoI's bins vote on: class logits, and box deltas.
        self.values = num_classes, 4 * (2 if self._class_agnostic else num_classes)
        with self.name_scope():
            self.rfcn_cls, self.rfcn_bbox = (
                nn.Conv2D(values * self._bins, 1, in_channels=self._in_channels, prefix=prefix)
                for values, prefix in zip(self.values, ("rfcn_cls_", "rfcn_bbox_")))

    @property
    def output_layers(self) -> Tuple[HybridBlock, ...]:
        """The layers that `reset` replaces."""
        return self.rfcn_cls, self.rfcn_bbox

    @property
    def hidden_layers(self) -> Tuple[HybridBlock, ...]:
        """All other layers: none."""
        return ()

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Array, Array]:
        return self.rfcn_cls(x), self.rfcn_bbox(x)
