"""Nodes that all networks are made of, named and given attributes as in the original graphs."""
import mxnet as mx

EPSILON = 1e-5


def relu(data, name):
    """max(data, 0), as a node of that name."""
    return mx.sym.Activation(data, act_type="relu", name=name)


def conv_bn(data, conv_name, bn_name, frozen, relu_name=None, **shape):
    """Convolution without bias, batch normalisation and, where `relu_name` is given, ReLU.

    Args:
        frozen: normalise by the moving statistics, in training too.
        shape: attributes of the convolution, in the original's own values, e.g. `kernel=(1, 1), pad=(0, 0)`.
    """
    conv = mx.sym.Convolution(data, no_bias=True, name=conv_name, **shape)
    out = mx.sym.BatchNorm(conv, use_global_stats=frozen, fix_gamma=False, eps=EPSILON, name=bn_name)
    return out if relu_name is None else relu(out, relu_name)
