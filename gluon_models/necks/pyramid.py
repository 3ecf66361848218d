"""Feature pyramid (Lin et al., arXiv 1612.03144, section 3)."""
from functools import partial
from types import ModuleType
from typing import Callable, Tuple

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from ...operators.arrays import Array



class FeaturePyramid(HybridBlock):
    """A backbone with a feature pyramid: maps P2 to P5 that all know what the last one knows, and P6, a coarser P5.

    1x1 convolutions give all maps of the backbone the same channels. From the coarsest one on, each is enlarged by two
    and added to the next finer one; 3x3 convolutions smooth the sums. P6 is every second cell of P5. Where a map has a
    row or column more than the enlarged one, because the backbone rounds sides down, the last of these is repeated.

    Input: float32 (N, 3, H, W), RGB less the pixel means. Outputs: (P2, ..., P6) for the RPN and (P2, ..., P5) for the
    head; each map is (N, channels, h, w), where h and w are those of `feature_size` of H and W.

    Args:
        backbone: block with `out_channels`, `feature_size` and four outputs, of strides 4, 8, 16 and 32.
        channels: channels of each level.
    """

    stride = (4, 8, 16, 32, 64)

    def __init__(self, backbone: HybridBlock, channels: int = 256):
        super().__init__(prefix="")
        self.out_channels = (channels, channels)
        # No method of this block: data workers call it, and must not carry the network with them.
        self.feature_size = partial(_level_sizes, backbone.feature_size)
        sides = [backbone.feature_size(side) for side in range(64, 128)]
        self._rounds_down = any(2 * coarser < finer for levels in sides for finer, coarser in zip(levels, levels[1:]))

        def conv(name: str, inputs: int, kernel: int) -> nn.Conv2D:
            # No ReLU follows, so that this initializer gives outputs the variance of the inputs.
            return nn.Conv2D(channels, kernel, padding=kernel // 2, in_channels=inputs, prefix=f"fpn_{name}_",
                             weight_initializer=mx.init.Xavier(factor_type="in"))

        with self.name_scope():
            self.backbone = backbone
            self.lateral, self.smooth = nn.HybridSequential(prefix=""), nn.HybridSequential(prefix="")
            for level, inputs in enumerate(backbone.out_channels, 2):
                self.lateral.add(conv(f"p{level}_1x1", inputs, 1))
                self.smooth.add(conv(f"p{level}", channels, 3))

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Tuple[Array, ...], Tuple[Array, ...]]:
        sums = [lateral(part) for lateral, part in zip(self.lateral, self.backbone(x))]
        for level in reversed(range(len(sums) - 1)):
            above = F.UpSampling(sums[level + 1], scale=2, sample_type="nearest", num_args=1)
            for axis in (2, 3) if self._rounds_down else ():
                above = F.concat(above, F.slice_axis(above, axis=axis, begin=-1, end=None), dim=axis)
            sums[level] = sums[level] + F.slice_like(above, sums[level], axes=(2, 3))
        levels = tuple(smooth(part) for smooth, part in zip(self.smooth, sums))
        coarsest = F.Pooling(levels[-1], kernel=(1, 1), stride=(2, 2), pool_type="max")
        return levels + (coarsest,), levels


def _level_sizes(backbone_sizes: Callable[[int], Tuple[int, ...]], size: int) -> Tuple[int, ...]:
    """Sides of P2 to P6 in cells for a side of the input in pixels."""
    sizes = backbone_sizes(size)
    return sizes + ((sizes[-1] + 1) // 2,)
