"""Random changes of the colours of training images, after SSD's photometric distortion.

All of a change is one matrix, which Pillow applies in a pass, and the values are clipped once, at its end. GluonCV's
`random_color_distort` is not used: it draws from Python's and NumPy's global generators, takes its hue angle, drawn
between -18 and 18, for multiples of a half turn, so that any hue becomes any other, and is several times as slow.
"""
import math

import numpy as np
from PIL import Image

# Of SSD: the largest change of the brightness in units of pixel values, the factors of the contrast and of the
# saturation, and the largest turn of the hue in degrees (18 in the units of OpenCV, which halves angles).
BRIGHTNESS, FACTORS, HUE_DEGREES = 32.0, (0.5, 1.5), 36.0
# From RGB to YIQ: the brightness, and two axes of colour in whose plane the hue is an angle.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])


def draw_color_change(rng: np.random.RandomState) -> np.ndarray:
    """Draws a change of colours: of brightness, contrast, saturation and hue, each with probability one half.

    Returns:
        (3, 4): a pixel (r, g, b) becomes the product of the matrix and (r, g, b, 1).
    """
    changes = rng.random_sample(4) < 0.5
    brightness = rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    contrast, saturation = rng.uniform(*FACTORS, 2)
    hue = rng.uniform(-HUE_DEGREES, HUE_DEGREES)
    return color_change(*np.where(changes, [brightness, contrast, saturation, hue], [0, 1, 1, 0]))


def color_change(brightness: float = 0.0, contrast: float = 1.0, saturation: float = 1.0,
                 hue: float = 0.0) -> np.ndarray:
    """Returns the matrix of a change of colours; the brightness comes first.

    Args:
        brightness: is added to each value.
        contrast: each value is multiplied by it.
        saturation: factor of the difference between a colour and the gray of its brightness.
        hue: turn of the hue in degrees; the brightness stays.

    Returns:
        (3, 4), see `draw_color_change`.
    """
    cosine, sine = (saturation * function(math.radians(hue)) for function in (math.cos, math.sin))
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    matrix = contrast * (np.linalg.inv(_TO_YIQ) @ turn @ _TO_YIQ)
    return np.column_stack([matrix, matrix.sum(axis=1) * brightness])


def change_colors(image: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Changes the colours of an image.

    Args:
        image: uint8 (H, W, 3), RGB.
        change: (3, 4), see `draw_color_change`.

    Returns:
        uint8 (H, W, 3): values are rounded, and clipped to 0..255.
    """
    return np.asarray(Image.fromarray(image).convert("RGB", tuple(change.ravel().tolist())))
