"""From an image to the square of pixels that a classifier reads: in training a random one, in tests the centre."""
import math
from typing import Tuple

import numpy as np
from PIL import Image, ImageEnhance

# A test resizes the shorter edge so that the square has this share of it: 224 of 256 pixels.
_CENTRE_SHARE = 0.875
_TRIES = 10


class TrainView:
    """Cuts a random part out of an image, resizes it to a square, mirrors it, and changes its colours.

    It is the usual augmentation for ImageNet (Szegedy et al., arXiv 1409.4842, section 6; colours as Krizhevsky et al.
    and torchvision's ColorJitter without hue). All random numbers come from the seed of the image.

    Args:
        side: of the square, in pixels.
        least_area: smallest share of the image's area that is cut out; the largest is 1.
        flip: mirror left to right with probability one half.
        color_jitter: brightness, contrast and saturation are multiplied by numbers from 1 - `color_jitter` to
            1 + `color_jitter`, each its own, in a random order; 0 changes none.
    """

    def __init__(self, side: int, least_area: float = 0.08, flip: bool = True, color_jitter: float = 0.4):
        self.side, self._least_area, self._flip, self._color_jitter = side, least_area, flip, color_jitter

    def __call__(self, pixels: np.ndarray, seed: int) -> np.ndarray:
        """Makes the view of an image.

        Args:
            pixels: uint8 (H, W, 3), RGB.
            seed: below 2**32.

        Returns:
            uint8 (side, side, 3).
        """
        rng = np.random.RandomState(seed)
        box = random_box(pixels.shape[0], pixels.shape[1], self._least_area, rng)
        image = _resized(pixels, box, self.side)
        if self._flip and rng.rand() < 0.5:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        if self._color_jitter:
            enhancers = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
            factors = rng.uniform(max(1 - self._color_jitter, 0), 1 + self._color_jitter, len(enhancers))
            for i in rng.permutation(len(enhancers)):
                image = enhancers[i](image).enhance(factors[i])
        return np.asarray(image)


class TestView:
    """Resizes an image and cuts the square in its centre out: of 256 pixels of the shorter edge 224.

    Args:
        side: of the square, in pixels.
    """

    __test__ = False  # pytest must not take the class for a test

    def __init__(self, side: int):
        self.side = side

    def __call__(self, pixels: np.ndarray, seed: int = 0) -> np.ndarray:
        """Makes the view of an image, uint8 (H, W, 3); returns uint8 (side, side, 3). Nothing is random."""
        height, width = pixels.shape[:2]
        part = min(height, width) * _CENTRE_SHARE
        left, top = (width - part) / 2, (height - part) / 2
        return np.asarray(_resized(pixels, (left, top, left + part, top + part), self.side))


def random_box(height: int, width: int, least_area: float, rng: np.random.RandomState) -> Tuple[int, int, int, int]:
    """Draws the part of an image that a training view shows.

    Its area is a uniform share of the image's, from `least_area` to 1, and its width over its height lies between 3/4
    and 4/3, uniformly in the logarithm. Where `_TRIES` draws do not fit into the image, it is the largest part in the
    centre whose sides have such a ratio.

    Returns:
        left, top, right, bottom in pixels; right and bottom do not belong to it.
    """
    for _ in range(_TRIES):
        area = height * width * rng.uniform(least_area, 1)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = rng.randint(width - w + 1), rng.randint(height - h + 1)
            return left, top, left + w, top + h
    w, h = min(width, max(round(height * 4 / 3), 1)), min(height, max(round(width * 4 / 3), 1))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def _resized(pixels: np.ndarray, box: Tuple[float, float, float, float], side: int) -> Image.Image:
    """Resizes a part of an image to a square, with Pillow's bilinear filter, which averages where it shrinks."""
    return Image.fromarray(pixels).resize((side, side), Image.BILINEAR, box=box)
