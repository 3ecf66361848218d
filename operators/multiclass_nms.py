"""Detections from the scores and boxes of every class, native."""
from mxnet import autograd, nd


def multiclass_nms(F, scores, boxes, valid=None, background=0, score_threshold=0.001, nms_threshold=0.3, pre_nms=0,
                   max_per_image=100, soft="none", sigma=0.5, inclusive=True, name=None):
    """Suppresses boxes within each class and keeps the best detections of each image.

    Within a class, boxes whose score exceeds ``score_threshold`` are taken best first (ties by row), and suppress those
    that overlap them by more than ``nms_threshold``. Of all classes together the ``max_per_image`` best remain (ties by
    class, then row). Boxes and scores with NaN are left out.

    Parameters
    ----------
    F : ``mx.nd`` or ``mx.sym``
    scores : (N, R, C), float32 or float64
        Of R boxes an image and C classes, the background among them where ``background`` says so.
    boxes : (N, R, 4) or (N, R, 4 * C), type of scores
        Corners (x1, y1, x2, y2), the same for all classes or four a class.
    valid : (N,), type of scores, optional
        How many boxes of each image count, the first ones: the ``counts`` of `rpn_proposal`.
    background : int
        The column of scores that is no detection, or -1 where all are.
    score_threshold : float
    nms_threshold : float
        From 0 to 1.
    pre_nms : int
        Boxes of a class that enter, the best ones; 0 for all.
    max_per_image : int
        Rows of the output.
    soft : "none", "linear" or "gaussian"
        Soft-NMS (arXiv 1704.04503): in place of suppression, multiply the score by ``1 - overlap`` (where that exceeds
        ``nms_threshold``) or by ``exp(-overlap**2 / sigma)``, and drop boxes that do not exceed ``score_threshold``
        (which must be at least 0) any more.
    sigma : float
        See ``soft``.
    inclusive : bool
        A box is ``x2 - x1 + 1`` wide, else ``x2 - x1``.
    name : str, optional
        Name of the node, for symbols.

    Returns
    -------
    output : (N, max_per_image, 6), type of scores
        Rows (class, score, x1, y1, x2, y2), best first, then rows of -1. Classes are numbered from 0 without the
        background, as a GluonCV detector answers them.
    counts : (N,), type of scores
        Detections of each image.

    No gradient flows through them.

    Raises MXNetError naming the argument where one is missing, out of range, of another shape or type.
    """
    inputs = [scores, boxes] + ([] if valid is None else [valid])
    if not isinstance(scores, nd.NDArray) or autograd.is_recording():
        inputs = [F.BlockGrad(array) for array in inputs]
    options = {} if name is None else {"name": name}
    return F.multiclass_nms(*inputs, with_valid=valid is not None, background=background,
                            score_threshold=score_threshold, nms_threshold=nms_threshold, pre_nms=pre_nms,
                            max_per_image=max_per_image, soft=soft, sigma=sigma, inclusive=inclusive, **options)
