"""Slow, obvious NumPy versions of rpn_proposal and multiclass_nms; results have the type of the inputs."""
import math

import numpy as np


def overlap(a, b, extent):
    """Intersection over union of two boxes whose sides are x2 - x1 + extent; 0 if neither has an area."""
    def area(x1, y1, x2, y2):
        return max(x2 - x1 + extent, 0) * max(y2 - y1 + extent, 0)

    shared = area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    union = area(*a) + area(*b) - shared
    return shared / union if union > 0 else 0


def rpn_proposal(cls_prob, bbox_pred, im_info, anchors, feature_stride=16, pre_nms=6000, post_nms=300,
                 nms_threshold=0.7, min_size=0, channels="split", feature_size="map", pad="empty"):
    """The operator's rois (N * post_nms, 5), counts (N,) and scores (N * post_nms, 1), for anchors (A, 4)."""
    num_images, _, height, width = cls_prob.shape
    num_anchors = len(anchors)
    anchors = np.asarray(anchors, cls_prob.dtype)
    all_rois, all_counts, all_scores = [], [], []
    for n in range(num_images):
        image_height, image_width, scale = im_info[n]
        candidates = []
        for i in range(height):
            for j in range(width):
                for a in range(num_anchors):
                    if feature_size == "im_info" and (i + 1 > image_height / feature_stride
                                                      or j + 1 > image_width / feature_stride):
                        continue
                    score = cls_prob[n, num_anchors + a if channels == "split" else 2 * a + 1, i, j]
                    x1, y1, x2, y2 = anchors[a] + np.array([j, i, j, i], anchors.dtype) * feature_stride
                    dx, dy, dw, dh = bbox_pred[n, 4 * a:4 * a + 4, i, j]
                    x, y = x1 + (x2 - x1) * 0.5 + dx * (x2 - x1 + 1), y1 + (y2 - y1) * 0.5 + dy * (y2 - y1 + 1)
                    half_w, half_h = (np.exp(dw) * (x2 - x1 + 1) - 1) * 0.5, (np.exp(dh) * (y2 - y1 + 1) - 1) * 0.5
                    limits = np.array([image_width, image_height, image_width, image_height]) - 1
                    box = np.clip([x - half_w, y - half_h, x + half_w, y + half_h], 0, limits)
                    sides = box[2:] - box[:2] + 1
                    if np.isfinite(im_info[n]).all() and score == score and (sides >= min_size * scale).all():
                        candidates.append((-score, len(candidates), box))
        candidates.sort(key=lambda candidate: candidate[:2])
        kept = []
        for negative, _, box in candidates[:pre_nms or None]:
            if not any(overlap(box, other, 1) > nms_threshold for other, _ in kept):
                kept.append((box, -negative))
        kept = kept[:post_nms]
        all_counts.append(len(kept))
        for row in range(post_nms):
            if row < len(kept) or (pad == "repeat" and kept):
                box, score = kept[row % len(kept)]
                all_rois.append([n, *box])
                all_scores.append([score])
            else:
                all_rois.append([-1, 0, 0, 0, 0])
                all_scores.append([0])
    return tuple(np.array(result, cls_prob.dtype) for result in (all_rois, all_counts, all_scores))


def suppressed(boxes, scores, score_threshold, nms_threshold, soft, sigma, extent):
    """The kept boxes of one class as (index, score), best first."""
    scores = {index: score for index, score in enumerate(scores)}
    kept = []
    while scores:
        best = max(scores, key=lambda index: (scores[index], -index))
        kept.append((best, scores.pop(best)))
        for index in list(scores):
            shared = overlap(boxes[best], boxes[index], extent)
            if soft == "gaussian":
                scores[index] *= math.exp(-shared * shared / sigma)
            elif shared > nms_threshold:
                scores[index] *= 1 - shared if soft == "linear" else 0
                if soft == "none":
                    del scores[index]
                    continue
            if scores[index] <= score_threshold:
                del scores[index]
    return kept


def multiclass_nms(scores, boxes, valid=None, background=0, score_threshold=0.001, nms_threshold=0.3, pre_nms=0,
                   max_per_image=100, soft="none", sigma=0.5, inclusive=True):
    """The operator's output (N, max_per_image, 6) and counts (N,)."""
    num_images, num_boxes, num_classes = scores.shape
    output = np.full((num_images, max_per_image, 6), -1, scores.dtype)
    counts = np.zeros(num_images, scores.dtype)
    for n in range(num_images):
        detections = []
        for c in range(num_classes):
            if c == background:
                continue
            own = boxes[n] if boxes.shape[2] == 4 else boxes[n, :, 4 * c:4 * c + 4]
            rows = [row for row in range(num_boxes if valid is None else int(valid[n]))
                    if scores[n, row, c] > score_threshold and not np.isnan(own[row]).any()]
            rows.sort(key=lambda row: (-scores[n, row, c], row))  # noqa: B023
            rows = rows[:pre_nms or None]
            for index, score in suppressed(own[rows], scores[n, rows, c], score_threshold, nms_threshold, soft, sigma,
                                           int(inclusive)):
                detections.append((-score, c - (0 <= background < c), rows[index], own[rows[index]]))
        detections.sort(key=lambda detection: detection[:3])
        for k, (negative, c, _, box) in enumerate(detections[:max_per_image]):
            output[n, k] = [c, -negative, *box]
        counts[n] = min(len(detections), max_per_image)
    return output, counts
