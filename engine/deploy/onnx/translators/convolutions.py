"""Convolution, pooling, normalisations, dense layers and enlarging."""
from typing import List, Tuple

import numpy as np

from ..builder import GraphBuilder
from ...graphs.folding import NEAR_PAD
from .table import Call, translates


def _windows(call: Call) -> Tuple[List[int], List[int], List[int]]:
    """The kernel, the stride and the padding (near sides, then far sides) of a convolution or a pooling of images."""
    kernel = list(call.get("kernel"))
    if len(kernel) != 2:
        raise call.error(f"has a kernel of {len(kernel)} sides, and only images, of two, are translated")
    pad = call.get("pad", (0, 0)) or (0, 0)
    return kernel, list(call.get("stride", (1, 1)) or (1, 1)), [*call.get(NEAR_PAD, pad), *pad]


@translates("Convolution")
def convolution(g: GraphBuilder, call: Call) -> str:
    """Conv."""
    call.expect(layout="NCHW")
    call.ignore("num_filter", "workspace", "no_bias", "cudnn_tune", "cudnn_off")
    kernel, stride, pads = _windows(call)
    return g.add("Conv", call.inputs, kernel_shape=kernel, strides=stride, pads=pads,
                 dilations=list(call.get("dilate", (1, 1)) or (1, 1)), group=call.get("num_group", 1))


@translates("Pooling")
def pooling(g: GraphBuilder, call: Call) -> str:
    """MaxPool or AveragePool, GlobalMaxPool or GlobalAveragePool."""
    call.expect(layout="NCHW")
    call.ignore("cudnn_off", "p_value")
    kind, convention = call.get("pool_type", "max"), call.get("pooling_convention", "valid")
    counts_padding = call.get("count_include_pad", True)
    if kind not in ("max", "avg") or convention not in ("valid", "full"):
        raise call.error(f"pools by {kind!r}, {convention!r}, and only 'max' and 'avg', 'valid' and 'full' are "
                         "translated")
    if call.get("global_pool", False):
        call.ignore("kernel", "stride", "pad")
        return g.add("GlobalMaxPool" if kind == "max" else "GlobalAveragePool", call.inputs)
    kernel, stride, pads = _windows(call)
    is_full = int(convention == "full")
    if kind == "max":
        return g.add("MaxPool", call.inputs, kernel_shape=kernel, strides=stride, pads=pads, ceil_mode=is_full)
    # Where nothing is padded, MXNet counts the cells of a window that reaches over the edge only if they are there.
    counts_padding = counts_padding and any(pads)
    if counts_padding and is_full:
        raise call.error("averages padded cells in windows that reach over the edge, which is not translated")
    return g.add("AveragePool", call.inputs, kernel_shape=kernel, strides=stride, pads=pads, ceil_mode=is_full,
                 count_include_pad=int(counts_padding))


@translates("BatchNorm")
def batch_norm(g: GraphBuilder, call: Call) -> str:
    """BatchNormalization by the moving statistics."""
    call.expect(axis=1, output_mean_var=False)
    call.ignore("momentum", "use_global_stats", "cudnn_off", "min_calib_range", "max_calib_range")
    x, gamma, beta, mean, variance = call.inputs
    if call.get("fix_gamma", True):
        if call.arrays[1] is None:
            raise call.error("has a scale that is no parameter, which is not translated")
        gamma = g.constant(np.ones_like(call.arrays[1]))
    return g.add("BatchNormalization", [x, gamma, beta, mean, variance], epsilon=float(call.get("eps", 1e-3)))


@translates("LRN")
def local_norm(g: GraphBuilder, call: Call) -> str:
    """LRN: both share alpha out among the channels."""
    return g.add("LRN", call.inputs, size=call.get("nsize"), alpha=float(call.get("alpha", 1e-4)),
                 beta=float(call.get("beta", 0.75)), bias=float(call.get("knorm", 2)))


@translates("FullyConnected")
def fully_connected(g: GraphBuilder, call: Call) -> str:
    """Gemm on rows; where the input has more axes, they are flattened first."""
    call.ignore("num_hidden", "no_bias")
    flattens = call.get("flatten", True)
    if not flattens and call.axes[0] != 2:
        raise call.error("has flatten=False on more than two axes, which is not translated")
    x = call.inputs[0] if call.axes[0] == 2 else g.add("Flatten", call.inputs[:1], axis=1)
    return g.add("Gemm", [x, *call.inputs[1:]], transB=1)


@translates("UpSampling")
def up_sampling(g: GraphBuilder, call: Call) -> str:
    """Resize, where each cell becomes a square of equal cells."""
    call.expect(sample_type="nearest", num_args=1)
    call.ignore("workspace")
    scale = float(call.get("scale"))
    return g.add("Resize", [call.inputs[0], "", g.constant(np.array([1, 1, scale, scale], np.float32))],
                 mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
