"""Draws one image of Shapes: a textured ground, figures on it, and noise."""
from typing import List, Tuple

import numpy as np

from .figures import figure_coverage, paint_figure
from .styles import EASY, Style

IMAGE_SIZES = ((112, 128), (128, 112), (128, 128))  # height, width in pixels
MAX_OBJECTS = 7
MAX_HIDDEN = 0.4  # share of a figure that other figures or the edge of the image may hide
SPLITS = ("train", "val")

# Class id, box, area; see `draw_image`.
DrawnObject = Tuple[int, Tuple[int, int, int, int], int]


def draw_image(seed: int, split: str, index: int, style: Style = EASY) -> Tuple[np.ndarray, List[DrawnObject]]:
    """Draws one image; the same arguments give the same image on every machine.

    Args:
        seed: of the data set.
        split: "train" or "val".
        index: number of the image, from 0.
        style: `EASY` or `HARD`.

    Returns:
        image: uint8 (H, W, 3), RGB.
        objects: list of (class id, (x1, y1, x2, y2), area). Boxes are whole pixels with inclusive ends, areas are
            counted in pixels; both are of the part of the figure that lies in the image, hidden parts included.
    """
    rng = np.random.RandomState([seed, SPLITS.index(split), index])
    height, width = IMAGE_SIZES[rng.randint(len(IMAGE_SIZES))]
    image = _draw_ground(rng, height, width)
    figures = []  # (class id, box, area of the whole figure, mask of its visible pixels)
    wanted = rng.randint(2, MAX_OBJECTS + 1)
    for _ in range(wanted * 3):
        if len(figures) == wanted:
            break
        class_id = rng.randint(len(style.classes))
        radius = 0.5 * rng.uniform(*style.diameters)
        centre = rng.uniform((0, 0), (width, height))
        window = tuple(slice(max(int(c - radius) - 1, 0), min(int(c + radius) + 2, edge))
                       for c, edge in zip(centre[::-1], (height, width)))
        inside, rim, whole_area = figure_coverage(rng, style.classes[class_id], centre, radius, window)
        if (inside >= 0.5).sum() < (1 - MAX_HIDDEN) * whole_area:
            continue
        mask = np.zeros((height, width), bool)
        mask[window] = inside >= 0.5
        if any((visible & ~mask).sum() < (1 - MAX_HIDDEN) * area for _, _, area, visible in figures):
            continue
        image[window] = paint_figure(rng, image[window], inside, rim, style.contrast)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))
        figures = [(c, b, area, visible & ~mask) for c, b, area, visible in figures]
        figures.append((class_id, box, int(mask.sum()), mask))
    image += _draw_noise(rng, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), [figure[:3] for figure in figures]


def _draw_ground(rng: np.random.RandomState, height: int, width: int) -> np.ndarray:
    """Draws a ground, float64 (H, W, 3): two dull colours mixed by smooth clouds, with stripes or specks on them."""
    first, second = rng.uniform(40, 215, (2, 1)) + rng.uniform(-20, 20, (2, 3))
    second = first + (second - first) * 0.5
    mix = sum(_draw_clouds(rng, height, width, cells) / cells for cells in (2, 4, 8, 16))
    mix = (mix - mix.min()) / (np.ptp(mix) + 1e-9)
    image = first + mix[..., None] * (second - first)
    y, x = np.mgrid[:height, :width]
    if rng.rand() < 0.5:
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 24)
        pattern = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    else:
        pattern = _draw_clouds(rng, height, width, rng.randint(24, 64)) * 2 - 1
    return image + pattern[..., None] * rng.uniform(4, 18)


def _draw_noise(rng: np.random.RandomState, shape: Tuple[int, ...]) -> np.ndarray:
    """Draws noise with a standard deviation of 2 to 8.

    Each value is the sum of two uniform numbers, which is many times faster than a normal number and looks the same.
    """
    uniform = rng.randint(0, 256, (2,) + shape, dtype=np.uint8).sum(axis=0, dtype=np.float64)
    return (uniform - 255) * (rng.uniform(2, 8) / 104.5)


def _draw_clouds(rng: np.random.RandomState, height: int, width: int, cells: int) -> np.ndarray:
    """Draws random values, 0 to 1, on a grid of cells by cells and interpolates them bilinearly to (H, W)."""
    grid = rng.rand(cells + 1, cells + 1)
    y, x = np.linspace(0, cells, height, endpoint=False), np.linspace(0, cells, width, endpoint=False)
    i, j = y.astype(int), x.astype(int)
    v, u = (y - i)[:, None], x - j
    rows = grid[i] * (1 - v) + grid[i + 1] * v
    return rows[:, j] * (1 - u) + rows[:, j + 1] * u
