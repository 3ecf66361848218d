"""The operators that the graph of an exported detector may have, and what their attributes may be.

MXNet has some five hundred operators. Some read memory at an address that the graph states (`_Native`), call Python
(`Custom`) or hold graphs of their own, and many divide by an attribute without a look at it. A graph that comes from a
stranger may have those of this table alone.
"""
import re
from typing import Callable, Dict, Mapping, NamedTuple, Optional

_NUMBER = re.compile(r"[-+]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})(e[-+]?\d{1,3})?|[-+]?inf", re.IGNORECASE)
_WHOLE = re.compile(r"-?\d{1,10}L?")
_WORD = re.compile(r"[A-Za-z_0-9]{0,40}")
_FLAGS = ("True", "False", "true", "false", "1", "0")
_LONGEST = 20_000  # characters; the anchors of an RPN are the longest attribute


class Arity(NamedTuple):
    """How many inputs an operator takes, and how many outputs can be read."""

    least: int
    most: int
    outputs: int = 1


_UNARY, _BINARY, _ANY = Arity(1, 1), Arity(2, 2), Arity(1, 10_000)

OPERATORS: Dict[str, Arity] = {
    **dict.fromkeys((
        "Activation", "BlockGrad", "Cast", "Dropout", "Flatten", "L2Normalization", "Pad", "Reshape", "SliceChannel",
        "SoftmaxActivation", "SwapAxis", "_contrib_arange_like", "_copy", "_div_scalar", "_equal_scalar",
        "_greater_equal_scalar", "_greater_scalar", "_lesser_equal_scalar", "_lesser_scalar", "_maximum_scalar",
        "_minimum_scalar", "_minus_scalar", "_mul_scalar", "_not_equal_scalar", "_plus_scalar", "_power_scalar",
        "_rdiv_scalar", "_rminus_scalar", "abs", "amp_cast", "argmax", "broadcast_axis", "broadcast_to", "cast",
        "ceil", "clip", "exp", "expand_dims", "flatten", "floor", "hard_sigmoid", "identity", "log", "log_softmax",
        "max", "mean", "min", "negative", "ones_like", "pad", "prod", "relu", "reshape", "round", "rsqrt", "sigmoid",
        "slice", "slice_axis", "smooth_l1", "softmax", "softsign", "split", "sqrt", "square", "squeeze", "sum",
        "swapaxes", "tanh", "transpose", "zeros_like"), _UNARY),
    **dict.fromkeys((
        "ROIPooling", "_contrib_ROIAlign", "_div", "_maximum", "_minimum", "_minus", "_mul", "_plus", "batch_dot",
        "broadcast_add", "broadcast_div", "broadcast_equal", "broadcast_greater", "broadcast_greater_equal",
        "broadcast_lesser", "broadcast_lesser_equal", "broadcast_like", "broadcast_maximum", "broadcast_minimum",
        "broadcast_mul", "broadcast_not_equal", "broadcast_power", "broadcast_sub", "elemwise_add", "elemwise_div",
        "elemwise_mul", "elemwise_sub", "ps_roi_align", "ps_roi_pool", "reshape_like", "roi_max_pool", "slice_like",
        "take"), _BINARY),
    **dict.fromkeys(("Concat", "ElementWiseSum", "add_n", "concat", "stack"), _ANY),
    "BatchNorm": Arity(5, 5, 3), "LayerNorm": Arity(3, 3, 3), "InstanceNorm": Arity(3, 3, 3),
    "Convolution": Arity(2, 3), "Deconvolution": Arity(2, 3), "FullyConnected": Arity(2, 3), "LRN": Arity(1, 1, 2),
    "LeakyReLU": Arity(1, 2), "Pooling": _UNARY, "UpSampling": _UNARY, "topk": Arity(1, 1, 2), "where": Arity(3, 3),
    "multiclass_nms": Arity(2, 3, 2), "rpn_proposal": Arity(3, 3, 3), "_contrib_Proposal": Arity(3, 3, 2),
}
# Those of this package check their attributes themselves.
OWN = ("multiclass_nms", "rpn_proposal", "ps_roi_align", "ps_roi_pool", "roi_max_pool")
# Inputs that an operator writes to: they must be parameters.
WRITTEN_INPUTS = {"BatchNorm": (3, 4)}


