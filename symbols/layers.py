"""Nodes that all networks consist of, with the names and attributes that the graphs of the MXNet original give them."""
from typing import Any, Optional

import mxnet as mx

EPSILON = 1e-5


def relu(data: mx.sym.Symbol, name: str) -> mx.sym.Symbol:
    """Returns max(data, 0), as a node of this name."""
    return mx.sym.Activation(data, act_type="relu", name=name)


def conv_bn(data: mx.sym.Symbol, conv_name: str, bn_name: str, frozen: bool, relu_name: Optional[str] = None,
            **shape: Any) -> mx.sym.Symbol:
    """Returns a convolution without bias, batch normalisation and, if it has a name, ReLU.

    Args:
        data: (N, C, H, W).
        conv_name: name of the convolution's node.
        bn_name: name of the normalisation's node.
        frozen: whether the moving statistics normalise in training, too.
        relu_name: name of the ReLU's node; without one there is no ReLU.
        shape: attributes of the convolution, as the MXNet original writes them, e.g. `kernel=(1, 1), pad=(0, 0)`.
    """
    conv = mx.sym.Convolution(data, no_bias=True, name=conv_name, **shape)
    out = mx.sym.BatchNorm(conv, use_global_stats=frozen, fix_gamma=False, eps=EPSILON, name=bn_name)
    return out if relu_name is None else relu(out, relu_name)
