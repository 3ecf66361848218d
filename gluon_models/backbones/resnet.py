"""ResNet v1 with Caffe's names, its last stage at stride 16 as in the port (`get_resnet_v1_conv4`, `..._conv5`)."""
from mxnet.gluon import HybridBlock, nn

from ..layers import ConvBN, relu, unit_names

# depth: units of stages 2 to 5, and the stages whose units are numbered (a, b1, b2) instead of lettered (a, b, c)
DEPTHS = {50: ((3, 4, 6, 3), ()), 101: ((3, 4, 23, 3), (3, 4)), 152: ((3, 8, 36, 3), (3, 4))}


class Bottleneck(HybridBlock):
    """1x1, 3x3, 1x1 and a shortcut, projected where the unit is the first of its stage.

    Args:
        name: unit name such as "4b22"; its parameters are `res4b22_branch2a_weight`, `bn4b22_branch2a_gamma`, ...
        stride_in_1x1: the stride sits in the first 1x1 (Caffe, the port, ChainerCV), else in the 3x3 (TensorFlow).
    """

    def __init__(self, in_channels, mid_channels, name, frozen, stride=1, dilation=1, project=False,
                 stride_in_1x1=True):
        super().__init__(prefix="")
        out_channels = 4 * mid_channels
        first, second = (stride, 1) if stride_in_1x1 else (1, stride)

        def conv(branch, *shape, **options):
            return ConvBN(*shape, "res%s_%s" % (name, branch), "bn%s_%s" % (name, branch), frozen, **options)

        with self.name_scope():
            self.shortcut = None
            if project:
                self.shortcut = conv("branch1", in_channels, out_channels, 1, stride=stride, relu=False)
            self.reduce = conv("branch2a", in_channels, mid_channels, 1, stride=first)
            self.spatial = conv("branch2b", mid_channels, mid_channels, 3, stride=second, padding=dilation,
                                dilation=dilation)
            self.expand = conv("branch2c", mid_channels, out_channels, 1, relu=False, added=True)

    def hybrid_forward(self, F, x):
        shortcut = self.shortcut(x) if self.shortcut is not None else x
        return relu(F, shortcut + self.expand(self.spatial(self.reduce(x))))


class ResNet(HybridBlock):
    """ResNet v1 for detection: res5 keeps stride 16 and is dilated by 2.

    Args:
        depth: 50, 101 or 152.
        frozen: batch normalisation uses its moving statistics, as the port does throughout.
        stride_in_1x1: see `Bottleneck`.

    Input (N, 3, H, W); outputs `res4` (N, 1024, h, w) for the RPN and `res5` (N, 2048, h, w) for the head, h and w
    being `feature_size` of H and W.
    """

    out_channels = (1024, 2048)
    _last_stride = 1

    def __init__(self, depth=101, frozen=True, stride_in_1x1=True):
        super().__init__(prefix="")
        if depth not in DEPTHS:
            raise ValueError("depth is %r; known: %s" % (depth, sorted(DEPTHS)))
        units, numbered = DEPTHS[depth]
        with self.name_scope():
            self.conv1 = ConvBN(3, 64, 7, "conv1", "bn_conv1", frozen, stride=2, padding=3)
            self.pool1 = nn.MaxPool2D(3, 2, 0, ceil_mode=True)
            channels = 64
            for stage, count in zip((2, 3, 4, 5), units):
                blocks = nn.HybridSequential(prefix="")
                stride = {2: 1, 5: self._last_stride}.get(stage, 2)
                dilation = 2 if stage == 5 and self._last_stride == 1 else 1
                for i, name in enumerate(unit_names(stage, count, stage in numbered)):
                    blocks.add(Bottleneck(channels, 64 * 2 ** (stage - 2), name, frozen, project=i == 0,
                                          stride=stride if i == 0 else 1, dilation=dilation,
                                          stride_in_1x1=stride_in_1x1))
                    channels = 256 * 2 ** (stage - 2)
                setattr(self, "res%d" % stage, blocks)

    @staticmethod
    def feature_size(size):
        """Side of the outputs in cells for a side of the input in pixels."""
        size = (size + 1) // 2  # conv1
        size = size // 2  # pool1, convention 'full' without padding
        return ((size + 1) // 2 + 1) // 2  # res3, res4

    def hybrid_forward(self, F, x):
        res4 = self.res4(self.res3(self.res2(self.pool1(self.conv1(x)))))
        return res4, self.res5(res4)


class PyramidResNet(ResNet):
    """ResNet v1 as classifiers have it, for a feature pyramid: res5 at stride 32, not dilated; the same parameters.

    Args: see `ResNet`.

    Input (N, 3, H, W); outputs `res2` (N, 256, ...), `res3` (N, 512, ...), `res4` (N, 1024, ...) and `res5`
    (N, 2048, ...), of strides 4, 8, 16 and 32.
    """

    out_channels = (256, 512, 1024, 2048)
    _last_stride = 2

    @staticmethod
    def feature_size(size):
        """Sides of the four outputs in cells for a side of the input in pixels."""
        sizes = [(size + 1) // 2 // 2]  # conv1, and pool1 without padding
        for _ in range(3):
            sizes.append((sizes[-1] + 1) // 2)
        return tuple(sizes)

    def hybrid_forward(self, F, x):
        res2 = self.res2(self.pool1(self.conv1(x)))
        res3 = self.res3(res2)
        res4 = self.res4(res3)
        return res2, res3, res4, self.res5(res4)
