"""Necks: from the backbone's last map to the map that the RoIs are pooled from."""
from .large_separable import LargeSeparableConv
from .pointwise import PointwiseConv

__all__ = ["LargeSeparableConv", "PointwiseConv"]
