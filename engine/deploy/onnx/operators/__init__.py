"""The operators of a detector that ONNX lacks, written in ONNX's standard operators.

Each function adds the nodes of one operator, this package's own or one of MXNet's for RoIs, and answers as it does.
They hold for ONNX Runtime and OpenVINO alike. OpenVINO takes liberties, for which there are nodes that look needless:
it divides by multiplying with a reciprocal, computes int64 in 32 bits and float64 in float32, orders equal scores as it
likes, takes NaN for greater than a number, and wants to know at once how many columns boxes have.
"""
from .multiclass_nms import multiclass_nms
from .ps_roi_align import ps_roi_align
from .ps_roi_pool import ps_roi_pool
from .roi_align import roi_align
from .roi_pooling import roi_max_pool, roi_pooling
from .rpn_proposal import rpn_proposal

__all__ = ["multiclass_nms", "ps_roi_align", "ps_roi_pool", "roi_align", "roi_max_pool", "roi_pooling",
           "rpn_proposal"]
