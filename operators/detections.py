"""From what a head says of RoIs to the detections of an image, for `mx.nd` and `mx.sym`."""
from . import boxes as box_ops
from .multiclass_nms import multiclass_nms


def class_boxes(F, rois, deltas, im_info, rois_per_image, num_classes, class_agnostic, means=None, stds=None):
    """Boxes that a head makes of RoIs, clipped to their images.

    Args:
        F: `mx.nd` or `mx.sym`.
        rois: (N * R, 5), image in the batch, then the box, network-input frame.
        deltas: (N * R, 8), background's and foreground's, or (N * R, 4 * num_classes).
        im_info: (N, 3), rows (height, width, scale).
        rois_per_image: R.
        num_classes: background counted.
        class_agnostic: one box a RoI, else one a class.
        means, stds: four numbers each, of the targets that the head learnt; None where deltas have them folded in.

    Returns:
        (N, R, 4), or (N, R, 4 * num_classes) where each class has a box of its own; frame of the rois.
    """
    sources = F.reshape(F.slice_axis(rois, axis=1, begin=1, end=5), shape=(-1, rois_per_image, 1, 4))
    deltas = F.reshape(deltas, shape=(-1, rois_per_image, 2 if class_agnostic else num_classes, 4))
    if class_agnostic:
        deltas = F.slice_axis(deltas, axis=2, begin=1, end=2)
    if stds is not None:
        deltas = F.concat(*(part * std + mean for part, std, mean in
                            zip(F.split(deltas, num_outputs=4, axis=3), stds, means)), dim=3)
    height, width = (F.reshape(F.slice_axis(im_info, axis=1, begin=i, end=i + 1), shape=(-1, 1, 1, 1)) for i in (0, 1))
    return F.reshape(box_ops.clip(box_ops.decode(sources, deltas, F), height, width, F), shape=(0, 0, -1))


def suppress(F, scores, boxes, counts=None, score_threshold=0.001, nms=0.3, max_per_image=100, soft_nms="none",
             soft_nms_sigma=0.5):
    """Detections as a GluonCV detector answers them.

    Args:
        F: `mx.nd` or `mx.sym`.
        scores, boxes, counts, score_threshold, max_per_image: see `multiclass_nms`, where counts is `valid`.
        nms, soft_nms, soft_nms_sigma: its `nms_threshold`, `soft` and `sigma`.

    Returns:
        ids (N, K, 1) from 0, scores (N, K, 1) and boxes (N, K, 4), K = max_per_image rows, best first, then rows of -1.
    """
    rows, _ = multiclass_nms(F, scores, boxes, counts, score_threshold=score_threshold, nms_threshold=nms,
                             max_per_image=max_per_image, soft=soft_nms, sigma=soft_nms_sigma)
    return tuple(F.slice_axis(rows, axis=2, begin=begin, end=end) for begin, end in ((0, 1), (1, 2), (2, 6)))
