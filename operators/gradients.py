"""Lets gradients be added to an input of a native operator (``grad_req="add"``)."""
import itertools
from types import ModuleType

from mxnet import AttrScope, autograd, nd

from .arrays import Array

_calls = itertools.count()


def support_grad_add(F: ModuleType, data: Array) -> Array:
    """Returns `data` behind an operator of MXNet that copies it, for use as the input of a native operator.

    MXNet does not tell operators of a library whether their gradient has to be added to what is there already, as
    ``grad_req="add"`` asks for, and as MXNet itself does for an array that more than eight operators use. A library
    operator can only overwrite. MXNet's own copying operator does add.

    Args:
        F: ``mx.nd`` or ``mx.sym``.
        data: any shape and type.

    Returns:
        The same values. Outside of ``autograd.record`` an NDArray is returned as it is.
    """
    if isinstance(data, nd.NDArray):
        return data.reshape(data.shape) if autograd.is_recording() else data
    # Each copy has an attribute of its own: MXNet would merge equal ones. The copies themselves are made in place.
    with AttrScope(__call__=str(next(_calls))):
        return F.identity(data)
