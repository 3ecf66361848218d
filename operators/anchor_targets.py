"""Training targets of the region proposal network, in NumPy, for the workers that load data."""
import functools
from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Union

import numpy as np

from . import boxes as box_ops
from .anchors import anchor_grid, base_anchors


class AnchorTargets:
    """Labels the anchors of an image and computes their box targets (Faster R-CNN, section 3.1.2).

    It corresponds to `assign_anchor` of the MXNet original. Only anchors that lie inside the image take part:

    - an anchor is positive if its IoU with a ground truth is at least `positive_iou`, or if no other anchor has a
      larger IoU with that ground truth;
    - otherwise it is negative if its IoU with every ground truth is below `negative_iou`, unless the share
      `negative_iou` of its area or more lies in an ignored region, of which nothing is known;
    - of these, `batch_size` anchors are drawn at random, of which at most the share `positive_fraction` is positive;
    - all other anchors are ignored.

    With a feature pyramid the anchors of all levels are labelled and drawn together.

    Args:
        feature_size: function from the side of the network input in pixels to the side of the RPN's map in cells; with
            a pyramid, to a tuple with the side of each level.
        stride: how many pixels a cell is wide and high; with a pyramid, a tuple with the stride of each level.
        ratios, scales: of the anchors, see `base_anchors`; the window there is one cell.
        batch_size: how many anchors of an image are labelled positive or negative, at most.
        positive_fraction: the largest share of positive anchors among them.
        positive_iou, negative_iou: the two thresholds.
        clobber_positives: an anchor whose IoU with every ground truth is below `negative_iou` is negative even if it is
            the best one of a ground truth.
        mxnet_original_rules: treat a ground truth that no anchor overlaps as the MXNet original does: all anchors have
            the same IoU with it, 0, so that each of them counts as its best and is positive. Otherwise such a ground
            truth has no anchors.
    """

    def __init__(self, feature_size: Callable[[int], Union[int, Tuple[int, ...]]],
                 stride: Union[int, Tuple[int, ...]] = 16, ratios: Sequence[float] = (0.5, 1, 2),
                 scales: Sequence[float] = (4, 8, 16, 32), batch_size: int = 256, positive_fraction: float = 0.5,
                 positive_iou: float = 0.7, negative_iou: float = 0.3, clobber_positives: bool = False,
                 mxnet_original_rules: bool = False):
        self._feature_size = feature_size
        self._has_levels = isinstance(stride, tuple)
        self._strides = stride if self._has_levels else (stride,)
        # Anchors are rounded to float32 and then moved in float64, the types of the MXNet original, so that the same
        # anchors are above a threshold.
        self._anchors = [base_anchors(ratios, scales, stride).astype(np.float64) for stride in self._strides]
        self._batch_size = batch_size
        self._positive_fraction = positive_fraction
        self._positive_iou = positive_iou
        self._negative_iou = negative_iou
        self._clobber_positives = clobber_positives
        self._mxnet_original_rules = mxnet_original_rules
        self._grid = functools.lru_cache(maxsize=8)(self._make_grid)

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_grid"}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._grid = functools.lru_cache(maxsize=8)(self._make_grid)

    def _make_grid(self, height: Any, width: Any) -> np.ndarray:
        """Returns all anchors (cells * A, 4) of a map, or of the maps of all levels."""
        heights, widths = (height, width) if self._has_levels else ((height,), (width,))
        return np.concatenate([anchor_grid(*level) for level in zip(heights, widths, self._strides, self._anchors)])

    def __call__(self, im_info: Sequence[float], gt_boxes: np.ndarray, input_height: int, input_width: int,
                 rng: Union[np.random.RandomState, np.random.Generator]
                 ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Computes the targets of one image.

        Args:
            im_info: (height, width, scale) of the image in the network input, padding not counted.
            gt_boxes: float32 (m, 5), boxes in pixels of the network input, then the class: from 1 for a ground truth,
                `boxes.IGNORED_REGION` for an ignored region; other rows are padding. m may be 0.
            input_height, input_width: of the network input in pixels, padding counted.
            rng: draws the sample.

        Returns:
            label: float32 (A * h * w,): 1 for positive anchors, 0 for negative ones, -1 for ignored ones. All cells of
                the first anchor come first, then those of the second.
            target: float32 (4 * A, h, w), box deltas, four for each anchor; 0 for anchors outside the image.
            weight: float32 (4 * A, h, w), 1 where the anchor is positive, otherwise 0.

            With a pyramid the shapes are (A * cells,) and (4 * A, cells), where the cells of all levels stand one level
            after the other, row by row.
        """
        height, width = self._feature_size(input_height), self._feature_size(input_width)
        grid = self._grid(height, width)
        inside = np.flatnonzero((grid[:, 0] >= 0) & (grid[:, 1] >= 0)
                                & (grid[:, 2] < im_info[1]) & (grid[:, 3] < im_info[0]))
        anchors, gt_boxes = grid[inside], np.asarray(gt_boxes)
        truths, regions = (gt_boxes[chosen, :4] for chosen in (
            gt_boxes[:, 4] > 0, gt_boxes[:, 4] == box_ops.IGNORED_REGION))
        label, matched = self._match(anchors, truths)
        self._ignore(label, anchors, regions)
        self._sample(label, rng)

        target = np.zeros((len(anchors), 4), np.float32)
        if matched is not None:
            target[:] = box_ops.encode(anchors, truths[matched])
        weight = np.zeros((len(anchors), 4), np.float32)
        weight[label == 1] = 1
        label = self._unfold(label[:, None], inside, len(grid), fill=-1).ravel()
        target, weight = (self._unfold(values, inside, len(grid), fill=0) for values in (target, weight))
        if not self._has_levels:
            target, weight = (values.reshape(-1, height, width) for values in (target, weight))
        return label, target, weight

    def _match(self, anchors: np.ndarray, gt_boxes: np.ndarray) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        """Labels all anchors and finds the ground truth that each overlaps most; None if there is nothing to match."""
        label = np.full(len(anchors), -1, np.float32)
        if not len(gt_boxes) or not len(anchors):
            label[:] = 0
            return label, None
        overlaps = box_ops.iou(anchors[None], gt_boxes[None].astype(np.float64))[0]
        matched = overlaps.argmax(axis=1)
        best = overlaps[np.arange(len(anchors)), matched]
        best_of_gt = overlaps.max(axis=0)
        touched = (best_of_gt > 0) | self._mxnet_original_rules
        is_best_of_a_gt = ((overlaps == best_of_gt) & touched).any(axis=1)
        negative = best < self._negative_iou
        if not self._clobber_positives:
            label[negative] = 0
        label[is_best_of_a_gt] = 1
        label[best >= self._positive_iou] = 1
        if self._clobber_positives:
            label[negative] = 0
        return label, matched

    def _ignore(self, label: np.ndarray, anchors: np.ndarray, regions: np.ndarray) -> None:
        """Sets the label of negative anchors that lie in an ignored region to -1."""
        negative = np.flatnonzero(label == 0)
        shares = box_ops.share_inside(anchors[None, negative], regions[None].astype(np.float64))[0]
        label[negative[(shares >= self._negative_iou).any(axis=1)]] = -1

    def _sample(self, label: np.ndarray, rng: Union[np.random.RandomState, np.random.Generator]) -> None:
        """Sets the label of anchors that are not drawn to -1, first of positive ones, then of negative ones."""
        allowed = int(self._positive_fraction * self._batch_size)
        positive = np.flatnonzero(label == 1)
        if len(positive) > allowed:
            label[rng.choice(positive, size=len(positive) - allowed, replace=False)] = -1
        allowed = self._batch_size - np.count_nonzero(label == 1)
        negative = np.flatnonzero(label == 0)
        if len(negative) > allowed:
            label[rng.choice(negative, size=len(negative) - allowed, replace=False)] = -1

    def _unfold(self, values: np.ndarray, inside: np.ndarray, count: int, fill: float) -> np.ndarray:
        """Writes values (k, columns) of the anchors inside the image among those of all `count` anchors.

        Returns:
            float32 (A * columns, cells); anchors outside the image have the value `fill`.
        """
        full = np.full((count, values.shape[1]), fill, np.float32)
        full[inside] = values
        return full.reshape(-1, len(self._anchors[0]) * values.shape[1]).T
