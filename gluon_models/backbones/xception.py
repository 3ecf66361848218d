"""The Xception-like backbone of setting S (paper, table 7): 145M multiply-adds at 224x224."""
from mxnet.gluon import HybridBlock, nn

from ..layers import ConvBN, relu, unit_names

STEM_CHANNELS = 24
STAGES = ((2, 144, 4), (3, 288, 8), (4, 576, 4))  # stage, channels, units


class XceptionUnit(HybridBlock):
    """Bottleneck whose 3x3 is depthwise; mid channels are a quarter of the stage's.

    A stage's first unit widens: its shortcut is a 3x3 average pooling concatenated to a branch of
    `channels - in_channels` channels. All other units add their branch to their input.

    Args:
        in_channels, channels: of the input and of the output.
        name: unit name such as "3b7".
        stride, dilation: of the depthwise 3x3 (and the stride of the average pooling).
    """

    def __init__(self, in_channels, channels, name, frozen, stride=1, dilation=1):
        super().__init__(prefix="")
        mid = channels // 4
        self._widens = in_channels != channels
        branch = channels - in_channels if self._widens else channels

        def conv(letter, *shape, **options):
            return ConvBN(*shape, "res%s_branch2%s" % (name, letter), "bn%s_branch2%s" % (name, letter), frozen,
                          **options)

        with self.name_scope():
            self.reduce = conv("a", in_channels, mid, 1)
            self.depthwise = conv("b", mid, mid, 3, stride=stride, padding=dilation, dilation=dilation, groups=mid)
            self.expand = conv("c", mid, branch, 1, relu=False, added=not self._widens)
            self.shortcut = nn.AvgPool2D(3, stride, 1) if self._widens else None

    def hybrid_forward(self, F, x):
        branch = self.expand(self.depthwise(self.reduce(x)))
        if self._widens:
            return relu(F, F.concat(self.shortcut(x), branch, dim=1))
        return relu(F, x + branch)


class Xception(HybridBlock):
    """Backbone of setting S.

    Args:
        frozen: batch normalisation uses its moving statistics in training too.
        last_stride: 2 for the classifier of table 7; 1 keeps stage 4 at stride 16 and dilates it by 2 (detector).

    Input (N, 3, H, W); outputs stage 3 (N, 288, h, w) for the RPN and stage 4 (N, 576, h, w) for the head.
    """

    out_channels = (288, 576)

    def __init__(self, frozen=True, last_stride=1):
        super().__init__(prefix="")
        dilation = 2 if last_stride == 1 else 1
        with self.name_scope():
            self.conv1 = ConvBN(3, STEM_CHANNELS, 3, "conv1", "bn_conv1", frozen, stride=2, padding=1)
            self.pool1 = nn.MaxPool2D(3, 2, 1)
            channels = STEM_CHANNELS
            for stage, out_channels, count in STAGES:
                first_stride, rate = (last_stride, dilation) if stage == 4 else (2, 1)
                units = nn.HybridSequential(prefix="")
                for i, name in enumerate(unit_names(stage, count, numbered=True)):
                    units.add(XceptionUnit(channels, out_channels, name, frozen,
                                           stride=first_stride if i == 0 else 1, dilation=rate))
                    channels = out_channels
                setattr(self, "res%d" % stage, units)

    @staticmethod
    def feature_size(size):
        """Side of the outputs in cells for a side of the input in pixels."""
        for _ in range(4):  # conv1, pool1, stages 2 and 3, each halving and padded
            size = (size + 1) // 2
        return size

    def hybrid_forward(self, F, x):
        res3 = self.res3(self.res2(self.pool1(self.conv1(x))))
        return res3, self.res4(res3)


class PyramidXception(Xception):
    """The backbone of setting S for a feature pyramid: stage 4 at stride 32, not dilated; the same parameters.

    Args: see `Xception`.

    Input (N, 3, H, W); outputs the stem (N, 24, ...) and stages 2 (N, 144, ...), 3 (N, 288, ...) and 4 (N, 576, ...),
    of strides 4, 8, 16 and 32.
    """

    out_channels = (STEM_CHANNELS,) + tuple(channels for _, channels, _ in STAGES)

    def __init__(self, frozen=True):
        super().__init__(frozen=frozen, last_stride=2)

    @staticmethod
    def feature_size(size):
        """Sides of the four outputs in cells for a side of the input in pixels."""
        sizes = [(size + 3) // 4]  # conv1 and pool1, each halving and padded
        for _ in STAGES:
            sizes.append((sizes[-1] + 1) // 2)
        return tuple(sizes)

    def hybrid_forward(self, F, x):
        stem = self.pool1(self.conv1(x))
        res2 = self.res2(stem)
        res3 = self.res3(res2)
        return stem, res2, res3, self.res4(res3)


class XceptionClassifier(HybridBlock):
    """The backbone with global average pooling and one fully connected layer, as pretrained on ImageNet (table 7)."""

    def __init__(self, classes=1000, frozen=False):
        super().__init__(prefix="")
        with self.name_scope():
            self.features = Xception(frozen=frozen, last_stride=2)
            self.pool = nn.GlobalAvgPool2D()
            self.output = nn.Dense(classes, in_units=Xception.out_channels[-1], prefix="fc1000_")

    def hybrid_forward(self, F, x):
        return self.output(self.pool(self.features(x)[1]))
