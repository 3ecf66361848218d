"""Necks: from the backbone's maps to the maps that the RoIs are pooled from."""
from .large_separable import LargeSeparableConv
from .pointwise import PointwiseConv
from .pyramid import FeaturePyramid

__all__ = ["FeaturePyramid", "LargeSeparableConv", "PointwiseConv"]
