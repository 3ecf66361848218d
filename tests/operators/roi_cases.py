"""What the tests of the operators that pool RoIs share: inputs, and calls of the operators and of their kernels."""
import ctypes

import mxnet as mx
import numpy as np
from hypothesis import strategies as st
from mxnet import autograd

from light_head_rcnn.operators.native import build

_VALUES = st.one_of(st.floats(width=32), st.floats(-20, 40, width=32), st.sampled_from([1e6, -1e6, 3e38, -3e38, 0.0]))
# MXNet's threads take subnormal numbers for 0.
_IMAGES = st.one_of(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), st.floats(width=32, allow_subnormal=False))
HOSTILE_ROIS = st.lists(st.tuples(_IMAGES, _VALUES, _VALUES, _VALUES, _VALUES), min_size=1, max_size=8).map(
    lambda rows: np.array(rows, "float32"))


def random_rois(rng, count, images, height, width, dtype="float64"):
    """Draws RoIs of all sizes, many of them partly or wholly outside a map of height x width at scale 1."""
    centres = rng.uniform(-0.3, 1.3, (count, 2)) * [width, height]
    sizes = np.exp(rng.uniform(-3, 1.2, (count, 2))) * [width, height]
    image = rng.randint(0, images, (count, 1))
    return np.concatenate([image, centres - sizes / 2, centres + sizes / 2], axis=1).astype(dtype)


def forward_backward(operator, data, rois, grad, **options):
    """Runs operator(data, rois, **options) and returns the output and the gradient of data, as NumPy arrays."""
    data = mx.nd.array(data, dtype=data.dtype)
    data.attach_grad()
    with autograd.record():
        output = operator(data, mx.nd.array(rois, dtype=rois.dtype), **options)
    output.backward(mx.nd.array(grad, dtype=grad.dtype))
    return output.asnumpy(), data.grad.asnumpy()


def check_order_does_not_matter(run, seed, **options):
    """Checks that images and RoIs in another order give the same outputs and gradients in that order.

    Args:
        run: `forward_backward` of an operator, called as run(data, rois, grad, output_dim, pooled_size, spatial_scale,
            **options).
    """
    rng = np.random.RandomState(seed)
    data, rois, grad = rng.randn(3, 8, 7, 7), random_rois(rng, 30, 3, 7, 7), rng.randn(30, 2, 2, 2)
    options = dict(output_dim=2, pooled_size=2, spatial_scale=1, **options)
    output, data_grad = run(data, rois, grad, **options)
    order = rng.permutation(30)
    shuffled = rois[order]
    shuffled[:, 0] = 2 - shuffled[:, 0]
    output2, data_grad2 = run(data[::-1].copy(), shuffled, grad[order], **options)
    np.testing.assert_array_equal(output2, output[order])
    np.testing.assert_allclose(data_grad2[::-1], data_grad, atol=1e-12)


def structure(sizes, int32s):
    """Makes a class for a struct of options in kernels.h: `sizes` as int64, then `int32s`, then the spatial scale."""
    class Options(ctypes.Structure):
        _fields_ = ([(name, ctypes.c_int64) for name in sizes] + [(name, ctypes.c_int32) for name in int32s]
                    + [("spatial_scale", ctypes.c_double)])
    return Options


SIZES = ("images", "height", "width", "rois")
ALIGN = structure(SIZES, ("output_dim", "pooled_size", "sampling_ratio", "mode", "aligned", "border"))
POOL = structure(SIZES, ("output_dim", "pooled_size"))
MAX_POOL = structure(SIZES, ("channels", "pooled_height", "pooled_width"))


def kernel_results(name, options, data, rois, grad, threads):
    """Calls the kernels without MXNet and returns the output and the gradient of data."""
    kernels = ctypes.CDLL(build.LIBRARY)
    output, data_grad = np.full(grad.shape, np.nan, data.dtype), np.full(data.shape, np.nan, data.dtype)
    backward = (grad, data, rois, data_grad) if isinstance(options, (ALIGN, MAX_POOL)) else (grad, rois, data_grad)
    for way, arrays in (("forward", (data, rois, output)), ("backward", backward)):
        kernel = getattr(kernels, f"lhrcnn_{name}_{way}_{'f32' if data.dtype == 'float32' else 'f64'}")
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        assert kernel(ctypes.byref(options), *pointers, threads) == 0
    return output, data_grad
