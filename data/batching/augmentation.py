"""Which training images are cropped and get other colours, drawn from the seed of each image."""
from typing import NamedTuple, Optional

import numpy as np

from ...errors import UsageError
from ..pictures.resizing import Size, decoding_part
from .colors import draw_color_change
from .cropping import Crop, draw_crop

# An image's targets are drawn from its seed alone; a stream of its own leaves them as they are.
_STREAM = 1


class ImageChange(NamedTuple):
    """How one image is changed.

    Attributes:
        crop: the part of the image that is taken; None for all of it.
        colors: (3, 4), see `colors.draw_color_change`; None for the image's own colours.
    """

    crop: Optional[Crop] = None
    colors: Optional[np.ndarray] = None


UNCHANGED = ImageChange()


class Augmentation:
    """Draws changes of images.

    Args:
        photometric: probability that the colours of an image are changed, see `colors`.
        random_crop: probability that an image is cropped, see `cropping`.

    Raises:
        UsageError: an argument is no probability.

    Attributes:
        photometric, random_crop: as given.
    """

    def __init__(self, photometric: float = 0.0, random_crop: float = 0.0):
        for name, value in (("photometric", photometric), ("random_crop", random_crop)):
            if not 0 <= value <= 1:
                raise UsageError(f"{name} is {value}; it is a probability, from 0 to 1")
        self.photometric, self.random_crop = photometric, random_crop

    def draw(self, seed: int, boxes: np.ndarray, classes: np.ndarray, height: int, width: int,
             size: Size) -> ImageChange:
        """Draws the change of an image, which depends on the arguments alone.

        Args:
            seed: of the image, see `SampledImage`.
            boxes, classes: of the image, see `cropping.crop_boxes`.
            height, width: of the original image in pixels.
            size: short_edge and long_edge to which it is going to be resized, see `resize_scale`.
        """
        if not self.photometric and not self.random_crop:
            return UNCHANGED
        rng = np.random.RandomState([seed, _STREAM])
        is_cropped, is_colored = rng.random_sample(2) < (self.random_crop, self.photometric)
        colors = draw_color_change(rng)
        crop = None
        if is_cropped:
            # A crop begins and ends with a pixel, also where the file is decoded at a part of its size.
            crop = draw_crop(rng, boxes, classes, height, width, step=decoding_part(height, width, [size]))
        return ImageChange(crop, colors if is_colored else None)
