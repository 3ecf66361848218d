"""Heads: from pooled RoIs to class logits and box deltas."""
from .light import LightHead

__all__ = ["LightHead"]
