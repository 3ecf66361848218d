"""The thin feature map of Light-Head R-CNN (paper, section 3.2 and figure 3)."""
from mxnet.gluon import HybridBlock, nn

from ..layers import relu as rectify

RELU_PLACES = ("inside", "after_sum")


class LargeSeparableConv(HybridBlock):
    """Two branches, k x 1 then 1 x k and 1 x k then k x 1, added: nodes `conv_new_1` to `conv_new_4`, `light_head`.

    Args:
        in_channels: of the backbone's last map.
        mid_channels: C_mid, 256 in setting L and 64 in setting S.
        out_channels: C_out, 10 * 7 * 7.
        kernel: k.
        relu: "inside", after each of the four convolutions (the MXNet port), or "after_sum" (the TensorFlow original
            and ChainerCV). Weights trained one way are useless the other way.

    Input (N, in_channels, h, w); output (N, out_channels, h, w).
    """

    def __init__(self, in_channels, mid_channels, out_channels=490, kernel=15, relu="inside"):
        super().__init__(prefix="")
        if relu not in RELU_PLACES:
            raise ValueError("relu is %r; known: %s" % (relu, ", ".join(RELU_PLACES)))
        self._relu = relu
        tall, wide = ((kernel, 1), (kernel // 2, 0)), ((1, kernel), (0, kernel // 2))

        def conv(number, inputs, channels, shape):
            size, padding = shape
            return nn.Conv2D(channels, size, padding=padding, in_channels=inputs, prefix="conv_new_%d_" % number)

        with self.name_scope():
            self.conv_new_1 = conv(1, in_channels, mid_channels, tall)
            self.conv_new_2 = conv(2, mid_channels, out_channels, wide)
            self.conv_new_3 = conv(3, in_channels, mid_channels, wide)
            self.conv_new_4 = conv(4, mid_channels, out_channels, tall)
        for parameter in self.collect_params().values():
            parameter.lr_mult = 3.0  # as in the port's graph

    def hybrid_forward(self, F, x):
        if self._relu == "inside":
            left = rectify(F, self.conv_new_2(rectify(F, self.conv_new_1(x))))
            return left + rectify(F, self.conv_new_4(rectify(F, self.conv_new_3(x))))
        return rectify(F, self.conv_new_2(self.conv_new_1(x)) + self.conv_new_4(self.conv_new_3(x)))