def _whole(least: int, most: int, may_be_none: bool = False, most_of_them: int = 8) -> Callable[[str], bool]:
    """Returns a check of a whole number, or a tuple of some, each within bounds."""
    def is_sound(text: str) -> bool:
        words = text.strip("()[]").split(",")
        words = [word.strip() for word in words if word.strip()]
        return len(words) <= most_of_them and all(
            (may_be_none and word == "None") or (
                _WHOLE.fullmatch(word) is not None and least <= int(word.rstrip("L")) <= most) for word in words)

    return is_sound


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _positive_numbers(most_of_them: int) -> Callable[[str], bool]:
    """Returns a check of a tuple of numbers above 0."""
    def is_sound(text: str) -> bool:
        words = [word.strip() for word in text.strip("()[]").split(",") if word.strip()]
        return 0 < len(words) <= most_of_them and all(_is_number(word) and float(word) > 0 for word in words)

    return is_sound


def _is_flag(text: str) -> bool:
    return text in _FLAGS or text == "None"


def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


def _is_one(least: int, most: int) -> Callable[[str], bool]:
    """Returns a check of one whole number within bounds."""
    return lambda text: _WHOLE.fullmatch(text) is not None and least <= int(text.rstrip("L")) <= most


_INT = 2 ** 31 - 1
_AXES = _whole(-32, 32, may_be_none=True)
# By the name of an attribute, which means the same in all operators of MXNet here: whether a text is a value of it.
_CHECKS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(("kernel", "stride", "dilate"), _whole(1, 1 << 14)),
    "pooled_size": _whole(1, 1 << 10), "target_shape": _whole(0, 1 << 14), "adj": _whole(0, 1 << 14),
    "pad": _whole(0, 1 << 14), "pad_width": _whole(0, 1 << 14, most_of_them=16),
    **dict.fromkeys(("num_filter", "num_hidden", "num_group"), _is_one(1, 1 << 20)),
    **dict.fromkeys(("num_outputs", "num_args"), _is_one(1, 10_000)),
    "scale": _is_one(1, 64), "nsize": _is_one(1, 1 << 10), "k": _is_one(0, 1 << 24), "sample_ratio": _is_one(-1, 64),
    "workspace": _is_one(0, 1 << 20),
    **dict.fromkeys(("axis", "axes", "dim", "dim1", "dim2", "lhs_axes", "rhs_axes", "lhs_begin", "lhs_end", "rhs_begin",
                     "rhs_end"), _AXES),
    "shape": _whole(-6, _INT, most_of_them=32), "size": _whole(0, _INT),
    **dict.fromkeys(("begin", "end", "step"), _whole(-_INT, _INT, may_be_none=True)),
    **dict.fromkeys(("scalar", "eps", "alpha", "beta", "knorm", "momentum", "p", "a_min", "a_max", "slope",
                     "lower_bound", "upper_bound", "spatial_scale", "temperature", "constant_value", "min_calib_range",
                     "max_calib_range", "start", "sigma"), lambda text: _is_number(text) or text == "None"),
    **dict.fromkeys(("no_bias", "global_pool", "count_include_pad", "fix_gamma", "use_global_stats", "output_mean_var",
                     "flatten", "cudnn_off", "use_length", "keepdims", "exclude", "is_ascend", "squeeze_axis",
                     "transpose_a", "transpose_b", "position_sensitive", "aligned", "reverse", "is_int"), _is_flag),
    **dict.fromkeys(("act_type", "layout", "pool_type", "pooling_convention", "sample_type", "mode", "ret_typ", "dtype",
                     "cudnn_tune", "multi_input_mode", "forward_stype"), _is_word),
    "repeat": _is_one(1, 1 << 10),
    # MXNet's own proposal operator, which counts its anchors against its inputs itself.
    "rpn_pre_nms_top_n": _is_one(-1, 1 << 24), "rpn_post_nms_top_n": _is_one(1, 1 << 16), "threshold": _is_number,
    "rpn_min_size": _is_one(0, 1 << 14), "feature_stride": _is_one(1, 1 << 10),
    **dict.fromkeys(("scales", "ratios"), _positive_numbers(64)),
    **dict.fromkeys(("output_score", "iou_loss"), _is_flag),
}
# Steps of 0 are divided by.
_NEVER_ZERO = ("step",)


def attribute_problem(op: str, attributes: Mapping[str, str]) -> Optional[str]:
    """Returns what is wrong with the attributes of a node; None where nothing is.

    Args:
        op: MXNet's name of the operator, one of `OPERATORS`.
        attributes: by name. Names that begin with two underscores are notes of MXNet on the node.
    """
    for name, text in attributes.items():
        if len(text) > _LONGEST:
            return f"its attribute {name} has {len(text)} characters"
        if name.startswith("__") or op in OWN:
            continue
        check = _CHECKS.get(name)
        if check is None:
            return f"it has an attribute {name}, which no exported detector has"
        words = [word.strip() for word in text.strip("()[]").split(",")]
        if not check(text) or (name in _NEVER_ZERO and "0" in words):
            return f"its attribute {name} is {text[:60]!r}"
    return None
