"""The reduction of the backbone's last map to fewer channels (R-FCN: Dai et al., section 2)."""
from mxnet.gluon import HybridBlock, nn

from ..layers import relu


class PointwiseConv(HybridBlock):
    """A 1x1 convolution with ReLU: nodes `conv_new_1` and `relu1` of the original R-FCN graph.

    Args:
        in_channels: of the backbone's last map.
        out_channels: 1024 in R-FCN, 490 for a thin map, 256 in Faster R-CNN.

    Input (N, in_channels, h, w); output (N, out_channels, h, w).
    """

    def __init__(self, in_channels, out_channels=1024):
        super().__init__(prefix="")
        with self.name_scope():
            self.conv_new_1 = nn.Conv2D(out_channels, 1, in_channels=in_channels, prefix="conv_new_1_")
        for parameter in self.collect_params().values():
            parameter.lr_mult = 3.0  # as in the port's graph

    def hybrid_forward(self, F, x):
        return relu(F, self.conv_new_1(x))
