"""Slow versions of the custom operators, box by box, with the types and the order of draws of the MXNet original."""
import math

import numpy as np


def overlap(a, b):
    """Intersection over union of two boxes with inclusive ends, in the type of their numbers, float32 or float64."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    area = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (area[0] + area[1] - width * height)


def anchor(ratio, scale, stride):
    """The anchor of one ratio and scale at the cell (0, 0)."""
    width = np.round(math.sqrt(stride * stride / ratio))
    height = np.round(width * ratio)
    centre = (stride - 1) / 2
    return [centre - (width * scale - 1) / 2, centre - (height * scale - 1) / 2,
            centre + (width * scale - 1) / 2, centre + (height * scale - 1) / 2]


def proposals(cls_prob, bbox_pred, im_info, scales, ratios, stride, pre_nms, post_nms, threshold, min_size):
    """Rows (image, box) and scores of one image; all scores must be different."""
    kinds = [anchor(ratio, scale, stride) for ratio in ratios for scale in scales]
    rows = []
    for y in range(int(im_info[0][0] // stride)):
        for x in range(int(im_info[0][1] // stride)):
            for a, kind in enumerate(kinds):
                dx, dy, dw, dh = bbox_pred[0, 4 * a:4 * a + 4, y, x]
                x1, y1, x2, y2 = kind[0] + x * stride, kind[1] + y * stride, kind[2] + x * stride, kind[3] + y * stride
                width, height = x2 - x1 + 1, y2 - y1 + 1
                centre = float(dx) * width + (x1 + 0.5 * (width - 1)), float(dy) * height + (y1 + 0.5 * (height - 1))
                half = 0.5 * (float(np.exp(dw)) * width - 1), 0.5 * (float(np.exp(dh)) * height - 1)
                box = [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]]
                box = [min(max(side, 0), im_info[0][1 - i % 2] - 1) for i, side in enumerate(box)]
                least = min_size * float(im_info[0][2])
                if box[2] - box[0] + 1 >= least and box[3] - box[1] + 1 >= least:
                    rows.append((cls_prob[0, len(kinds) + a, y, x], np.array(box, np.float32)))
    rows.sort(key=lambda row: -row[0])
    kept = []
    for row in rows[:pre_nms or None]:
        if all(overlap(row[1], other[1]) <= np.float32(threshold) for other in kept):
            kept.append(row)
    kept = kept[:post_nms]
    if len(kept) < post_nms:
        kept = kept + [kept[i] for i in np.random.choice(len(kept), size=post_nms - len(kept))]
    return np.array([[0, *box] for _, box in kept], np.float32), np.array([[score] for score, _ in kept], np.float32)


def targets(rois, gt_boxes, batch_rois, num_classes, fg_fraction=0.25, fg_thresh=0.5, bg_thresh_hi=0.5,
            bg_thresh_lo=0.0, means=(0, 0, 0, 0), stds=(0.1, 0.1, 0.2, 0.2), weights=(1, 1, 1, 1)):
    """RoIs, labels, targets and weights of one image."""
    boxes = [roi[1:] for roi in rois] + [gt[:4] for gt in gt_boxes]
    rows = len(boxes) if batch_rois == -1 else batch_rois
    at_most = rows if batch_rois == -1 else int(np.round(fg_fraction * rows))
    best = []
    for box in boxes:
        overlaps = [overlap([float(v) for v in box], [float(v) for v in gt[:4]]) for gt in gt_boxes]
        best.append((max(overlaps), overlaps.index(max(overlaps))))
    foreground = [i for i, (value, _) in enumerate(best) if value >= fg_thresh]
    background = [i for i, (value, _) in enumerate(best) if bg_thresh_lo <= value < bg_thresh_hi]
    if len(foreground) > at_most:
        foreground = list(np.random.choice(foreground, size=at_most, replace=False))
    if len(background) > rows - len(foreground):
        background = list(np.random.choice(background, size=rows - len(foreground), replace=False))
    chosen = foreground + background
    while len(chosen) < rows:
        chosen += list(np.random.choice(len(boxes), size=min(len(boxes), rows - len(chosen)), replace=False))
    labels = np.zeros(rows, np.float32)
    expanded, mask = np.zeros((2, rows, 4 * num_classes), np.float32)
    for row, i in enumerate(chosen[:len(foreground)]):
        box, gt = boxes[i], gt_boxes[best[i][1]]
        labels[row] = gt[4]
        half, one = np.float32(0.5), np.float32(1)  # 1 would make float64 of a float32
        width, height, gt_width, gt_height = (b[k + 2] - b[k] + one for b in (box, gt) for k in (0, 1))
        delta = [((gt[0] + half * (gt_width - one)) - (box[0] + half * (width - one))) / width,
                 ((gt[1] + half * (gt_height - one)) - (box[1] + half * (height - one))) / height,
                 np.log(gt_width / width), np.log(gt_height / height)]
        column = 4 if num_classes == 2 else 4 * int(gt[4])
        expanded[row, column:column + 4] = (np.array(delta) - means) / stds
        mask[row, column:column + 4] = weights
    return np.array([[0, *boxes[i]] for i in chosen], np.float32), labels, expanded, mask


def mining(cls_score, bbox_pred, labels, bbox_targets, bbox_weights, keep):
    """Labels and weights of one image where only the `keep` RoIs of largest loss count; losses must be different."""
    losses = []
    for i, label in enumerate(labels):
        logits = cls_score[i].astype(np.float64)
        loss = math.log(sum(math.exp(v - logits.max()) for v in logits)) + logits.max() - logits[int(label)]
        for predicted, target, weight in zip(bbox_pred[i], bbox_targets[i], bbox_weights[i]):
            off = abs(float(predicted) - float(target))
            loss += weight * (0.5 * off ** 2 if off < 1 else off - 0.5)
        losses.append(loss)
    kept = sorted(range(len(labels)), key=lambda i: -losses[i])[:keep]
    out_labels, out_weights = np.full_like(labels, -1), np.zeros_like(bbox_weights)
    out_labels[kept], out_weights[kept] = labels[kept], bbox_weights[kept]
    return out_labels, out_weights
