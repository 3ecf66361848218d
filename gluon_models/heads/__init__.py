"""Heads: from pooled RoIs, or from the map that they are pooled from, to class logits and box deltas."""
from .fast_rcnn import FastRCNNHead
from .light import LightHead
from .rfcn import RFCNHead
from .two_fc import TwoFCHead

__all__ = ["FastRCNNHead", "LightHead", "RFCNHead", "TwoFCHead"]
