"""Operators: the native ones, which importing this package loads into MXNet, and Python functions on boxes and anchors.

Native operators work on NDArrays and on symbols: `ps_roi_align`, `ps_roi_pool` and `roi_max_pool` pool a map at regions
of interest, `rpn_proposal` makes these regions, `multiclass_nms` makes detections. `boxes` and `anchors` hold their
geometry in NumPy, `anchor_targets` what a region proposal network has to learn, `detections` the last step of a
detector, and `custom` the operators of the MXNet original's graphs.
"""
from . import library

library.load()

from .multiclass_nms import multiclass_nms  # noqa: E402  (its native operator has to be loaded before)
from .ps_roi_align import ps_roi_align  # noqa: E402
from .ps_roi_pool import ps_roi_pool  # noqa: E402
from .roi_max_pool import roi_max_pool  # noqa: E402
from .rpn_proposal import rpn_proposal  # noqa: E402

__all__ = ["multiclass_nms", "ps_roi_align", "ps_roi_pool", "roi_max_pool", "rpn_proposal"]
