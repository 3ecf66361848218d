"""Feature pyramid (Lin et al., arXiv 1612.03144, section 3)."""
from functools import partial

import mxnet as mx
from mxnet.gluon import HybridBlock, nn


class FeaturePyramid(HybridBlock):
    """A backbone whose maps P2 to P5 all see what its last one sees, and P6, a coarser P5.

    1x1 convolutions give all maps of the backbone the same channels; from the coarsest on, each is enlarged by two and
    added to the next finer one; 3x3 convolutions smooth the sums. P6 is every second cell of P5.

    Args:
        backbone: block with `out_channels`, `feature_size` and outputs of strides 4, 8, 16 and 32.
        channels: of all levels.

    Input (N, 3, H, W). Outputs: (P2, ..., P6), for the RPN, and (P2, ..., P5), for the head, each
    (N, channels, h, w), h and w being `feature_size` of H and W.
    """

    stride = (4, 8, 16, 32, 64)

    def __init__(self, backbone, channels=256):
        super().__init__(prefix="")
        self.out_channels = (channels, channels)
        # A function of its own: workers that make targets must not carry the network.
        self.feature_size = partial(_level_sizes, backbone.feature_size)

        def conv(name, inputs, kernel):
            # No ReLU follows: outputs vary as much as inputs do.
            return nn.Conv2D(channels, kernel, padding=kernel // 2, in_channels=inputs, prefix="fpn_%s_" % name,
                             weight_initializer=mx.init.Xavier(factor_type="in"))

        with self.name_scope():
            self.backbone = backbone
            self.lateral, self.smooth = nn.HybridSequential(prefix=""), nn.HybridSequential(prefix="")
            for level, inputs in enumerate(backbone.out_channels, 2):
                self.lateral.add(conv("p%d_1x1" % level, inputs, 1))
                self.smooth.add(conv("p%d" % level, channels, 3))

    def hybrid_forward(self, F, x):
        sums = [lateral(part) for lateral, part in zip(self.lateral, self.backbone(x))]
        for level in reversed(range(len(sums) - 1)):
            above = F.UpSampling(sums[level + 1], scale=2, sample_type="nearest", num_args=1)
            sums[level] = sums[level] + F.slice_like(above, sums[level], axes=(2, 3))
        levels = tuple(smooth(part) for smooth, part in zip(self.smooth, sums))
        coarsest = F.Pooling(levels[-1], kernel=(1, 1), stride=(2, 2), pool_type="max")
        return levels + (coarsest,), levels


def _level_sizes(backbone_sizes, size):
    """Sides of P2 to P6 in cells for a side of the input in pixels."""
    sizes = backbone_sizes(size)
    return sizes + ((sizes[-1] + 1) // 2,)
