"""Layers of the networks. Their parameters end as those of MXNet's symbols do: weight, bias, gamma, moving_mean, ..."""
from types import ModuleType
from typing import Any, Callable, Dict, Optional, Tuple

import mxnet as mx
from mxnet import autograd
from mxnet.gluon import HybridBlock, Parameter, nn

from ..operators.arrays import Array

Activation = Callable[[ModuleType, Array], Array]


def relu(F: ModuleType, x: Array) -> Array:
    """Returns max(x, 0).

    MKL-DNN serves the operator `Activation` on the CPU. `F.relu` would leave MKL-DNN's memory layout, which is slower.
    """
    return F.Activation(x, act_type="relu")


def relu6(F: ModuleType, x: Array) -> Array:
    """Returns min(max(x, 0), 6); for layers whose normalisation is not frozen see `clip6`."""
    return F.minimum(relu(F, x), 6)


def clip6(F: ModuleType, x: Array) -> Array:
    """Returns what `relu6` does, by one operator, which is slower on the CPU.

    Behind a normalisation by the statistics of the batch it is faster nevertheless: `relu6` hands back a gradient in a
    memory layout in which MKL-DNN's normalisation takes many times as long.
    """
    return F.clip(x, a_min=0, a_max=6)


def mish(F: ModuleType, x: Array) -> Array:
    """Returns x tanh(log(1 + exp(x))) (Misra, arXiv 1908.08681)."""
    # MXNet has oneDNN for its operator Activation; its `tanh` takes seven times as long.
    return x * F.Activation(F.Activation(x, act_type="softrelu"), act_type="tanh")


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

    def scale_and_shift(self, F: ModuleType, x: Array) -> Tuple[Array, Array]:
        """Returns what the moving statistics make of this layer: it multiplies each channel by a scale, adds a shift.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            x: an array on the device of the answer, or a symbol.

        Returns:
            Scale and shift, each (channels,).
        """
        gamma, beta, mean, var = (_value(parameter, x) for parameter in
                                  (self.gamma, self.beta, self.moving_mean, self.moving_var))
        scale = gamma / F.sqrt(var + self._options["eps"])
        return scale, beta - mean * scale


