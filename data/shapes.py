"""Shapes: an embedded detection set, drawn with NumPy, written to disk in COCO layout.

Three classes of figures on textured, noisy grounds: 12 to 96 pixels across (8:1), turned a little, shaded, overlapping
by a bounded share, cut by the edge at times. Grounds are dull and figures vivid; the colour says nothing about the
class. An image is a pure function of (style, seed, split, index). The style HARD, which tells detectors apart, has ten
classes of smaller figures that stand out less.
"""
import colorsys
import json
import os
import shutil
import tempfile
from typing import NamedTuple

import numpy as np
from PIL import Image

from .records import DataError



class Style(NamedTuple):
    """What the images of a set look like."""

    classes: tuple
    diameters: tuple  # pixels, least and most
    contrast: float  # share of a figure's own colour, the rest being that of what it covers


SHAPES_CLASSES = ("circle", "star", "triangle")
SIZES = ((112, 128), (128, 112), (128, 128))  # height, width
DIAMETERS = (12.0, 96.0)
EASY = Style(SHAPES_CLASSES, DIAMETERS, 1.0)
HARD = Style(SHAPES_CLASSES + ("square", "hexagon", "cross", "ring", "ell", "tee", "arrow"), (10.0, 48.0), 0.55)
STYLES = {"shapes": EASY, "shapes_hard": HARD}
MAX_OBJECTS = 7
MAX_HIDDEN = 0.4  # share of a figure that others or the edge may hide
MAX_TURN = np.pi / 6  # to either side
SPLITS = ("train", "val")
RING = 0.45  # width of the ring, in radii
# Corners in the unit circle of figures that no rule draws.
_OUTLINES = {
    "cross": [(-0.28, -0.95), (0.28, -0.95), (0.28, -0.28), (0.95, -0.28), (0.95, 0.28), (0.28, 0.28), (0.28, 0.95),
              (-0.28, 0.95), (-0.28, 0.28), (-0.95, 0.28), (-0.95, -0.28), (-0.28, -0.28)],
    "ell": [(-0.55, -0.8), (0.0, -0.8), (0.0, 0.3), (0.6, 0.3), (0.6, 0.8), (-0.55, 0.8)],
    "tee": [(-0.75, -0.65), (0.75, -0.65), (0.75, -0.1), (0.28, -0.1), (0.28, 0.9), (-0.28, 0.9), (-0.28, -0.1),
            (-0.75, -0.1)],
    "arrow": [(0.0, -1.0), (0.8, -0.1), (0.28, -0.1), (0.28, 0.95), (-0.28, 0.95), (-0.28, -0.1), (-0.8, -0.1)],
}


def ensure_shapes(root, style=EASY):
    """Write the set to `root` unless a folder with something in it is already there."""
    if not os.path.isdir(root) or not os.listdir(root):
        write_shapes(root, style=style)


