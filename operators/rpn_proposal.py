"""Proposals of a region proposal network, native."""
import functools

import numpy as np
from mxnet import autograd, nd

from .anchors import base_anchors


@functools.lru_cache(maxsize=64)
def _anchors_text(ratios, scales, base_size):
    return _text(base_anchors(ratios, scales, base_size))


def _text(anchors):
    return str(tuple(float(number) for number in np.ravel(anchors)))


def rpn_proposal(F, cls_prob, bbox_pred, im_info, ratios=(0.5, 1, 2), scales=(4, 8, 16, 32), anchors=None,
                 feature_stride=16, pre_nms=6000, post_nms=300, nms_threshold=0.7, min_size=0, channels="split",
                 feature_size="map", pad="empty", output_score=False, name=None):
    """Turns the scores and deltas of all anchors into the best boxes of each image (Faster R-CNN, section 3.1).

    Boxes are decoded and clipped to their image; those with a side below ``min_size * scale`` or with NaN are dropped.
    The ``pre_nms`` best of the others (ties by row, column, anchor) go through non-maximum suppression, which keeps
    ``post_nms`` of those that overlap no better one by more than ``nms_threshold``.

    Parameters
    ----------
    F : ``mx.nd`` or ``mx.sym``
    cls_prob : (N, 2 * A, H, W), float32 or float64
        Probabilities of background and foreground of A anchors a cell.
    bbox_pred : (N, 4 * A, H, W), type of cls_prob
        Deltas (dx, dy, dw, dh), four an anchor.
    im_info : (N, 3), type of cls_prob
        Rows (height, width, scale) of the images within the network input. A row that is not finite has no proposals.
    ratios, scales : tuples of float
        Make the anchors, see `anchors.base_anchors`; the base window is ``feature_stride`` pixels wide.
    anchors : (A, 4), optional
        The anchors themselves, at the first cell, inclusive ends, pixels of the network input. In place of ratios and
        scales.
    feature_stride : int
        Pixels of the network input a cell.
    pre_nms, post_nms : int
        Boxes an image before suppression (0: all) and after it.
    nms_threshold : float
        From 0 to 1.
    min_size : float
        Shortest side in pixels of the original image.
    channels : "split" or "interleaved"
        The foreground of anchor a is channel ``A + a`` (MXNet) or ``2 * a + 1`` (the TensorFlow original).
    feature_size : "map" or "im_info"
        Which cells count: all, or, as in MXNet's own operator, those within im_info / feature_stride, rounded down.
    pad : "empty" or "repeat"
        Rows beyond the boxes that are left are (-1, 0, 0, 0, 0), or those boxes again in turn. An image without any
        has empty rows.
    output_score : bool
        With a third output.
    name : str, optional
        Name of the node, for symbols.

    Returns
    -------
    rois : (N * post_nms, 5), type of cls_prob
        ``post_nms`` rows an image, best first: image in the batch, then the box, inclusive ends, pixels of the network
        input.
    counts : (N,), type of cls_prob
        Rows of each image before padding.
    scores : (N * post_nms, 1), type of cls_prob, with ``output_score``
        Foreground probabilities of the rows, 0 in empty ones.

    No gradient flows through them. With ``feature_size="im_info", pad="repeat"`` it equals ``contrib.MultiProposal``
    of MXNet where enough boxes are at least ``min_size`` large and within the image (there the others come last).

    Raises MXNetError naming the argument where one is missing, out of range, of another shape or type.
    """
    if not isinstance(cls_prob, nd.NDArray) or autograd.is_recording():
        cls_prob, bbox_pred, im_info = F.BlockGrad(cls_prob), F.BlockGrad(bbox_pred), F.BlockGrad(im_info)
    text = _anchors_text(tuple(ratios), tuple(scales), feature_stride) if anchors is None else _text(anchors)
    options = {} if name is None else {"name": name}
    return F.rpn_proposal(cls_prob, bbox_pred, im_info, anchors=text, feature_stride=feature_stride, pre_nms=pre_nms,
                          post_nms=post_nms, nms_threshold=nms_threshold, min_size=min_size, channels=channels,
                          feature_size=feature_size, pad=pad, output_score=output_score, **options)
