"""The last step of a detector: from the outputs of its head for each RoI to detections."""
from types import ModuleType
from typing import Optional, Sequence, Tuple

from . import boxes as box_ops
from .arrays import Array
from .multiclass_nms import multiclass_nms


def class_boxes(F: ModuleType, rois: Array, deltas: Array, im_info: Array, rois_per_image: int, num_classes: int,
                class_agnostic: bool, means: Optional[Sequence[float]] = None,
                stds: Optional[Sequence[float]] = None) -> Array:
    """Decodes the boxes that a head predicts from RoIs and clips them to their images.

    Args:
        F: `mx.nd` or `mx.sym`.
        rois: float (N * R, 5), rows (image, x1, y1, x2, y2), images one after the other, in pixels of the network
            input.
        deltas: type of rois. Class-agnostic (N * R, 8), background's and foreground's; otherwise
            (N * R, 4 * num_classes).
        im_info: type of rois (N, 3), rows (height, width, scale) of the images in the network input.
        rois_per_image: R.
        num_classes: classes, background counted.
        class_agnostic: all classes share one box of each RoI.
        means, stds: four numbers each. The head learnt deltas from which `means` were subtracted and which were then
            divided by `stds`. None where the head's weights already undo that.

    Returns:
        (N, R, 4), or (N, R, 4 * num_classes) if each class has a box of its own, in pixels of the network input.
    """
    sources = F.reshape(F.slice_axis(rois, axis=1, begin=1, end=5), shape=(-1, rois_per_image, 1, 4))
    deltas = F.reshape(deltas, shape=(-1, rois_per_image, 2 if class_agnostic else num_classes, 4))
    return decode_boxes(F, sources, deltas, im_info, class_agnostic, means, stds)


def decode_boxes(F: ModuleType, sources: Array, deltas: Array, im_info: Array, class_agnostic: bool,
                 means: Optional[Sequence[float]] = None, stds: Optional[Sequence[float]] = None) -> Array:
    """Does what `class_boxes` does where any number of RoIs an image may be given.

    Args:
        F: `mx.nd` or `mx.sym`.
        sources: float (N, R, 1, 4), the RoIs (x1, y1, x2, y2) of each image in pixels of the network input.
        deltas: type of sources (N, R, G, 4). Class-agnostic, G is 2, background and foreground; otherwise it is the
            number of classes, background counted.
        im_info, class_agnostic, means, stds: see `class_boxes`.

    Returns:
        (N, R, 4), or (N, R, 4 * G) if each class has a box of its own, in pixels of the network input.
    """
    if class_agnostic:
        deltas = F.slice_axis(deltas, axis=2, begin=1, end=2)
    if stds is not None:
        deltas = F.concat(*(part * std + mean for part, std, mean in
                            zip(F.split(deltas, num_outputs=4, axis=3), stds, means)), dim=3)
    height, width = (F.reshape(F.slice_axis(im_info, axis=1, begin=i, end=i + 1), shape=(-1, 1, 1, 1)) for i in (0, 1))
    return F.reshape(box_ops.clip(box_ops.decode(sources, deltas, F), height, width, F), shape=(0, 0, -1))


def suppress(F: ModuleType, scores: Array, boxes: Array, counts: Optional[Array] = None,
             score_threshold: float = 0.001, nms: float = 0.3, max_per_image: int = 100, soft_nms: str = "none",
             soft_nms_sigma: float = 0.5) -> Tuple[Array, Array, Array]:
    """Suppresses boxes that overlap better ones, and returns detections in the form of a GluonCV detector.

    Args:
        F: `mx.nd` or `mx.sym`.
        scores: (N, R, num_classes), probabilities, background in column 0.
        boxes: type of scores (N, R, 4) or (N, R, 4 * num_classes), corners with inclusive ends.
        counts: type of scores (N,), how many boxes each image has, the first ones; None if all R are boxes.
        score_threshold, max_per_image: see `multiclass_nms`.
        nms: its `nms_threshold`.
        soft_nms: its `soft`.
        soft_nms_sigma: its `sigma`.

    Returns:
        Class numbers (N, K, 1), where 0 is the first class after the background; scores (N, K, 1); and boxes
        (N, K, 4) in the frame of `boxes`. There are K = max_per_image rows for each image, best first, then rows of -1.
    """
    rows, _ = multiclass_nms(F, scores, boxes, counts, score_threshold=score_threshold, nms_threshold=nms,
                             max_per_image=max_per_image, soft=soft_nms, sigma=soft_nms_sigma)
    return tuple(F.slice_axis(rows, axis=2, begin=begin, end=end) for begin, end in ((0, 1), (1, 2), (2, 6)))
