"""Proposals and detections against MXNet's own operators, on inputs as a trained detector makes them."""
import functools

import mxnet as mx
import numpy as np

from ...operators import anchors as anchor_ops
from ...operators import boxes as box_ops
from ...operators import multiclass_nms, rpn_proposal
from .case import Case, Job

HEIGHT, WIDTH, STRIDE = 44, 69, 16
ANCHORS = dict(ratios=(0.5, 1, 2), scales=(2, 4, 8, 16, 32))


def random_objects(rng, count):
    """Boxes (count, 4) of all sizes, inclusive ends, in an image of HEIGHT x WIDTH cells."""
    centres = rng.uniform(0, [WIDTH * STRIDE, HEIGHT * STRIDE], (count, 2))
    sizes = np.exp(rng.uniform(3, 6, (count, 2)))
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def rpn_outputs(rng):
    """cls_prob, bbox_pred and im_info: anchors score as they overlap an object, and their deltas lead to it."""
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


def head_outputs(rng, rois, classes):
    """scores (1, rois, classes + 1) and boxes (1, rois, 4) around some objects."""
    objects = random_objects(rng, 60)[rng.randint(0, 60, rois)]
    boxes = box_ops.decode(objects, rng.normal(scale=0.15, size=(rois, 4)))
    logits = rng.normal(scale=2, size=(rois, classes + 1))
    logits[:, 0] += 6
    return mx.nd.softmax(mx.nd.array(logits)).expand_dims(0), mx.nd.array(boxes).expand_dims(0)


def proposals(pre_nms, post_nms, seed=0):
    """Job: the best boxes of an image."""
    inputs = rpn_outputs(np.random.RandomState(seed))

    def ours():
        return rpn_proposal(mx.nd, *inputs, feature_stride=STRIDE, pre_nms=pre_nms, post_nms=post_nms,
                            feature_size="im_info", pad="repeat", **ANCHORS)[0]

    def peer():
        return mx.nd.contrib.Proposal(*inputs, feature_stride=STRIDE, rpn_pre_nms_top_n=pre_nms, threshold=0.7,
                                      rpn_post_nms_top_n=post_nms, rpn_min_size=0, **ANCHORS)

    def check():
        np.testing.assert_allclose(ours().asnumpy(), peer().asnumpy(), atol=1e-2)

    return Job(lambda: ours, lambda: peer, check)


def detections(rois=1000, classes=80, seed=0):
    """Job: suppression within each class. The peer gets its rows ready-made and does not pick the best of them."""
    scores, boxes = head_outputs(np.random.RandomState(seed), rois, classes)
    rows = mx.nd.concat(scores[0, :, 1:].T.expand_dims(2), mx.nd.broadcast_to(boxes, (classes, rois, 4)), dim=2)
    rows.wait_to_read()

    def ours():
        return multiclass_nms(mx.nd, scores, boxes, nms_threshold=0.5, inclusive=False)[0]

    def peer():
        return mx.nd.contrib.box_nms(rows, overlap_thresh=0.5, valid_thresh=0.001, coord_start=1, score_index=0)

    def check():
        best = np.sort(peer().asnumpy()[:, :, 0], axis=None)[::-1][:100]
        np.testing.assert_array_equal(ours().asnumpy()[0, :, 1], best)

    return Job(lambda: ours, lambda: peer, check)


def cases():
    """All cases of this file."""
    return [Case("proposal", "proposals {} -> {}, {}x{}".format(pre_nms, post_nms, HEIGHT, WIDTH), "contrib.Proposal",
                 functools.partial(proposals, pre_nms, post_nms))
            for pre_nms, post_nms in ((6000, 300), (6000, 1000), (12000, 2000))] + [
        Case("nms", "detections, 80 classes x 1000 boxes", "contrib.box_nms", detections)]
