"""From the proposals of images to the RoIs that a network reads, at each size of the images."""
from collections import Counter
from typing import List, NamedTuple, Optional, Sequence

import numpy as np
from yacs.config import CfgNode

from ...data.proposals import scaled_proposals, unique_at_stride, usable_boxes
from ...errors import DataError

_LEAST_ROWS = 8
NEEDED = ("this detector finds no proposals itself, it classifies given ones: pass them with each image, "
          "detector(image, proposals=boxes); `lhrcnn detect IMAGE --proposals FILE` takes them from a file, and "
          "--proposals selective_search or edge_boxes finds them; `lhrcnn proposals` writes such files")


class RoIPreparation(NamedTuple):
    """How a network on given proposals gets its RoIs.

    Attributes:
        limit: RoIs of an image at most, the first of its proposals.
        stride: pixels of the network input from one cell of its map to the next. Of proposals that are the same box
            there, one is a RoI: their detections would be the same.
        pyramid_side: side in pixels of the network input. Of several sizes of an image, each RoI is classified at the
            one at which its area is nearest to the square of this side. None to classify it at all of them.
    """

    limit: int
    stride: int
    pyramid_side: Optional[int] = None

    @classmethod
    def of(cls, cfg: CfgNode, stride: int) -> "RoIPreparation":
        """Returns the preparation in tests that a configuration describes, for a network of this stride."""
        return cls(cfg.TEST.PROPOSALS, stride, cfg.TEST.PYRAMID_SIDE if cfg.TEST.PYRAMID else None)

    def network_inputs(self, proposals: Sequence[np.ndarray], im_infos: Sequence[np.ndarray]) -> List[np.ndarray]:
        """Makes the RoIs of a batch of images.

        Args:
            proposals: for each image float (k, 4), boxes in the frame of the original image, the best first; k may be
                0.
            im_infos: for each view float32 (N, 3), rows (height, width, scale) of the images.

        Returns:
            For each view float32 (N, R, 4), boxes in its frame. R is at least the largest number of RoIs that an image
            has in this view; rows of -1 are padding.
        """
        of_images = [self._of_image(boxes[:self.limit], [info[image, 2] for info in im_infos])
                     for image, boxes in enumerate(proposals)]
        return [padded_rois(of_view) for of_view in zip(*of_images)]

    def _of_image(self, boxes: np.ndarray, scales: Sequence[float]) -> List[np.ndarray]:
        """The RoIs of an image at each scale."""
        everywhere = self.pyramid_side is None
        nearest = None if everywhere else nearest_scales(boxes, scales, self.pyramid_side)
        rois = []
        for place, scale in enumerate(scales):
            chosen = boxes if everywhere else boxes[nearest == place]
            rois.append(scaled_proposals(chosen[unique_at_stride(chosen, scale, self.stride)], scale))
        return rois


def nearest_scales(boxes: np.ndarray, scales: Sequence[float], side: float) -> np.ndarray:
    """Finds the scale at which each box has the area that is nearest to a square (Fast R-CNN, section 2.4).

    Args:
        boxes: float (k, 4), in the frame of the original image.
        scales: sides of the network input divided by those of the original image, one a view.
        side: of the square, in pixels of the network input.

    Returns:
        int (k,), places in `scales`; of equal differences the first.
    """
    areas = (boxes[:, 2] - boxes[:, 0] + 1.0) * (boxes[:, 3] - boxes[:, 1] + 1.0)
    return np.abs(areas[:, None] * np.square(scales, dtype=np.float64) - float(side) ** 2).argmin(axis=1)


def padded_rois(rois: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks the RoIs of images, with rows of -1 below them.

    Args:
        rois: (k, 4) for each image, of any k.

    Returns:
        float32 (N, R, 4). R is the largest k, rounded up by less than a quarter, or by a few rows, so that MXNet, which
        keeps memory for each shape, meets few shapes.
    """
    most = max(map(len, rois))
    step = max(_LEAST_ROWS, 1 << max(most - 1, 0).bit_length() >> 3)
    batch = np.full((len(rois), max(-(-most // step), 1) * step, 4), -1, np.float32)
    for slot, rows in zip(batch, rois):
        slot[:len(rows)] = rows
    return batch


def mirrored_rois(rois: np.ndarray, im_info: np.ndarray) -> np.ndarray:
    """Mirrors RoIs left to right with their images, see `test_time_augmentation.mirrored`.

    Args:
        rois: float32 (N, R, 4), in the frame of the network input; rows of -1 are padding, and stay so.
        im_info: float32 (N, 3), rows (height, width, scale).

    Returns:
        float32 (N, R, 4).
    """
    x1, y1, x2, y2 = (rois[:, :, column] for column in range(4))
    end = im_info[:, 1:2] - im_info[:, 2:3]  # the last pixel of the original image
    # It may lie a little beyond that of an input whose width was rounded down.
    boxes = np.stack([np.maximum(end - x2, 0), y1, np.maximum(end - x1, 0), y2], axis=2).astype(np.float32)
    return np.where(rois[:, :, 2:3] < 0, rois, boxes)


def checked_proposals(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Checks boxes that a program gives for an image.

    Args:
        boxes: (k, 4), rows (x1, y1, x2, y2) in the frame of the original image, far ends inclusive.
        height, width: of the image in pixels.

    Returns:
        float32 (k, 4), clipped to the image; without those that lie outside, have no area or come twice.

    Raises:
        DataError: these are no boxes: no numbers, an array of another shape, or a number that is not finite.
    """
    try:
        boxes = np.asarray(boxes, np.float32)
    except (TypeError, ValueError):
        raise DataError("the proposals of an image are an array of rows (x1, y1, x2, y2) of numbers; those of "
                        "a file are taken by `lhrcnn detect IMAGE --proposals FILE`", "proposals") from None
    boxes = boxes.reshape(0, 4) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise DataError(f"the proposals of an image are an array of rows (x1, y1, x2, y2), got one of shape "
                        f"{boxes.shape}", "proposals")
    if not np.isfinite(boxes).all():
        raise DataError("a proposal has a coordinate that is not a finite number", "proposals")
    return usable_boxes(boxes, None, width, height, max(len(boxes), 1), Counter())