def write_shapes(root, train=1200, val=200, seed=0, style=EASY):
    """Draw `train` and `val` images of a Style into `root`, COCO layout, sets "train" and "val"; all of it or nothing.

    Writes `annotations/instances_<set>.json` and `<set>/<number>.png`. `root` must not exist yet, or be empty:
    otherwise DataError.
    """
    root = os.path.abspath(os.fspath(root))
    if os.path.exists(root) and (not os.path.isdir(root) or os.listdir(root)):
        raise DataError(f"{root}: is in the way; Shapes are written to a folder that is new or empty")
    os.makedirs(os.path.dirname(root), exist_ok=True)
    work = tempfile.mkdtemp(prefix=".shapes-", dir=os.path.dirname(root))
    try:
        os.chmod(work, 0o755)
        os.mkdir(os.path.join(work, "annotations"))
        for split, count in zip(SPLITS, (train, val)):
            _write_split(work, split, count, seed, style)
        os.replace(work, root)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _write_split(root, split, count, seed, style):
    os.mkdir(os.path.join(root, split))
    images, annotations = [], []
    for index in range(count):
        pixels, objects = draw_image(seed, split, index, style)
        # Ids are unique over the splits, so that joined sets stay apart.
        image_id = SPLITS.index(split) * 1000000 + index + 1
        file_name = f"{index + 1:06d}.png"
        Image.fromarray(pixels).save(os.path.join(root, split, file_name), compress_level=1)
        images.append({"id": image_id, "file_name": file_name, "height": pixels.shape[0], "width": pixels.shape[1]})
        for class_id, (x1, y1, x2, y2), area in objects:
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, "category_id": class_id + 1,
                                "bbox": [x1, y1, x2 - x1 + 1, y2 - y1 + 1], "area": area, "iscrowd": 0})
    content = {"info": {"description": "Shapes, drawn by light_head_rcnn", "seed": seed}, "images": images,
               "annotations": annotations,
               "categories": [{"id": i, "name": name} for i, name in enumerate(style.classes, 1)]}
    with open(os.path.join(root, "annotations", f"instances_{split}.json"), "w", encoding="utf-8") as file:
        json.dump(content, file)


def draw_image(seed, split, index, style=EASY):
    """One image of the set of a Style.

    Returns uint8 (H, W, 3) RGB, and a list of (class id, (x1, y1, x2, y2) ints, inclusive, area in pixels). Box and
    area are of the whole figure inside the image, hidden parts included.
    """
    rng = np.random.RandomState([seed, SPLITS.index(split), index])
    height, width = SIZES[rng.randint(len(SIZES))]
    image = _ground(rng, height, width)
    figures = []  # (class id, box, full area, mask of what is visible)
    wanted = rng.randint(2, MAX_OBJECTS + 1)
    for _ in range(wanted * 3):
        if len(figures) == wanted:
            break
        class_id = rng.randint(len(style.classes))
        radius = 0.5 * rng.uniform(*style.diameters)
        centre = rng.uniform((0, 0), (width, height))
        window = tuple(slice(max(int(c - radius) - 1, 0), min(int(c + radius) + 2, edge))
                       for c, edge in zip(centre[::-1], (height, width)))
        inside, rim, full = _coverage(rng, style.classes[class_id], centre, radius, window)
        if (inside >= 0.5).sum() < (1 - MAX_HIDDEN) * full:
            continue
        mask = np.zeros((height, width), bool)
        mask[window] = inside >= 0.5
        if any((visible & ~mask).sum() < (1 - MAX_HIDDEN) * whole for _, _, whole, visible in figures):
            continue
        image[window] = _paint(rng, image[window], inside, rim, style.contrast)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))
        figures = [(c, b, whole, visible & ~mask) for c, b, whole, visible in figures]
        figures.append((class_id, box, int(mask.sum()), mask))
    image += _noise(rng, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), [f[:3] for f in figures]


def _ground(rng, height, width):
    """Textured ground, float (H, W, 3): two dull colours mixed by smooth clouds, and stripes or specks."""
    first, second = rng.uniform(40, 215, (2, 1)) + rng.uniform(-20, 20, (2, 3))
    second = first + (second - first) * 0.5
    mix = sum(_clouds(rng, height, width, cells) / cells for cells in (2, 4, 8, 16))
    mix = (mix - mix.min()) / (np.ptp(mix) + 1e-9)
    image = first + mix[..., None] * (second - first)
    y, x = np.mgrid[:height, :width]
    if rng.rand() < 0.5:
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 24)
        pattern = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    else:
        pattern = _clouds(rng, height, width, rng.randint(24, 64)) * 2 - 1
    return image + pattern[..., None] * rng.uniform(4, 18)


def _noise(rng, shape):
    """Two dice a value, which is many times faster than normal numbers and looks the same; deviation 2 to 8."""
    dice = rng.randint(0, 256, (2,) + shape, dtype=np.uint8).sum(axis=0, dtype=np.float64)
    return (dice - 255) * (rng.uniform(2, 8) / 104.5)


