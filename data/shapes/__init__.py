"""Shapes: a small detection data set that this package draws itself, in COCO layout.

Its images show figures (circles, stars, triangles) on textured, noisy grounds: 12 to 96 pixels across, turned a little,
shaded, overlapping by a bounded share, cut by the edge at times. Grounds are dull and figures vivid; the colour says
nothing about the class. An image is a pure function of (style, seed, split, index). The style `HARD`, which tells good
detectors from better ones, has ten classes of smaller figures that stand out less.
"""
from .drawing import IMAGE_SIZES, MAX_HIDDEN, MAX_OBJECTS, draw_image
from .styles import EASY, HARD, SHAPES_CLASSES, STYLES, Style
from .writing import ensure_shapes, write_shapes

__all__ = [
    "EASY",
    "HARD",
    "IMAGE_SIZES",
    "MAX_HIDDEN",
    "MAX_OBJECTS",
    "SHAPES_CLASSES",
    "STYLES",
    "Style",
    "draw_image",
    "ensure_shapes",
    "write_shapes",
]
