"""Layers whose parameters carry the names of the symbolic graphs of the MXNet original."""
from types import ModuleType

from mxnet.gluon import HybridBlock, nn

from ..operators.arrays import Array


def relu(F: ModuleType, x: Array) -> Array:
    """Returns max(x, 0).

    MKL-DNN serves the operator `Activation` on the CPU. `F.relu` would leave MKL-DNN's memory layout, which is slower.
    """
    return F.Activation(x, act_type="relu")


class BatchNorm(HybridBlock):
    """Batch normalisation with the parameter names of `mx.sym.BatchNorm`: gamma, beta, moving_mean, moving_var.

    `gluon.nn.BatchNorm` calls the last two running_mean and running_var: checkpoints of the symbolic graphs would not
    load into it.

    Input and output: float32 (N, channels, H, W).

    Args:
        channels: channels of the input.
        frozen: whether the moving statistics normalise in training, too (`use_global_stats` of the MXNet original).
        prefix: name of the node with an underscore behind it, e.g. "bn2a_branch2a_".
        gamma: initializer of the scale.
        eps: constant that is added to the variance.
        momentum: share that the moving statistics keep at an update.
    """

    def __init__(self, channels: int, frozen: bool, prefix: str, gamma: str = "ones", eps: float = 1e-5,
                 momentum: float = 0.9):
        super().__init__(prefix=prefix)
        self._options = dict(eps=eps, momentum=momentum, fix_gamma=False, use_global_stats=frozen)
        with self.name_scope():
            get = self.params.get
            self.gamma = get("gamma", shape=(channels,), init=gamma)
            self.beta = get("beta", shape=(channels,), init="zeros")
            self.moving_mean = get("moving_mean", shape=(channels,), init="zeros", differentiable=False)
            self.moving_var = get("moving_var", shape=(channels,), init="ones", differentiable=False)

    def hybrid_forward(self, F: ModuleType, x: Array, gamma: Array, beta: Array, moving_mean: Array,
                       moving_var: Array) -> Array:
        return F.BatchNorm(x, gamma, beta, moving_mean, moving_var, name="fwd", **self._options)


class ConvBN(HybridBlock):
    """Convolution without bias, batch normalisation and, by default, ReLU.

    Input: float32 (N, in_channels, H, W). Output: (N, channels, h, w).

    Args:
        in_channels: channels of the input.
        channels: channels of the output.
        kernel: side of the square kernel.
        conv_name: name of the convolution's node in the graph of the MXNet original, e.g. "res2a_branch2a".
        bn_name: name of the normalisation's node, e.g. "bn2a_branch2a".
        frozen: see `BatchNorm`.
        stride: cells from one output to the next.
        padding: cells of zeros on each side.
        dilation: cells from one tap of the kernel to the next.
        groups: groups of channels that are convolved apart.
        relu: whether a ReLU follows.
        zero_init_gamma: whether the scale of the normalisation starts at zero. Where the output is the residual branch
            of a unit that is trained from scratch it should (Goyal et al., arXiv 1706.02677, section 5.1): the gradient
            of the first layers is else too rough to learn from few images.
    """

    def __init__(self, in_channels: int, channels: int, kernel: int, conv_name: str, bn_name: str, frozen: bool,
                 stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1, relu: bool = True,
                 zero_init_gamma: bool = False):
        super().__init__(prefix="")
        self._relu = relu
        with self.name_scope():
            self.conv = nn.Conv2D(channels, kernel, stride, padding, dilation, groups, use_bias=False,
                                  in_channels=in_channels, prefix=f"{conv_name}_")
            self.bn = BatchNorm(channels, frozen, prefix=f"{bn_name}_", gamma="zeros" if zero_init_gamma else "ones")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        x = self.bn(self.conv(x))
        return relu(F, x) if self._relu else x
