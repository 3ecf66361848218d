"""Pictures of training images as a network gets them, with their boxes."""
from typing import Optional, Sequence

import numpy as np
from PIL import Image

from ...data import IGNORED_REGION
from .box_drawing import DrawnBox, class_color, draw_boxes
from .truth_pictures import hatch


def draw_input(image: np.ndarray, gt_boxes: np.ndarray, mean: Sequence[float], std: Sequence[float],
               classes: Sequence[str], limit: Optional[int] = None) -> Image.Image:
    """Draws one image of a training batch, with its padding, and the objects and ignored regions in it.

    Objects have the colour of their class; regions from which nothing is drawn as background are hatched.

    Args:
        image: float32 (3, H, W), see `data.TrainLoader`. Padding has the colour of the mean.
        gt_boxes: float32 (M, 5), in the frame of `image`; rows of -1 are padding.
        mean, std: of the pixels, RGB, which are undone.
        classes: names of the classes, background not among them.
        limit: the longer side of the picture in pixels, where it is to be smaller than the image.
    """
    pixels = image.transpose(1, 2, 0) * np.float32(std) + np.float32(mean)
    picture = Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
    scale = 1.0 if limit is None else min(limit / max(picture.size), 1.0)
    if scale < 1:
        picture = picture.resize([max(round(side * scale), 1) for side in picture.size], Image.BICUBIC)
    rows = gt_boxes[gt_boxes[:, 4] != -1]
    hatch(picture, [row[:4] * scale for row in rows if row[4] == IGNORED_REGION])
    objects = [row for row in rows if row[4] > 0]
    objects.sort(key=lambda row: (row[2] - row[0]) * (row[3] - row[1]))  # small ones are on top of large ones
    draw_boxes(picture, [DrawnBox(row[:4] * scale, class_color(int(row[4]) - 1),
                                  " ".join(classes[int(row[4]) - 1].split()), instead=f"class {int(row[4]) - 1}")
                         for row in objects], sparing=True)
    return picture
