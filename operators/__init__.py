"""Operators: native ones, loaded into MXNet by importing this package, and Python functions around boxes."""
from . import library

library.load()

from .multiclass_nms import multiclass_nms  # noqa: E402  (its operator must be there first)
from .ps_roi_align import ps_roi_align  # noqa: E402
from .ps_roi_pool import ps_roi_pool  # noqa: E402
from .rpn_proposal import rpn_proposal  # noqa: E402

__all__ = ["multiclass_nms", "ps_roi_align", "ps_roi_pool", "rpn_proposal"]
