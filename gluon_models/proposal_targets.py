"""Training targets of the RoIs, as part of the graph (the port's `proposal_target`, without leaving the device)."""
from ..operators import boxes as box_ops


def assign(F, rois, gt_boxes, rois_per_image, means, stds, fg_iou=0.5, bg_iou_high=0.5, bg_iou_low=0.0, batch=-1,
           fg_fraction=0.25):
    """Labels the proposals and the ground truths of every image against the ground truths.

    Args:
        rois: float32 (N * rois_per_image, 5): image in the batch, then the box, network-input frame; rows with a
            negative image are padding.
        gt_boxes: float32 (N, M, 5): boxes and classes from 1; rows of -1 are padding.
        means, stds: four each, which are subtracted from the deltas and which these are divided by.
        fg_iou: overlap from which a RoI takes the class of its best ground truth.
        bg_iou_high, bg_iou_low: overlaps in [low, high) are background.
        batch: RoIs to draw for every image, at most `fg_fraction` of them foreground; -1 keeps all of them (OHEM).

    Returns:
        rois: float32 (N, K, 5), K = batch, or rois_per_image + M.
        labels: float32 (N, K): class from 1, 0 background, -1 ignored.
        targets: float32 (N, K, 4), normalised deltas; meaningful where the label is positive.
    """
    rois = F.reshape(rois, shape=(-1, rois_per_image, 5))
    gt_coords = F.slice_axis(gt_boxes, axis=2, begin=0, end=4)
    gt_class = F.slice_axis(gt_boxes, axis=2, begin=4, end=5)
    image_of_gt = F.broadcast_like(F.reshape(F.contrib.arange_like(gt_boxes, axis=0), shape=(-1, 1, 1)), gt_class)
    # Ground truths join the proposals; padding rows become RoIs too, and are ignored.
    padding = F.concat(F.slice_axis(rois, axis=2, begin=0, end=1) < 0, gt_class <= 0, dim=1)
    padding = F.reshape(padding, shape=(0, -1))
    rois = F.concat(rois, F.concat(image_of_gt, gt_coords, dim=2), dim=1)

    coords = F.slice_axis(rois, axis=2, begin=1, end=5)
    overlap = F.broadcast_mul(box_ops.iou(coords, gt_coords, F), F.swapaxes(gt_class > 0, dim1=1, dim2=2))
    best = F.max(overlap, axis=2)
    matched = F.argmax(overlap, axis=2)
    is_fg = (best >= fg_iou) * (1 - padding)
    is_bg = (best < bg_iou_high) * (best >= bg_iou_low) * (1 - padding)
    if batch > 0:
        is_fg, is_bg = _sample(F, is_fg, is_bg, batch, fg_fraction)

    matched_gt = _take(F, gt_boxes, 5, matched)
    matched_class = F.reshape(F.slice_axis(matched_gt, axis=2, begin=4, end=5), shape=(0, -1))
    labels = is_fg * matched_class - (1 - is_fg) * (1 - is_bg)
    # Others than foreground may match nothing at all or have no area: the first pixel to itself encodes to zeros.
    fg = F.expand_dims(is_fg, axis=2)
    matched_boxes = F.slice_axis(matched_gt, axis=2, begin=0, end=4)
    targets = box_ops.encode(F.broadcast_mul(fg, coords), F.broadcast_mul(fg, matched_boxes), F)
    targets = F.concat(*((part - mean) / std for part, mean, std in
                         zip(F.split(targets, num_outputs=4, axis=2), means, stds)), dim=2)
    if batch > 0:
        rois, labels, targets = _gather(F, rois, labels, targets, batch)
    return tuple(F.BlockGrad(output) for output in (rois, labels, targets))


def _rank(F, candidates):
    """Place of every element in a random order of its row that puts the candidates first."""
    draw = candidates * (1 + F.random.uniform_like(candidates))
    return F.argsort(F.argsort(draw, axis=1, is_ascend=False), axis=1)


def _sample(F, is_fg, is_bg, batch, fg_fraction):
    is_fg = is_fg * (_rank(F, is_fg) < int(round(fg_fraction * batch)))
    room = batch - F.sum(is_fg, axis=1, keepdims=True)
    return is_fg, is_bg * F.broadcast_lesser(_rank(F, is_bg), room)


def _gather(F, rois, labels, targets, batch):
    chosen = F.topk(labels >= 0, axis=1, k=batch)
    rows = _take(F, F.concat(rois, F.expand_dims(labels, axis=2), targets, dim=2), 10, chosen)
    rois, labels, targets = (F.slice_axis(rows, axis=2, begin=begin, end=end)
                             for begin, end in ((0, 5), (5, 6), (6, 10)))
    return rois, F.reshape(labels, shape=(0, -1)), targets


def _take(F, rows, columns, index):
    """Of rows (N, R, columns) those that the index (N, K) names: (N, K, columns)."""
    parts = (F.swapaxes(part, dim1=1, dim2=2) for part in F.split(rows, num_outputs=columns, axis=2))
    return F.concat(*(F.pick(F.broadcast_like(part, index, lhs_axes=(1,), rhs_axes=(1,)), index, axis=2, keepdims=True)
                      for part in parts), dim=2)
