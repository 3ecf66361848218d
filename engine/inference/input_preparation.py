"""Turns an image into the input of a network in tests."""
from typing import NamedTuple, Optional, Tuple

import numpy as np
from yacs.config import CfgNode

from ... import data
from ..building.loaders import image_stride
from ..config import pixel_means, pixel_stds, test_scales


class InputPreparation(NamedTuple):
    """Sizes, means and standard deviations of a network's inputs."""

    scales: Tuple[Tuple[int, int], ...]  # (shorter edge, bound on the longer edge) in pixels; each is one view
    means: Tuple[float, float, float]  # red, green, blue
    stds: Optional[Tuple[float, float, float]]  # red, green, blue; None where the network normalises pixels itself
    stride: int  # heights and widths are padded to multiples of it

    @classmethod
    def of(cls, cfg: CfgNode) -> "InputPreparation":
        """Returns the preparation of test images that a configuration describes."""
        return cls(tuple(test_scales(cfg)), pixel_means(cfg), pixel_stds(cfg), image_stride(cfg))

    def network_input(self, pixels: np.ndarray, view: int = 0,
                      original_size: Optional[Tuple[int, int]] = None) -> Tuple[np.ndarray, np.ndarray]:
        """Prepares one image.

        Args:
            pixels: uint8 (H, W, 3), RGB.
            view: index of the scale in `scales`.
            original_size: (height, width) of the original image in pixels, where it was decoded at a part of its size
                (see `data.read_image`); None for that of `pixels`.

        Returns:
            x float32 (1, 3, h, w), and im_info float32 (1, 3): height and width of the image in x, and the scale from
            the original image to x.
        """
        x, im_info, _ = data.preprocess(pixels, *self.scales[view], self.means, self.stds,
                                         original_size=original_size)
        return data.pad_images([x], self.stride), im_info[None]
