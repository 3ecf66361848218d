"""Training targets of the region proposal network, in NumPy for the data workers (the port's `assign_anchor`)."""
import functools

import numpy as np

from . import boxes as box_ops
from .anchors import anchor_grid, base_anchors


class AnchorTargets:
    """Labels the anchors of an image for the region proposal network (Faster R-CNN, section 3.1.2).

    Anchors inside the image are positive where they overlap a ground truth by at least `positive_iou` or overlap it
    more than any other anchor does; negative where they overlap none by `negative_iou`; of these, `batch_size` an
    image are drawn, at most `positive_fraction` of them positive; all others are ignored. The levels of a pyramid make
    one set of anchors.

    Args:
        feature_size: function from the side of the network input in pixels to the side of the RPN's map in cells, or
            to a tuple of sides, one a level.
        stride: pixels a cell, or a tuple, one a level.
        ratios, scales: of the anchors, see `base_anchors`, whose base window is a cell.
        clobber_positives: a negative overlap outweighs being the best anchor of a ground truth.
        as_port: a ground truth that no anchor overlaps is left out; with this it makes positive, as in the port, every
            anchor that does not overlap it, which then is every one's best.
    """

    def __init__(self, feature_size, stride=16, ratios=(0.5, 1, 2), scales=(4, 8, 16, 32), batch_size=256,
                 positive_fraction=0.5, positive_iou=0.7, negative_iou=0.3, clobber_positives=False, as_port=False):
        self._feature_size = feature_size
        self._has_levels = isinstance(stride, tuple)
        self._strides = stride if self._has_levels else (stride,)
        # Float32 anchors moved in float64: the port's types, so that overlaps fall on the same side of thresholds.
        self._anchors = [base_anchors(ratios, scales, stride).astype(np.float64) for stride in self._strides]
        self._batch_size = batch_size
        self._positive_fraction = positive_fraction
        self._positive_iou = positive_iou
        self._negative_iou = negative_iou
        self._clobber_positives = clobber_positives
        self._as_port = as_port
        self._grid = functools.lru_cache(maxsize=8)(self._make_grid)

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_grid"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._grid = functools.lru_cache(maxsize=8)(self._make_grid)

    def _make_grid(self, height, width):
        heights, widths = (height, width) if self._has_levels else ((height,), (width,))
        return np.concatenate([anchor_grid(*level) for level in zip(heights, widths, self._strides, self._anchors)])

    def __call__(self, im_info, gt_boxes, input_height, input_width, rng):
        """Targets of one image.

        Args:
            im_info: (height, width, scale) of the image in the network input, padding not counted.
            gt_boxes: float32 (m, 5), network-input frame, last column the class (not used); m may be 0.
            input_height, input_width: the network input in pixels, padding counted.
            rng: `numpy.random.RandomState` or `Generator` that draws the sample.

        Returns:
            label: float32 (A * h * w,), anchors outermost: 1 positive, 0 negative, -1 ignored.
            target: float32 (4 * A, h, w), box deltas, 4 an anchor; 0 for anchors that are not inside the image.
            weight: float32 (4 * A, h, w), 1 where the anchor is positive.

            With levels (A * cells,) and (4 * A, cells): the cells of all levels, rows first, one level after the other.
        """
        height, width = self._feature_size(input_height), self._feature_size(input_width)
        grid = self._grid(height, width)
        inside = np.flatnonzero((grid[:, 0] >= 0) & (grid[:, 1] >= 0)
                                & (grid[:, 2] < im_info[1]) & (grid[:, 3] < im_info[0]))
        anchors = grid[inside]
        label, matched = self._match(anchors, gt_boxes[:, :4])
        self._sample(label, rng)

        target = np.zeros((len(anchors), 4), np.float32)
        if matched is not None:
            target[:] = box_ops.encode(anchors, gt_boxes[matched, :4])
        weight = np.zeros((len(anchors), 4), np.float32)
        weight[label == 1] = 1
        label = self._unfold(label[:, None], inside, len(grid), fill=-1).ravel()
        target, weight = (self._unfold(values, inside, len(grid), fill=0) for values in (target, weight))
        if not self._has_levels:
            target, weight = (values.reshape(-1, height, width) for values in (target, weight))
        return label, target, weight

    def _match(self, anchors, gt_boxes):
        label = np.full(len(anchors), -1, np.float32)
        if not len(gt_boxes) or not len(anchors):
            label[:] = 0
            return label, None
        overlaps = box_ops.iou(anchors[None], gt_boxes[None].astype(np.float64))[0]
        matched = overlaps.argmax(axis=1)
        best = overlaps[np.arange(len(anchors)), matched]
        best_of_gt = overlaps.max(axis=0)
        touched = (best_of_gt > 0) | self._as_port
        is_best_of_a_gt = ((overlaps == best_of_gt) & touched).any(axis=1)
        negative = best < self._negative_iou
        if not self._clobber_positives:
            label[negative] = 0
        label[is_best_of_a_gt] = 1
        label[best >= self._positive_iou] = 1
        if self._clobber_positives:
            label[negative] = 0
        return label, matched

    def _sample(self, label, rng):
        allowed = int(self._positive_fraction * self._batch_size)
        positive = np.flatnonzero(label == 1)
        if len(positive) > allowed:
            label[rng.choice(positive, size=len(positive) - allowed, replace=False)] = -1
        allowed = self._batch_size - np.count_nonzero(label == 1)
        negative = np.flatnonzero(label == 0)
        if len(negative) > allowed:
            label[rng.choice(negative, size=len(negative) - allowed, replace=False)] = -1

    def _unfold(self, values, inside, places, fill):
        """Values (k, columns) of the anchors inside, put among all: (A * columns, cells)."""
        full = np.full((places, values.shape[1]), fill, np.float32)
        full[inside] = values
        return full.reshape(-1, len(self._anchors[0]) * values.shape[1]).T
