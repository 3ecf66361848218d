"""The native operator that turns the outputs of a region proposal network into proposals."""
import functools
from types import ModuleType
from typing import List, Optional, Sequence, Tuple

import numpy as np
from mxnet import autograd, nd

from .anchors import base_anchors
from .arrays import Array


@functools.lru_cache(maxsize=64)
def _text_of_base_anchors(ratios: Tuple[float, ...], scales: Tuple[float, ...], base_size: int) -> str:
    return _text_of(base_anchors(ratios, scales, base_size))


def _text_of(anchors: Sequence[Sequence[float]]) -> str:
    return str(tuple(float(number) for number in np.ravel(anchors)))


def rpn_proposal(F: ModuleType, cls_prob: Array, bbox_pred: Array, im_info: Array,
                 ratios: Sequence[float] = (0.5, 1, 2), scales: Sequence[float] = (4, 8, 16, 32),
                 anchors: Optional[Sequence[Sequence[float]]] = None, feature_stride: int = 16, pre_nms: int = 6000,
                 post_nms: int = 300, nms_threshold: float = 0.7, min_size: float = 0, channels: str = "split",
                 feature_size: str = "map", pad: str = "empty", output_score: bool = False,
                 name: Optional[str] = None) -> List[Array]:
    """Turns the scores and deltas of all anchors into the best boxes of each image (Faster R-CNN, section 3.1).

    Boxes are decoded from the anchors and clipped to their image. Those with a side below ``min_size * scale`` or with
    NaN are dropped. The `pre_nms` best of the others, equal scores in the order of rows, columns and anchors, go
    through non-maximum suppression. It keeps the `post_nms` best of the boxes whose IoU with no better kept box is
    above `nms_threshold`.

    With ``feature_size="im_info", pad="repeat"`` the operator equals ``contrib.MultiProposal`` of MXNet as long as
    enough boxes have sides of `min_size` and lie within the image; MXNet's operator keeps the other boxes as its last
    candidates.

    Args:
        F: `mx.nd` or `mx.sym`.
        cls_prob: (N, 2 * A, H, W), float32 or float64 (float16 also on a GPU): probabilities of background and
            foreground of the A anchors of each cell.
        bbox_pred: (N, 4 * A, H, W), type of cls_prob: deltas (dx, dy, dw, dh), four for each anchor.
        im_info: (N, 3), type of cls_prob, or float32 if that is float16: rows (height, width, scale) of the images in
            the network input. An image whose row is not finite has no proposals.
        ratios, scales: of the anchors, see `anchors.base_anchors`; the window there is `feature_stride` pixels wide.
        anchors: (A, 4), the anchors of the first cell in place of `ratios` and `scales`, corners with inclusive ends in
            pixels of the network input.
        feature_stride: how many pixels of the network input a cell is wide and high.
        pre_nms: how many boxes of an image enter suppression at most; 0 for all.
        post_nms: rows of the outputs for each image.
        nms_threshold: from 0 to 1.
        min_size: shortest side in pixels of the original image.
        channels: where the foreground of anchor a is: "split" in channel ``A + a`` (MXNet), "interleaved" in channel
            ``2 * a + 1`` (the TensorFlow original).
        feature_size: which cells have anchors: "map" all cells of the map; "im_info" those within
            im_info / feature_stride, rounded down, as in MXNet's own operator.
        pad: what the rows after the proposals of an image hold: "empty" (-1, 0, 0, 0, 0); "repeat" the proposals again
            in turn. An image without proposals has empty rows either way.
        output_score: return the scores too.
        name: of the node, for symbols.

    Returns:
        rois: (N * post_nms, 5), type of im_info: rows (image, x1, y1, x2, y2), images one after the other, best first,
            corners with inclusive ends in pixels of the network input.
        counts: (N,), type of im_info: how many proposals each image has, before padding.
        scores: (N * post_nms, 1), type of im_info: foreground probabilities of the rows, 0 in empty ones; only with
            `output_score`.

        No gradient flows through them.

    Raises:
        MXNetError: an argument is missing, out of bounds, or of the wrong shape or type; the message names it.
    """
    if not isinstance(cls_prob, nd.NDArray) or autograd.is_recording():
        cls_prob, bbox_pred, im_info = F.BlockGrad(cls_prob), F.BlockGrad(bbox_pred), F.BlockGrad(im_info)
    text = (_text_of_base_anchors(tuple(ratios), tuple(scales), feature_stride) if anchors is None
            else _text_of(anchors))
    options = {} if name is None else {"name": name}
    return F.rpn_proposal(cls_prob, bbox_pred, im_info, anchors=text, feature_stride=feature_stride, pre_nms=pre_nms,
                          post_nms=post_nms, nms_threshold=nms_threshold, min_size=min_size, channels=channels,
                          feature_size=feature_size, pad=pad, output_score=output_score, **options)
