"""The native operator that turns scores and boxes of every class into detections."""
from types import ModuleType
from typing import List, Optional

from mxnet import autograd, nd

from .arrays import Array


def multiclass_nms(F: ModuleType, scores: Array, boxes: Array, valid: Optional[Array] = None, background: int = 0,
                   score_threshold: float = 0.001, nms_threshold: float = 0.3, pre_nms: int = 0,
                   max_per_image: int = 100, soft: str = "none", sigma: float = 0.5, inclusive: bool = True,
                   name: Optional[str] = None) -> List[Array]:
    """Suppresses boxes that overlap better ones of their class, and keeps the best detections of each image.

    Within a class, boxes with a score above `score_threshold` are visited best first, equal scores in the order of
    their rows, and each kept box suppresses those whose IoU with it is above `nms_threshold`. Of the kept boxes of all
    classes the `max_per_image` best are the detections, equal scores in the order of classes, then rows. Boxes and
    scores with NaN are left out.

    Args:
        F: `mx.nd` or `mx.sym`.
        scores: (N, R, C), float32 or float64 (float16 also on a GPU), of R boxes of each image and C classes.
        boxes: corners (x1, y1, x2, y2) in any frame, (N, R, 4) shared by all classes or (N, R, 4 * C) with a box for
            each class; type of scores, or float32 if that is float16.
        valid: (N,), type of boxes: how many boxes each image has, the first ones, as in the `counts` of
            `rpn_proposal`. None if all R are boxes.
        background: the class that has no detections, or -1 if every class has.
        score_threshold: a box needs a score above it.
        nms_threshold: from 0 to 1.
        pre_nms: how many boxes of a class take part at most, the best ones; 0 for all.
        max_per_image: rows of the output for each image.
        soft: "none", or soft suppression (Soft-NMS, arXiv 1704.04503), which lowers the scores of overlapping boxes
            and drops those no longer above `score_threshold`, which must then be at least 0: "linear" multiplies them
            by ``1 - IoU`` where the IoU is above `nms_threshold`, "gaussian" by ``exp(-IoU**2 / sigma)``.
        sigma: see `soft`.
        inclusive: the ends are part of a box, which is ``x2 - x1 + 1`` wide; otherwise it is ``x2 - x1`` wide.
        name: of the node, for symbols.

    Returns:
        output: (N, max_per_image, 6), type of boxes: rows (class, score, x1, y1, x2, y2), best first, then rows of -1.
            Classes are numbered from 0, the background not counted, as in a GluonCV detector.
        counts: (N,), type of boxes: how many detections each image has.

        No gradient flows through them.

    Raises:
        MXNetError: an argument is missing, out of bounds, or of the wrong shape or type; the message names it.
    """
    inputs = [scores, boxes] + ([] if valid is None else [valid])
    if not isinstance(scores, nd.NDArray) or autograd.is_recording():
        inputs = [F.BlockGrad(array) for array in inputs]
    options = {} if name is None else {"name": name}
    return F.multiclass_nms(*inputs, with_valid=valid is not None, background=background,
                            score_threshold=score_threshold, nms_threshold=nms_threshold, pre_nms=pre_nms,
                            max_per_image=max_per_image, soft=soft, sigma=sigma, inclusive=inclusive, **options)
