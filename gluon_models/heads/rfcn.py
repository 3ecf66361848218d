"""R-FCN's head (Dai et al.): one position-sensitive score map for each class and each box delta."""
from mxnet.gluon import HybridBlock, nn


class RFCNHead(HybridBlock):
    """Nodes `rfcn_cls` and `rfcn_bbox`.

    Args:
        in_channels: of the map.
        num_classes: background counted.
        class_agnostic: one box a RoI (8 values, background counted) or one a class (4 * num_classes).
        bins: of a pooled RoI, 7 * 7.

    Input (N, in_channels, h, w); outputs (N, num_classes * bins, h, w) and (N, 4 * regression classes * bins, h, w),
    to be pooled position-sensitively and averaged.
    """

    def __init__(self, in_channels, num_classes, class_agnostic=True, bins=49):
        super().__init__(prefix="")
        self._in_channels, self._class_agnostic, self._bins = in_channels, class_agnostic, bins
        self.reset(num_classes)

    def reset(self, num_classes):
        """New, uninitialised layers for another number of classes (background counted)."""
        self.values = num_classes, 4 * (2 if self._class_agnostic else num_classes)
        with self.name_scope():
            self.rfcn_cls, self.rfcn_bbox = (
                nn.Conv2D(values * self._bins, 1, in_channels=self._in_channels, prefix=prefix)
                for values, prefix in zip(self.values, ("rfcn_cls_", "rfcn_bbox_")))

    @property
    def output_layers(self):
        """Those that `reset` makes anew."""
        return self.rfcn_cls, self.rfcn_bbox

    @property
    def hidden_layers(self):
        """All others."""
        return ()

    def hybrid_forward(self, F, x):
        return self.rfcn_cls(x), self.rfcn_bbox(x)
