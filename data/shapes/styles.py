"""The styles of Shapes: which figures there are, how large they are, and how much they stand out."""
from typing import NamedTuple, Tuple

SHAPES_CLASSES = ("circle", "star", "triangle")


class Style(NamedTuple):
    """What the images of one variant of Shapes look like.

    Attributes:
        classes: names of the figures.
        diameters: smallest and largest diameter of a figure in pixels.
        contrast: share of a figure's own colour in its paint; the rest is the mean colour of what the figure covers.
    """

    classes: Tuple[str, ...]
    diameters: Tuple[float, float]
    contrast: float


EASY = Style(SHAPES_CLASSES, (12.0, 96.0), 1.0)
HARD = Style(SHAPES_CLASSES + ("square", "hexagon", "cross", "ring", "ell", "tee", "arrow"), (10.0, 48.0), 0.55)
# By the name of the data set.
STYLES = {"shapes": EASY, "shapes_hard": HARD}
