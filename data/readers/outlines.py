"""Boxes around the shapes that annotation tools draw: polygons, circles, ellipses and turned rectangles.

All are (left, top, right, bottom) in the unit of the shape.
"""
import math
from typing import Iterable, Sequence, Tuple

Edges = Tuple[float, float, float, float]
# Share of the diagonal of its box that the ends of a line may be apart if it goes round something.
CLOSED_WITHIN = 0.1


def box_around(points: Iterable[Tuple[float, float]]) -> Edges:
    """Returns the box around points; ValueError if there are none."""
    x, y = zip(*points)
    return min(x), min(y), max(x), max(y)


def box_of_ellipse(x: float, y: float, rx: float, ry: float, angle: float = 0.) -> Edges:
    """Returns the box around an ellipse with centre (x, y) and radii rx and ry, turned by an angle in radians."""
    half_width = math.hypot(rx * math.cos(angle), ry * math.sin(angle))
    half_height = math.hypot(rx * math.sin(angle), ry * math.cos(angle))
    return x - half_width, y - half_height, x + half_width, y + half_height


def box_of_turned_rectangle(edges: Edges, angle: float, pivot: Tuple[float, float]) -> Edges:
    """Returns the box around a rectangle that is turned about a point.

    Args:
        edges: the rectangle before it was turned, in pixels.
        angle: in radians, clockwise as one looks at the image.
        pivot: x and y of the point.
    """
    left, top, right, bottom = edges
    cosine, sine = math.cos(angle), math.sin(angle)
    return box_around((pivot[0] + (x - pivot[0]) * cosine - (y - pivot[1]) * sine,
                       pivot[1] + (x - pivot[0]) * sine + (y - pivot[1]) * cosine)
                      for x in (left, right) for y in (top, bottom))


def circle_through(points: Iterable[Tuple[float, float]]) -> Tuple[float, float, float]:
    """Returns centre x, centre y and radius of the circle through three points; ValueError if there is none."""
    (ax, ay), (bx, by), (cx, cy) = points
    bx, by, cx, cy = bx - ax, by - ay, cx - ax, cy - ay
    double_area = 2 * (bx * cy - by * cx)
    if not double_area:
        raise ValueError("the points lie on a line")
    x = (cy * (bx * bx + by * by) - by * (cx * cx + cy * cy)) / double_area
    y = (bx * (cx * cx + cy * cy) - cx * (bx * bx + by * by)) / double_area
    return ax + x, ay + y, math.hypot(x, y)


def is_closed(points: Sequence[Tuple[float, float]]) -> bool:
    """Returns whether a line through points ends about where it begins, so that it is the outline of something."""
    left, top, right, bottom = box_around(points)
    gap = math.hypot(points[0][0] - points[-1][0], points[0][1] - points[-1][1])
    return len(points) > 3 and gap <= CLOSED_WITHIN * math.hypot(right - left, bottom - top)
