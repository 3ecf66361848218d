"""Gradients that are added: what MXNet does not tell native operators."""
import itertools

from mxnet import AttrScope, autograd, nd

_calls = itertools.count()


def with_added_gradient(F, data):
    """``data``, to be given to a native operator in its place, so that gradients of ``data`` may be added.

    MXNet does not tell library operators when to add to a gradient (``grad_req="add"``, or more than eight uses of one
    array). An operator in between that only hands on does add.
    """
    if isinstance(data, nd.NDArray):
        return data.reshape(data.shape) if autograd.is_recording() else data
    # Of one name each: MXNet would make one of copies that are alike. In a graph they are made in place.
    with AttrScope(__call__=str(next(_calls))):
        return F.identity(data)
