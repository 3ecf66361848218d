"""Graphs of one operator, of all that an exported detector may have: their attributes, inputs and outputs.

What passes the check of graphs is run. MXNet may refuse it, but must not end the process or take all memory.
"""
import json
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

from target import Target

_X, _V = (1, 4, 12, 10), (4,)
_ANCHORS = "(-8, -8, 8, 8, -4, -4, 4, 4)"
# An operator, its attributes, and the shapes of its inputs.
_CASES: Sequence[Tuple[str, Mapping[str, str], Sequence[Tuple[int, ...]]]] = (
    ("Convolution", {"kernel": "(3, 3)", "stride": "(1, 1)", "dilate": "(1, 1)", "pad": "(1, 1)", "num_filter": "2",
                     "num_group": "2", "no_bias": "True", "layout": "NCHW"}, (_X, (2, 2, 3, 3))),
    ("Deconvolution", {"kernel": "(3, 3)", "stride": "(2, 2)", "adj": "(1, 1)", "pad": "(1, 1)", "num_filter": "2",
                       "no_bias": "True"}, (_X, (4, 2, 3, 3))),
    ("FullyConnected", {"num_hidden": "3", "flatten": "True", "no_bias": "False"}, (_X, (3, 480), (3,))),
    ("Pooling", {"kernel": "(2, 2)", "stride": "(2, 2)", "pad": "(0, 0)", "pool_type": "max", "global_pool": "False",
                 "pooling_convention": "full", "count_include_pad": "False"}, (_X,)),
    ("BatchNorm", {"eps": "1e-05", "fix_gamma": "False", "use_global_stats": "True", "axis": "1"},
     (_X, _V, _V, _V, _V)),
    ("LRN", {"alpha": "0.0001", "beta": "0.75", "knorm": "2", "nsize": "5"}, (_X,)),
    ("LayerNorm", {"axis": "-1", "eps": "1e-05"}, (_X, (10,), (10,))), ("InstanceNorm", {"eps": "0.001"}, (_X, _V, _V)),
    ("L2Normalization", {"mode": "channel", "eps": "1e-10"}, (_X,)), ("LeakyReLU", {"act_type": "leaky"}, (_X,)),
    ("Activation", {"act_type": "relu"}, (_X,)), ("Dropout", {"p": "0.5"}, (_X,)), ("Flatten", {}, (_X,)),
    ("Concat", {"dim": "1", "num_args": "2"}, (_X, _X)), ("stack", {"axis": "0", "num_args": "2"}, (_X, _X)),
    ("add_n", {"num_args": "2"}, (_X, _X)), ("Reshape", {"shape": "(-1, 12, 10)"}, (_X,)),
    ("reshape_like", {"lhs_begin": "0", "lhs_end": "1", "rhs_begin": "0", "rhs_end": "2"}, ((6, 4), (2, 3, 4))),
    ("SliceChannel", {"axis": "1", "num_outputs": "2"}, (_X,)),
    ("slice_axis", {"axis": "2", "begin": "1", "end": "5"}, (_X,)),
    ("slice", {"begin": "(None, None, 1, 1)", "end": "(None, None, 5, None)", "step": "(1, 1, 2, 1)"}, (_X,)),
    ("slice_like", {"axes": "(2, 3)"}, (_X, (1, 4, 5, 5))), ("transpose", {"axes": "(0, 2, 3, 1)"}, (_X,)),
    ("SwapAxis", {"dim1": "1", "dim2": "2"}, (_X,)), ("expand_dims", {"axis": "2"}, (_X,)),
    ("squeeze", {"axis": "0"}, (_X,)), ("topk", {"k": "3", "axis": "1", "ret_typ": "both"}, ((2, 20),)),
    ("take", {"axis": "0", "mode": "clip"}, (_X, (2,))), ("where", {}, (_X, _X, _X)),
    ("Pad", {"mode": "constant", "pad_width": "(0, 0, 0, 0, 1, 1, 1, 1)", "constant_value": "0"}, (_X,)),
    ("UpSampling", {"scale": "2", "sample_type": "nearest", "num_args": "1"}, (_X,)),
    ("ROIPooling", {"pooled_size": "(3, 3)", "spatial_scale": "0.5"}, (_X, (3, 5))),
    ("_contrib_ROIAlign", {"pooled_size": "(3, 3)", "spatial_scale": "0.5", "sample_ratio": "2"}, (_X, (3, 5))),
    ("_contrib_arange_like", {"axis": "1", "start": "0", "step": "1"}, (_X,)),
    ("clip", {"a_min": "0", "a_max": "6"}, (_X,)),
    ("mean", {"axis": "(2, 3)", "keepdims": "True", "exclude": "False"}, (_X,)), ("max", {"axis": "1"}, (_X,)),
    ("argmax", {"axis": "1"}, (_X,)), ("softmax", {"axis": "1", "temperature": "1"}, (_X,)),
    ("SoftmaxActivation", {"mode": "channel"}, (_X,)), ("broadcast_axis", {"axis": "0", "size": "3"}, (_X,)),
    ("broadcast_to", {"shape": "(2, 4, 12, 10)"}, (_X,)),
    ("broadcast_like", {"lhs_axes": "0", "rhs_axes": "0"}, (_X, _X)),
    ("batch_dot", {"transpose_a": "False", "transpose_b": "True"}, ((2, 3, 4), (2, 5, 4))),
    ("broadcast_mul", {}, (_X, (1, 4, 1, 1))), ("elemwise_add", {}, (_X, _X)), ("Cast", {"dtype": "int32"}, (_X,)),
    ("_plus_scalar", {"scalar": "0.5"}, (_X,)), ("hard_sigmoid", {"alpha": "0.2", "beta": "0.5"}, (_X,)),
    ("smooth_l1", {"scalar": "1"}, (_X,)),
    ("ps_roi_align", {"output_dim": "1", "pooled_size": "2", "spatial_scale": "0.5", "sampling_ratio": "2",
                      "mode": "avg"}, (_X, (3, 5))),
    ("ps_roi_pool", {"output_dim": "1", "pooled_size": "2", "spatial_scale": "0.5"}, (_X, (3, 5))),
    ("roi_max_pool", {"pooled_height": "2", "pooled_width": "2", "spatial_scale": "0.5"}, (_X, (3, 5))),
    ("rpn_proposal", {"anchors": _ANCHORS, "feature_stride": "16", "pre_nms": "60", "post_nms": "5", "min_size": "0",
                      "nms_threshold": "0.7", "channels": "split", "output_score": "True"}, (
                          (1, 4, 6, 5), (1, 8, 6, 5), (1, 3))),
    ("multiclass_nms", {"background": "0", "score_threshold": "0.1", "nms_threshold": "0.3", "pre_nms": "0",
                        "max_per_image": "9", "soft": "linear", "sigma": "0.5"}, ((1, 20, 3), (1, 20, 4))),
)


