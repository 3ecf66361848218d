"""The figures of Shapes: which pixels a figure covers, and how it is painted."""
import colorsys
from typing import Tuple

import numpy as np

MAX_ROTATION = np.pi / 6  # to either side
RING_WIDTH = 0.45  # in radii
MIN_COLOUR_DIFFERENCE = 60  # mean over the channels, of a figure from what it covers
# Corners, in the unit circle, of the figures that are no regular polygons or stars.
_OUTLINES = {
    "cross": [(-0.28, -0.95), (0.28, -0.95), (0.28, -0.28), (0.95, -0.28), (0.95, 0.28), (0.28, 0.28), (0.28, 0.95),
              (-0.28, 0.95), (-0.28, 0.28), (-0.95, 0.28), (-0.95, -0.28), (-0.28, -0.28)],
    "ell": [(-0.55, -0.8), (0.0, -0.8), (0.0, 0.3), (0.6, 0.3), (0.6, 0.8), (-0.55, 0.8)],
    "tee": [(-0.75, -0.65), (0.75, -0.65), (0.75, -0.1), (0.28, -0.1), (0.28, 0.9), (-0.28, 0.9), (-0.28, -0.1),
            (-0.75, -0.1)],
    "arrow": [(0.0, -1.0), (0.8, -0.1), (0.28, -0.1), (0.28, 0.95), (-0.28, 0.95), (-0.28, -0.1), (-0.8, -0.1)],
}
# Number of corners, and radius of every second corner, of the other figures.
_REGULAR = {"triangle": (3, 1.0), "square": (4, 1.0), "hexagon": (6, 1.0), "star": (10, 0.42)}


def figure_coverage(rng: np.random.RandomState, name: str, centre: np.ndarray, radius: float,
                    window: Tuple[slice, slice]) -> Tuple[np.ndarray, np.ndarray, float]:
    """Turns a figure by a random angle and finds the pixels that it covers.

    Args:
        rng: source of the angle.
        name: a class of `STYLES`.
        centre: x, y in pixels of the image.
        radius: of the circle around the figure, in pixels.
        window: rows and columns of the image to look at.

    Returns:
        inside: float64 (h, w), how much of each pixel of the window is covered, 0 to 1.
        rim: float64 (h, w), how near each pixel is to the outline, 0 (deep inside) to 1.
        area: of the whole figure in square pixels, whether it lies in the image or not.
    """
    y, x = np.mgrid[window] + 0.5
    x, y = x - centre[0], y - centre[1]
    angle = rng.uniform(-MAX_ROTATION, MAX_ROTATION)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    if name == "circle":
        distance, area = np.hypot(u, v) - radius, np.pi * radius ** 2
    elif name == "ring":
        distance = np.abs(np.hypot(u, v) - (1 - RING_WIDTH / 2) * radius) - RING_WIDTH / 2 * radius
        area = np.pi * radius ** 2 * (1 - (1 - RING_WIDTH) ** 2)
    else:
        corners = radius * _corners(name)
        distance = _distance_to_polygon(u, v, corners)
        following = np.roll(corners, -1, axis=0)
        area = abs((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum()) / 2
    inside = np.clip(0.5 - distance, 0, 1)
    return inside, np.clip(distance + 2.0, 0, 1), area


def paint_figure(rng: np.random.RandomState, image: np.ndarray, inside: np.ndarray, rim: np.ndarray, contrast: float,
                 ) -> np.ndarray:
    """Paints a shaded figure, in a random colour that differs from what it covers.

    Args:
        rng: source of the colour and the shading.
        image: float64 (h, w, 3), the window before.
        inside, rim: see `figure_coverage`.
        contrast: see `Style`.

    Returns:
        float64 (h, w, 3), the window after.
    """
    mask = inside >= 0.5
    covered = image[mask].mean(axis=0)
    colours = np.array([colorsys.hsv_to_rgb(*hsv) for hsv in rng.uniform((0, 0.6, 0.5), (1, 1, 1), (16, 3))]) * 255
    # The first colour that differs enough, or else the one that differs most.
    difference = np.abs(colours - covered).mean(axis=1)
    enough = difference > MIN_COLOUR_DIFFERENCE
    colour = colours[np.argmax(enough) if enough.any() else np.argmax(difference)]
    if contrast < 1:
        colour = covered + contrast * (colour - covered)
    slope = rng.uniform(-0.0026, 0.0026, 2)
    y, x = np.mgrid[:mask.shape[0], :mask.shape[1]]
    shade = 1 + slope[0] * (y - y[mask].mean()) + slope[1] * (x - x[mask].mean())
    shade *= 1 - 0.35 * rim  # a darker rim sets figures of like colours apart
    return image + inside[..., None] * (colour * shade[..., None] - image)


def _corners(name: str) -> np.ndarray:
    """Returns the corners (k, 2) of a figure in the unit circle."""
    if name in _OUTLINES:
        return np.array(_OUTLINES[name], float)
    count, inner_radius = _REGULAR[name]
    angle = np.arange(count) * 2 * np.pi / count
    radius = np.where(np.arange(count) % 2, inner_radius, 1.0)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]


def _distance_to_polygon(x: np.ndarray, y: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Returns the signed distance of points to the outline of a polygon, in pixels, negative inside."""
    squared = np.full(x.shape, np.inf)
    crossings = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0)):
        ex, ey = bx - ax, by - ay
        along = np.clip(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey), 0, 1)
        squared = np.minimum(squared, (x - ax - along * ex) ** 2 + (y - ay - along * ey) ** 2)
        if ey:
            crossings ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) / ey * ex)
    return np.where(crossings, -1, 1) * np.sqrt(squared)