class ConvBN(HybridBlock):
    """Convolution without bias, batch normalisation and, by default, ReLU.

    A frozen normalisation that follows its convolution directly is computed with it, as one convolution whose weights
    are scaled and whose bias is the shift: the map is neither read nor written a second time. Gradients reach weight,
    gamma and beta through these products.

    Input: float32 (N, in_channels, H, W). Output: (N, channels, h, w).

    Args:
        in_channels: channels of the input.
        channels: channels of the output.
        kernel: side of the square kernel.
        conv_name: name of the convolution, to which "_weight" is added, e.g. "res2a_branch2a" or "layer1_0_conv1".
        bn_name: name of the normalisation, to which "_gamma" and so on are added, e.g. "bn2a_branch2a".
        frozen: see `BatchNorm`.
        stride: cells from one output to the next.
        padding: cells of zeros on each side.
        dilation: cells from one tap of the kernel to the next.
        groups: groups of channels that are convolved apart.
        activation: what follows the normalisation, `relu` or another function of this module; None for nothing.
        activation_first: whether the activation stands before the normalisation instead.
        eps: see `BatchNorm`.
        same: whether a convolution of stride 2 pads as TensorFlow's "SAME" does for even sides, in place of `padding`:
            one row and one column more at the far end than at the near one. Odd sides are padded so, too, so that the
            output always has half the side, rounded up, and an even number of pixels lies before each of its cells.
        zero_init_gamma: whether the scale of the normalisation starts at zero. Where the output is the residual branch
            of a unit that is trained from scratch it should (Goyal et al., arXiv 1706.02677, section 5.1): the gradient
            of the first layers is else too rough to learn from few images.
    """

    def __init__(self, in_channels: int, channels: int, kernel: int, conv_name: str, bn_name: str, frozen: bool,
                 stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1,
                 activation: Optional[Activation] = relu, activation_first: bool = False, eps: float = 1e-5,
                 same: bool = False, zero_init_gamma: bool = False):
        super().__init__(prefix="")
        self._activation, self._activation_first, self._crops = activation, activation_first, same
        self._folds = frozen and not activation_first
        if same:
            padding = kernel // 2 + 1  # and the first row and column of the output, which see too little, are cut off
        self._shape = dict(num_filter=channels, kernel=(kernel, kernel), stride=(stride, stride),
                           pad=(padding, padding), dilate=(dilation, dilation), num_group=groups)
        self._pads = (padding - 2, padding) if same else (padding, padding)
        self._has_slow_gradient = groups == channels and dilation == 1 and (kernel > 3 or same)
        with self.name_scope():
            self.conv = nn.Conv2D(channels, kernel, stride, padding, dilation, groups, use_bias=False,
                                  in_channels=in_channels, prefix=f"{conv_name}_")
            self.bn = BatchNorm(channels, frozen, f"{bn_name}_", "zeros" if zero_init_gamma else "ones", eps)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        weight, shift = _value(self.conv.weight, x), None
        if self._folds:
            scale, shift = self.bn.scale_and_shift(F, x)
            weight = F.broadcast_mul(weight, F.reshape(scale, shape=(-1, 1, 1, 1)))
        if self._has_slow_gradient and autograd.is_recording() and self._trains_on_cpu():
            x = _convolve_narrow(F, x, weight, shift, self._shape, self._pads)
        else:
            x = self._convolve(F, x, weight, shift)
        if self._activation_first:
            x = self._activation(F, x)
        if not self._folds:
            x = self.bn(x)
        return x if self._activation is None or self._activation_first else self._activation(F, x)

    def _convolve(self, F: ModuleType, x: Array, weight: Array, shift: Optional[Array]) -> Array:
        shift = () if shift is None else (shift,)
        x = F.Convolution(x, weight, *shift, name=f"{self.conv.name}_fwd", no_bias=not shift, **self._shape)
        return F.slice(x, begin=(None, None, 1, 1), end=(None, None, None, None)) if self._crops else x

    def _trains_on_cpu(self) -> bool:
        weight = self.conv.weight
        return weight.grad_req != "null" and all(context.device_type == "cpu" for context in weight.list_ctx())


def _convolve_narrow(F: ModuleType, x: Array, weight: Array, shift: Optional[Array], shape: Dict[str, Any],
                     pads: Tuple[int, int]) -> Array:
    """A depthwise convolution as the sum of convolutions by at most three columns of its kernel each.

    For the gradient of such weights oneDNN, MXNet 1.9.1's library for CPUs, has a fast implementation where the kernel
    is at most 3 wide and is padded by at most half of that; otherwise the gradient takes ten times as long.

    Args:
        F, x, weight, shift: module of the operators, the map, the weight, and the bias or None.
        shape: arguments of MXNet's convolution.
        pads: rows and columns of zeros at the near and at the far ends, in place of those of `shape`.
    """
    side, parts = shape["kernel"][1], []
    x = F.pad(x, mode="constant", pad_width=(0, 0, 0, 0, *pads, *pads))
    for begin in range(0, side, 3):
        end = min(begin + 3, side)
        columns = F.slice_axis(x, axis=3, begin=begin, end=end - side or None)
        inputs = [columns, F.slice_axis(weight, axis=3, begin=begin, end=end)]
        inputs += [shift] if begin == 0 and shift is not None else []
        parts.append(F.Convolution(*inputs, no_bias=len(inputs) == 2,
                                   **{**shape, "kernel": (side, end - begin), "pad": (0, 0)}))
    return F.add_n(*parts)


def _value(parameter: Parameter, x: Array) -> Array:
    """The values of a parameter on the device of an array x; where x is a symbol, the parameter's variable."""
    return parameter.var() if isinstance(x, mx.sym.Symbol) else parameter.data(x.context)