def _clouds(rng, height, width, cells):
    """Random values 0..1 on a grid of cells by cells, interpolated bilinearly to (H, W)."""
    grid = rng.rand(cells + 1, cells + 1)
    y, x = np.linspace(0, cells, height, endpoint=False), np.linspace(0, cells, width, endpoint=False)
    i, j = y.astype(int), x.astype(int)
    v, u = (y - i)[:, None], x - j
    rows = grid[i] * (1 - v) + grid[i + 1] * v
    return rows[:, j] * (1 - u) + rows[:, j + 1] * u


def _paint(rng, image, inside, rim, contrast):
    """`image` (h, w, 3) under a shaded figure whose colour stands out from what it covers."""
    mask = inside >= 0.5
    covered = image[mask].mean(axis=0)
    colours = np.array([colorsys.hsv_to_rgb(*hsv) for hsv in rng.uniform((0, 0.6, 0.5), (1, 1, 1), (16, 3))]) * 255
    # The first that differs enough, else the one that differs most.
    difference = np.abs(colours - covered).mean(axis=1)
    colour = colours[np.argmax(difference > 60) if (difference > 60).any() else np.argmax(difference)]
    if contrast < 1:
        colour = covered + contrast * (colour - covered)
    slope = rng.uniform(-0.0026, 0.0026, 2)
    y, x = np.mgrid[:mask.shape[0], :mask.shape[1]]
    shade = 1 + slope[0] * (y - y[mask].mean()) + slope[1] * (x - x[mask].mean())
    shade *= 1 - 0.35 * rim  # a darker rim, which keeps like colours apart
    return image + inside[..., None] * (colour * shade[..., None] - image)


def _coverage(rng, name, centre, radius, window):
    """Of each pixel of `window`, two slices: how far a figure covers it (0..1), and how far it is rim (0..1).

    The third answer is the area of the whole figure, in the image or not.
    """
    y, x = np.mgrid[window] + 0.5
    x, y = x - centre[0], y - centre[1]
    angle = rng.uniform(-MAX_TURN, MAX_TURN)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    if name == "circle":
        distance, area = np.hypot(u, v) - radius, np.pi * radius ** 2
    elif name == "ring":
        distance = np.abs(np.hypot(u, v) - (1 - RING / 2) * radius) - RING / 2 * radius
        area = np.pi * radius ** 2 * (1 - (1 - RING) ** 2)
    else:
        corners = radius * _corners(name)
        distance = _distance_to_polygon(u, v, corners)
        after = np.roll(corners, -1, axis=0)
        area = abs((corners[:, 0] * after[:, 1] - corners[:, 1] * after[:, 0]).sum()) / 2
    inside = np.clip(0.5 - distance, 0, 1)
    return inside, np.clip(distance + 2.0, 0, 1), area


def _corners(name):
    """Corners (k, 2) of a figure in the unit circle."""
    if name in _OUTLINES:
        return np.array(_OUTLINES[name], float)
    count, inner = {"triangle": (3, None), "square": (4, None), "hexagon": (6, None), "star": (10, 0.42)}[name]
    turn = np.arange(count) * 2 * np.pi / count
    reach = np.ones(count) if inner is None else np.where(np.arange(count) % 2, inner, 1.0)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1) * reach[:, None]


def _distance_to_polygon(x, y, corners):
    """Signed distance in pixels of points to a polygon, negative inside."""
    squared = np.full(x.shape, np.inf)
    crossings = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0)):
        ex, ey = bx - ax, by - ay
        along = np.clip(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey), 0, 1)
        squared = np.minimum(squared, (x - ax - along * ex) ** 2 + (y - ay - along * ey) ** 2)
        if ey:
            crossings ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) / ey * ex)
    return np.where(crossings, -1, 1) * np.sqrt(squared)