def _graph(op: str, attributes: Mapping[str, str], shapes: Sequence[Tuple[int, ...]]) -> bytes:
    """A graph of one operator, whose inputs are named after their places and shapes."""
    inputs = [{"op": "null", "name": f"{place}_" + "_".join(map(str, shape)), "inputs": []}
              for place, shape in enumerate(shapes)]
    node = {"op": op, "name": "node", "attrs": dict(attributes),
            "inputs": [[place, 0, 0] for place in range(len(shapes))]}
    return json.dumps({"nodes": [*inputs, node], "arg_nodes": list(range(len(shapes))),
                       "heads": [[len(shapes), 0, 0]], "attrs": {"mxnet_version": ["int", 10901]}}).encode()


def _seeds() -> List[bytes]:
    return [_graph(*case) for case in _CASES]


def _read(folder: Path) -> object:
    import mxnet as mx

    from light_head_rcnn import operators  # noqa: F401  (registers them)
    from light_head_rcnn.engine.deploy.graphs.checking import checked_graph
    from light_head_rcnn.engine.deploy.graphs.sizes import check_array_sizes
    from light_head_rcnn.errors import CheckpointError
    path = folder / "graph.json"
    try:
        symbol = mx.sym.load_json(checked_graph(str(path)))
        shapes = {name: tuple(map(int, name.split("_")[1:])) for name in symbol.list_inputs()
                  if all(part.isdecimal() and len(part) < 4 for part in name.split("_"))}
        check_array_sizes(symbol, shapes)
        executor = symbol.simple_bind(mx.cpu(), grad_req="null", **shapes)
        for array in (*executor.arg_arrays, *executor.aux_arrays):
            array[:] = mx.nd.random.uniform(-2, 20, array.shape).astype(array.dtype)
        return [array.asnumpy() for array in executor.forward()]
    except (mx.MXNetError, RuntimeError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path}: {error}") from None


TARGETS: Dict[str, Target] = {"operators": Target("graph.json", _seeds, _read)}
