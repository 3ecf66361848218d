"""Finds out whether arrays hold finite numbers only, at little cost."""
import ctypes
from typing import List, Sequence

import mxnet as mx
import numpy as np
from mxnet.base import _LIB, check_call

_AT_ONCE = 150  # arrays that one call of MXNet's operator checks; it takes 200 at most, and does not check that


def all_finite(arrays: Sequence[mx.nd.NDArray]) -> bool:
    """Tells whether all numbers of all arrays are finite; waits until they are computed.

    Args:
        arrays: on any devices. On the CPU they are read in place, since MXNet's own reductions take longer there.
    """
    on_gpus = {}
    for array in arrays:
        if array.context.device_type == "gpu":
            on_gpus.setdefault(array.context, []).append(array)
    flags = [flag for of_device in on_gpus.values() for flag in _flags(of_device)]
    if not all(is_finite(array) for array in arrays if array.context.device_type != "gpu"):
        return False
    return all(flag.asscalar() for flag in flags)


def is_finite(array: mx.nd.NDArray) -> bool:
    """Tells whether all numbers of an array are finite."""
    values = _in_place(array)
    with np.errstate(all="ignore"):
        # A sum is finite where all numbers are, but for very large ones, which are looked at one by one.
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def _flags(arrays: List[mx.nd.NDArray]) -> List[mx.nd.NDArray]:
    """Returns arrays of one number, on the device, that are 1 where all numbers are finite."""
    groups = [arrays[start:start + _AT_ONCE] for start in range(0, len(arrays), _AT_ONCE)]
    return [mx.nd.multi_all_finite(*group, num_arrays=len(group)) for group in groups]


def _in_place(array: mx.nd.NDArray) -> np.ndarray:
    """Returns the numbers of an array; those of float32 arrays on the CPU are not copied, and may not be kept."""
    if array.context.device_type == "gpu" or array.dtype != np.float32 or array.stype != "default":
        return array.asnumpy()
    array.wait_to_read()
    address = ctypes.c_void_p()
    check_call(_LIB.MXNDArrayGetData(array.handle, ctypes.byref(address)))
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_float)), (array.size,))
