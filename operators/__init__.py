"""Operators: native ones, loaded into MXNet by importing this package, and Python functions around boxes."""
from . import library

library.load()

from .ps_roi_align import ps_roi_align  # noqa: E402  (its operator must be there first)

__all__ = ["ps_roi_align"]
