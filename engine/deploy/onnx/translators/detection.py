"""Operators of detectors: proposals, the pooling of RoIs, and the choice of detections."""
from typing import Any, Sequence, Tuple

from .. import operators
from ..builder import GraphBuilder
from .table import Call, translates


def _arguments(call: Call, *keys: str) -> dict:
    """Those arguments of the operator that are given."""
    given = {key: call.get(key, None) for key in keys}
    return {key: value for key, value in given.items() if value is not None}


def _side(call: Call) -> int:
    """The side of a pooled RoI, a square."""
    size: Any = call.get("pooled_size")
    sides = (size, size) if isinstance(size, int) else size
    if sides[0] != sides[1]:
        raise call.error(f"pools into {sides[0]}x{sides[1]} bins, and only squares are translated")
    return sides[0]


def _named(g: GraphBuilder, pooled: str) -> str:
    """Names what is pooled ".../pooled": detect.py looks for it."""
    return g.add("Identity", [pooled], name="pooled")


@translates("rpn_proposal")
def rpn_proposal(g: GraphBuilder, call: Call) -> Tuple[str, ...]:
    """The proposals of an image: RoIs, their number and, where asked for, their scores."""
    answers = operators.rpn_proposal(g, *call.inputs, **_arguments(
        call, "anchors", "feature_stride", "pre_nms", "post_nms", "nms_threshold", "min_size", "channels",
        "feature_size", "pad"))
    return answers if call.get("output_score", False) else answers[:2]


@translates("multiclass_nms")
def multiclass_nms(g: GraphBuilder, call: Call) -> Sequence[str]:
    """The detections of an image and their number."""
    valid = call.inputs[2] if call.get("with_valid", False) else None
    return operators.multiclass_nms(
        g, *call.inputs[:2], valid, num_classes=call.shapes[0][-1], class_agnostic=call.shapes[1][-1] == 4,
        **_arguments(call, "background", "score_threshold", "nms_threshold", "pre_nms", "max_per_image", "soft",
                     "sigma", "inclusive"))


@translates("ps_roi_pool")
def ps_roi_pool(g: GraphBuilder, call: Call) -> str:
    """Position-sensitive averages of whole cells."""
    return _named(g, operators.ps_roi_pool(g, *call.inputs, **_arguments(
        call, "output_dim", "pooled_size", "spatial_scale")))


@translates("ps_roi_align")
def ps_roi_align(g: GraphBuilder, call: Call) -> str:
    """Position-sensitive averages or maxima of bilinear samples."""
    return _named(g, operators.ps_roi_align(g, *call.inputs, **_arguments(
        call, "output_dim", "pooled_size", "spatial_scale", "sampling_ratio", "mode", "aligned", "border")))


@translates("_contrib_ROIAlign")
def roi_align(g: GraphBuilder, call: Call) -> str:
    """Averages of bilinear samples of all channels."""
    call.expect(position_sensitive=False)
    return _named(g, operators.roi_align(g, *call.inputs, _side(call), call.get("spatial_scale"),
                                         call.get("sample_ratio", -1), call.get("aligned", False)))


@translates("ROIPooling")
def roi_pooling(g: GraphBuilder, call: Call) -> str:
    """The largest whole cells of all channels."""
    side = _side(call)
    return _named(g, operators.roi_pooling(g, *call.inputs, side, side, call.get("spatial_scale")))


@translates("roi_max_pool")
def roi_max_pool(g: GraphBuilder, call: Call) -> str:
    """The largest whole cells of all channels; zeros for padding."""
    return _named(g, operators.roi_max_pool(g, *call.inputs, **_arguments(
        call, "pooled_height", "pooled_width", "spatial_scale")))
