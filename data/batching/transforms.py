"""From one image and its boxes to what the network reads: cropping, resizing, mirroring, means and deviations."""
from typing import Optional, Sequence, Tuple

import numpy as np
from PIL import Image

from ..pictures.resizing import resize_scale, resized_size, shrinking_part
from .augmentation import UNCHANGED, ImageChange
from .colors import change_colors
from .cropping import crop_boxes, crop_pixels, crop_scale
from .padding import pad_strip

_BILINEAR = 1  # the code of mx.image.imresize


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes an image bilinearly. One that is at least twice as large as it is to be is first averaged over square
    blocks of pixels: no pixel is then passed over, and a file that was decoded at a part of its size (see `read_image`)
    gives nearly the same as one that was not.

    Args:
        image: uint8 (H, W, 3).
        height, width: the new size in pixels.

    Returns:
        uint8 (height, width, 3).
    """
    part = shrinking_part(*image.shape[:2], height, width)
    while part > 1:
        image = np.asarray(Image.fromarray(image).reduce(part))
        part = shrinking_part(*image.shape[:2], height, width)
    if (height, width) == image.shape[:2]:
        return image
    import mxnet as mx  # only here: data sets can be read and checked without MXNet
    # A view, since MXNet makes the array that it shares read-only.
    shared = mx.nd.from_numpy(np.ascontiguousarray(image).view(), zero_copy=True)
    return mx.image.imresize(shared, width, height, _BILINEAR).asnumpy()


def flip_boxes(boxes: np.ndarray, width: int) -> np.ndarray:
    """Mirrors boxes (n, 4) with inclusive ends, in the frame of an image of `width` pixels, left to right."""
    flipped = boxes.copy()
    flipped[:, 0] = width - 1 - boxes[:, 2]
    flipped[:, 2] = width - 1 - boxes[:, 0]
    return flipped


def preprocess(image: np.ndarray, short_edge: int, long_edge: int, mean: Sequence[float],
               std: Optional[Sequence[float]] = (1.0, 1.0, 1.0), boxes: Optional[np.ndarray] = None,
               classes: Optional[np.ndarray] = None, flip: bool = False,
               original_size: Optional[Tuple[int, int]] = None,
               change: ImageChange = UNCHANGED) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Makes the network's input of one image and its boxes.

    Args:
        image: uint8 (H, W, 3), RGB.
        short_edge, long_edge: in pixels, see `resize_scale`.
        mean, std: three numbers each, in the order RGB and in units of pixel values: (pixel - mean) / std. Without
            `std`, pixels stay as they are, for a network that normalises them itself.
        boxes: float32 (m, 4), in the frame of the original image, inclusive ends; None for no boxes.
        classes: int (m,), 0..C-1, the classes of `boxes`.
        flip: mirror image and boxes left to right.
        original_size: (height, width) in pixels of the original image, where it was decoded at a part of its size (see
            `read_image`); None for that of `image`. Scale and boxes refer to the original image all the same.
        change: the image is cropped, and gets other colours, before it is mirrored.

    Returns:
        data: float32 (3, h, w), RGB, without `std` also uint8; an image with a side shorter than `padding.LEAST_SIDE`
            is padded to it, by zeros (without `std` by the mean) below or to the right, which count as part of the
            image.
        im_info: float32 (3,): h, w, and the scale from the original image to `data`.
        gt_boxes: float32 (m, 5): boxes in the frame of `data`, then the class, 1..C. A box in the original frame times
            the scale is the box in this frame, as in the MXNet original; dividing by the scale leads back. Of a crop,
            boxes are in its frame, and some may be gone, see `cropping.crop_boxes`.
    """
    height, width = original_size or image.shape[:2]
    scale = resize_scale(height, width, short_edge, long_edge)
    if change.crop is not None:
        scale = crop_scale(change.crop, height, width, (short_edge, long_edge))
        image = crop_pixels(image, change.crop, (height, width))
        if boxes is not None:
            boxes, classes = crop_boxes(boxes, classes, change.crop)
        height, width = change.crop.height, change.crop.width
    gt_boxes = np.zeros((0 if boxes is None else len(boxes), 5), np.float32)
    if len(gt_boxes):
        gt_boxes[:, :4] = (flip_boxes(boxes, width) if flip else boxes) * np.float32(scale)
        gt_boxes[:, 4] = np.asarray(classes) + 1
    resized = resize_image(image, *resized_size(height, width, scale))
    if change.colors is not None:
        resized = change_colors(resized, change.colors)
    if flip:
        resized = resized[:, ::-1]
    data = resized.transpose(2, 0, 1)
    if std is None:
        data = pad_strip(data, mean)
    else:
        data = data.astype(np.float32, order="C")
        data -= np.float32(mean)[:, None, None]
        data /= np.float32(std)[:, None, None]
        data = pad_strip(data)
    im_info = np.array((*data.shape[1:], scale), np.float32)
    return data, im_info, gt_boxes
