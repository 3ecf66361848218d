"""The thin feature map of Light-Head R-CNN (paper, section 3.2 and figure 3)."""
from types import ModuleType
from typing import Tuple

from mxnet.gluon import HybridBlock, nn

from ...errors import ModelError
from ...operators.arrays import Array
from ..layers import relu as rectify

RELU_PLACES = ("inside", "after_sum")


class LargeSeparableConv(HybridBlock):
    """The large separable convolution: nodes `conv_new_1` to `conv_new_4` and `light_head` of the MXNet original.

    Two branches, k x 1 then 1 x k and 1 x k then k x 1, are added. Their learning rate is three times that of other
    layers, as in the MXNet original.

    Input: float32 (N, in_channels, h, w). Output: (N, out_channels, h, w).

    Args:
        in_channels: channels of the backbone's last map.
        mid_channels: C_mid of the paper, 256 in setting L and 64 in setting S.
        out_channels: C_out of the paper, 10 * 7 * 7.
        kernel: k of the paper.
        relu: "inside", after each of the four convolutions (the MXNet original), or "after_sum" (the TensorFlow
            original and ChainerCV). Weights trained one way are useless the other way.

    Raises:
        ModelError: another place of the ReLU.
    """

    def __init__(self, in_channels: int, mid_channels: int, out_channels: int = 490, kernel: int = 15,
                 relu: str = "inside"):
        super().__init__(prefix="")
        if relu not in RELU_PLACES:
            raise ModelError(f"relu is {relu!r}; known: {', '.join(RELU_PLACES)}")
        self._relu = relu
        tall, wide = ((kernel, 1), (kernel // 2, 0)), ((1, kernel), (0, kernel // 2))

        def conv(number: int, inputs: int, channels: int,
                 shape: Tuple[Tuple[int, int], Tuple[int, int]]) -> nn.Conv2D:
            size, padding = shape
            return nn.Conv2D(channels, size, padding=padding, in_channels=inputs, prefix=f"conv_new_{number}_")

        with self.name_scope():
            self.conv_new_1 = conv(1, in_channels, mid_channels, tall)
            self.conv_new_2 = conv(2, mid_channels, out_channels, wide)
            self.conv_new_3 = conv(3, in_channels, mid_channels, wide)
            self.conv_new_4 = conv(4, mid_channels, out_channels, tall)
        for parameter in self.collect_params().values():
            parameter.lr_mult = 3.0

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        if self._relu == "inside":
            left = rectify(F, self.conv_new_2(rectify(F, self.conv_new_1(x))))
            return left + rectify(F, self.conv_new_4(rectify(F, self.conv_new_3(x))))
        return rectify(F, self.conv_new_2(self.conv_new_1(x)) + self.conv_new_4(self.conv_new_3(x)))
