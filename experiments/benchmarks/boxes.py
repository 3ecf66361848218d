"""Cases of proposals and of suppression within classes, beside MXNet's own operators, on inputs like a trained
detector's."""
import functools
from typing import List

import mxnet as mx
import numpy as np

from ...operators import anchors as anchor_ops
from ...operators import boxes as box_ops
from ...operators import multiclass_nms, rpn_proposal
from .case import Case, Job

# Cells of the feature map, and pixels of the image a cell.
HEIGHT, WIDTH, STRIDE = 44, 69, 16
ANCHORS = dict(ratios=(0.5, 1, 2), scales=(2, 4, 8, 16, 32))


def random_objects(rng: np.random.RandomState, count: int) -> np.ndarray:
    """Makes boxes of all sizes in an image of HEIGHT x WIDTH cells.

    Returns:
        float64 (count, 4): x1, y1, x2, y2 in pixels of the image, inclusive ends.
    """
    centres = rng.uniform(0, [WIDTH * STRIDE, HEIGHT * STRIDE], (count, 2))
    sizes = np.exp(rng.uniform(3, 6, (count, 2)))
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def rpn_outputs(rng: np.random.RandomState) -> List[mx.nd.NDArray]:
    """Makes outputs like those of a trained region proposal network for an image with 25 objects.

    Returns:
        cls_prob (1, 2A, H, W), where an anchor scores higher the more it overlaps an object; bbox_pred (1, 4A, H, W),
        whose deltas lead to that object; and im_info (1, 3).
    """
    objects = random_objects(rng, 25)
    grid = anchor_ops.anchor_grid(HEIGHT, WIDTH, STRIDE, anchor_ops.base_anchors(**ANCHORS))
    overlaps = box_ops.iou(grid[None], objects[None])[0]
    best = overlaps.max(axis=1)
    score = 1 / (1 + np.exp(7 - 14 * best + rng.normal(size=best.shape)))
    deltas = box_ops.encode(grid, objects[overlaps.argmax(axis=1)]) * np.clip(2 * best, 0, 1)[:, None]
    deltas += rng.normal(scale=0.06, size=deltas.shape)
    score = score.reshape(HEIGHT, WIDTH, -1).transpose(2, 0, 1)
    deltas = deltas.reshape(HEIGHT, WIDTH, -1).transpose(2, 0, 1)
    return [mx.nd.array(array) for array in (np.concatenate([1 - score, score])[None], deltas[None],
                                             [[HEIGHT * STRIDE, WIDTH * STRIDE, 1]])]


def head_outputs(rng: np.random.RandomState, rois: int, classes: int) -> List[mx.nd.NDArray]:
    """Makes outputs like those of a detector's head for an image with 60 objects.

    Args:
        rng: source of randomness.
        rois: how many RoIs.
        classes: how many classes, without background.

    Returns:
        scores (1, rois, classes + 1), background first, and boxes (1, rois, 4) in pixels of the image.
    """
    objects = random_objects(rng, 60)[rng.randint(0, 60, rois)]
    boxes = box_ops.decode(objects, rng.normal(scale=0.15, size=(rois, 4)))
    logits = rng.normal(scale=2, size=(rois, classes + 1))
    logits[:, 0] += 6
    return [mx.nd.softmax(mx.nd.array(logits)).expand_dims(0), mx.nd.array(boxes).expand_dims(0)]


def make_proposals(pre_nms: int, post_nms: int, seed: int = 0) -> Job:
    """Makes the job of picking an image's proposals.

    Args:
        pre_nms, post_nms: how many boxes enter the suppression, and how many may leave it.
        seed: of the random inputs.
    """
    inputs = rpn_outputs(np.random.RandomState(seed))

    def ours() -> List[mx.nd.NDArray]:
        return [rpn_proposal(mx.nd, *inputs, feature_stride=STRIDE, pre_nms=pre_nms, post_nms=post_nms,
                             feature_size="im_info", pad="repeat", **ANCHORS)[0]]

    def peer() -> List[mx.nd.NDArray]:
        return [mx.nd.contrib.Proposal(*inputs, feature_stride=STRIDE, rpn_pre_nms_top_n=pre_nms, threshold=0.7,
                                       rpn_post_nms_top_n=post_nms, rpn_min_size=0, **ANCHORS)]

    def check() -> None:
        np.testing.assert_allclose(ours()[0].asnumpy(), peer()[0].asnumpy(), atol=1e-2)

    return Job(lambda: ours, lambda: peer, check)


def make_detections(rois: int = 1000, classes: int = 80, seed: int = 0) -> Job:
    """Makes the job of suppressing overlapping detections within each class.

    MXNet's operator gets its rows ready-made, and does not pick the best 100 of what is left.

    Args:
        rois, classes: see `head_outputs`.
        seed: of the random inputs.
    """
    scores, boxes = head_outputs(np.random.RandomState(seed), rois, classes)
    rows = mx.nd.concat(scores[0, :, 1:].T.expand_dims(2), mx.nd.broadcast_to(boxes, (classes, rois, 4)), dim=2)
    rows.wait_to_read()

    def ours() -> List[mx.nd.NDArray]:
        return [multiclass_nms(mx.nd, scores, boxes, nms_threshold=0.5, inclusive=False)[0]]

    def peer() -> List[mx.nd.NDArray]:
        return [mx.nd.contrib.box_nms(rows, overlap_thresh=0.5, valid_thresh=0.001, coord_start=1, score_index=0)]

    def check() -> None:
        best = np.sort(peer()[0].asnumpy()[:, :, 0], axis=None)[::-1][:100]
        np.testing.assert_array_equal(ours()[0].asnumpy()[0, :, 1], best)

    return Job(lambda: ours, lambda: peer, check)


def cases() -> List[Case]:
    """Returns the cases of this file."""
    return [Case("proposal", f"proposals {pre_nms} -> {post_nms}, {HEIGHT}x{WIDTH}", "contrib.Proposal",
                 functools.partial(make_proposals, pre_nms, post_nms))
            for pre_nms, post_nms in ((6000, 300), (6000, 1000), (12000, 2000))] + [
        Case("nms", "detections, 80 classes x 1000 boxes", "contrib.box_nms", make_detections)]
