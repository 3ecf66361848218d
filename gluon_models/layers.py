"""Layers whose parameters carry the names of the original symbolic graphs."""
from mxnet.gluon import HybridBlock, nn


def relu(F, x):
    """max(x, 0) by the operator that MKL-DNN serves on the CPU; `F.relu` leaves its memory layout and is slower."""
    return F.Activation(x, act_type="relu")


class BatchNorm(HybridBlock):
    """Batch normalisation with the parameter names of `mx.sym.BatchNorm`: gamma, beta, moving_mean, moving_var.

    `gluon.nn.BatchNorm` calls the last two running_*, so that checkpoints of the symbolic graphs would not load.

    Args:
        channels: of the input (N, channels, H, W).
        frozen: use the moving statistics in training too (`use_global_stats` of the port).
        prefix: node name with a trailing underscore, e.g. "bn2a_branch2a_".
        gamma: initializer of the scale.
    """

    def __init__(self, channels, frozen, prefix, gamma="ones", eps=1e-5, momentum=0.9):
        super().__init__(prefix=prefix)
        self._options = dict(eps=eps, momentum=momentum, fix_gamma=False, use_global_stats=frozen)
        with self.name_scope():
            get = self.params.get
            self.gamma = get("gamma", shape=(channels,), init=gamma)
            self.beta = get("beta", shape=(channels,), init="zeros")
            self.moving_mean = get("moving_mean", shape=(channels,), init="zeros", differentiable=False)
            self.moving_var = get("moving_var", shape=(channels,), init="ones", differentiable=False)

    def hybrid_forward(self, F, x, gamma, beta, moving_mean, moving_var):
        return F.BatchNorm(x, gamma, beta, moving_mean, moving_var, name="fwd", **self._options)


class ConvBN(HybridBlock):
    """Convolution without bias, batch normalisation and, unless told otherwise, ReLU.

    Args:
        conv_name, bn_name: node names of the original graph, e.g. "res2a_branch2a" and "bn2a_branch2a".
        frozen: see `BatchNorm`.
        added: the output is the residual branch of a unit. Trained from scratch it begins at zero (Goyal et al.,
            section 5.1): else the gradient of the first layers is too rough to learn from few images.
    """

    def __init__(self, in_channels, channels, kernel, conv_name, bn_name, frozen, stride=1, padding=0, dilation=1,
                 groups=1, relu=True, added=False):
        super().__init__(prefix="")
        self._relu = relu
        with self.name_scope():
            self.conv = nn.Conv2D(channels, kernel, stride, padding, dilation, groups, use_bias=False,
                                  in_channels=in_channels, prefix=conv_name + "_")
            gamma = "zeros" if added and not frozen else "ones"
            self.bn = BatchNorm(channels, frozen, prefix=bn_name + "_", gamma=gamma)

    def hybrid_forward(self, F, x):
        x = self.bn(self.conv(x))
        return relu(F, x) if self._relu else x


def unit_names(stage, units, numbered):
    """Caffe's names of the units of a ResNet stage: 2a, 2b, 2c, or 4a, 4b1, 4b2, ... where they are numbered.

    Args:
        stage: 2 to 5.
        units: how many.
        numbered: as in stages 3 and 4 of ResNet-101 and ResNet-152.
    """
    if numbered:
        return ["%da" % stage] + ["%db%d" % (stage, i) for i in range(1, units)]
    return ["%d%s" % (stage, chr(ord("a") + i)) for i in range(units)]
