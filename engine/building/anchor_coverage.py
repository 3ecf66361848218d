"""How well the anchors of a configuration cover the boxes of a data set, by the rules that label them in training."""
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np

from ... import data
from ...data.batching.padding import LEAST_SIDE
from ...data.pictures.resizing import resized_size
from ...data.record_columns import training_box_counts
from ...operators.anchors import base_anchors

Sides = Union[int, Tuple[int, ...]]
# More boxes than these are sampled: the shares are then right to about one percent.
MOST_BOXES = 4000


class BoxSample(NamedTuple):
    """Boxes of training images in the frame of the network input.

    Attributes:
        boxes: float64 (n, 4), inclusive ends.
        images: int (n, 2), height and width in pixels of the image that each box is in.
        inputs: int (n, 2), the same of the network input, which is padded.
        count: how many boxes the records have, of which these are a sample.
    """

    boxes: np.ndarray
    images: np.ndarray
    inputs: np.ndarray
    count: int

    @property
    def areas(self) -> np.ndarray:
        """The areas, float64 (n,), in pixels of the network input."""
        widths, heights = (self.boxes[:, k + 2] - self.boxes[:, k] + 1 for k in (0, 1))
        return widths * heights

    def part(self, most: int, seed: int = 0) -> "BoxSample":
        """Returns at most so many of the boxes, drawn at random."""
        chosen = np.random.RandomState(seed).permutation(len(self.boxes))[:most]
        return BoxSample(self.boxes[chosen], self.images[chosen], self.inputs[chosen], self.count)


class Coverage(NamedTuple):
    """The IoU of each box of a sample with its best anchor.

    Attributes:
        best: float64 (n,), 0 where no anchor inside the image overlaps the box.
        sides: float64 (n,), the square root of each box's area in pixels of the network input.
        positive_iou: IoU from which an anchor is positive.
    """

    best: np.ndarray
    sides: np.ndarray
    positive_iou: float

    @property
    def share(self) -> float:
        """The share of boxes with an anchor of IoU `positive_iou` or more; NaN without boxes."""
        return self.share_of(self.positive_iou)

    def share_of(self, iou: float) -> float:
        """Returns the share of boxes with an anchor of this IoU or more; NaN without boxes."""
        return _mean(self.best >= iou)

    @property
    def share_without(self) -> float:
        """The share of boxes that no anchor inside the image overlaps; NaN without boxes."""
        return _mean(self.best <= 0)

    @property
    def mean(self) -> float:
        """The mean IoU of a box with its best anchor; NaN without boxes."""
        return _mean(self.best)

    def by_side(self) -> List[Tuple[float, float, int, "Coverage"]]:
        """Returns (from, to, boxes, coverage) of each range of sides that holds boxes: 8 to 16 pixels, 16 to 32 ..."""
        octaves = np.floor(np.log2(self.sides)).astype(int)
        return [(2.0 ** octave, 2.0 ** (octave + 1), int((octaves == octave).sum()),
                 Coverage(self.best[octaves == octave], self.sides[octaves == octave], self.positive_iou))
                for octave in np.unique(octaves)]


def sample_boxes(records: Sequence[data.Record], scales: Sequence[Tuple[int, int]], image_stride: int,
                 most: int = MOST_BOXES, seed: int = 0) -> BoxSample:
    """Brings boxes to train on to the frame of the network input.

    Args:
        records: the images.
        scales: (shorter edge, bound on the longer edge) in pixels, see `data.resize_scale`. Each box is taken at one
            of them, drawn at random.
        image_stride: heights and widths of the network input are multiples of it.
        most: so many boxes are drawn at random where there are more.
        seed: of what is drawn.
    """
    rng = np.random.RandomState(seed)
    counts = training_box_counts(records)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    count = int(first[-1])
    chosen = np.sort(rng.choice(count, size=most, replace=False)) if count > most else np.arange(count)
    boxes, images = np.zeros((len(chosen), 4)), np.zeros((len(chosen), 2), int)
    owners = np.searchsorted(first, chosen, side="right") - 1
    drawn = rng.randint(len(scales), size=len(chosen))
    for row, (owner, place, which) in enumerate(zip(owners, chosen, drawn)):
        record = records[owner]
        scale = data.resize_scale(record.height, record.width, *scales[which])
        boxes[row] = data.training_boxes(record)[0][place - first[owner]] * np.float32(scale)
        images[row] = resized_size(record.height, record.width, scale)
    images = np.maximum(images, LEAST_SIDE)
    return BoxSample(boxes, images, -(-images // image_stride) * image_stride, count)


class AnchorCoverage:
    """Finds the best anchor of each box of a sample among those that take part in training: those inside the image.

    Args:
        sample: the boxes.
        feature_size: function from a side of the network input in pixels to the side of the RPN's map in cells, or to
            those of its levels; see `operators.anchor_targets.AnchorTargets`.
        stride: stride of the RPN's map, or a tuple with that of each of its levels, in pixels of the network input.
        positive_iou: IoU with a box from which an anchor is positive.

    Attributes:
        sample, stride, positive_iou: as given.
    """

    def __init__(self, sample: BoxSample, feature_size: Callable[[int], Sides], stride: Sides, positive_iou: float):
        self.sample, self.stride, self.positive_iou = sample, stride, positive_iou
        self._feature_size = feature_size
        self._cells = [_cells(feature_size, sample.inputs, level) for level in range(len(_as_tuple(stride)))]
        self._known: Dict[Tuple[float, float], np.ndarray] = {}

    def __call__(self, ratios: Sequence[float], scales: Sequence[float]) -> Coverage:
        """Returns the coverage by anchors of these ratios and scales, see `operators.anchors.base_anchors`."""
        best = np.max([self._best_of(ratio, scale) for ratio in ratios for scale in scales], axis=0)
        return Coverage(best, np.sqrt(self.sample.areas), self.positive_iou)

    def of_part(self, most: int) -> "AnchorCoverage":
        """Returns the same for at most so many of the boxes, drawn at random."""
        return AnchorCoverage(self.sample.part(most), self._feature_size, self.stride, self.positive_iou)

    def _best_of(self, ratio: float, scale: float) -> np.ndarray:
        """The IoU of each box with the best anchor of one shape.

        The best one is that which shares most with the box. What it shares is the product of what it shares across
        and down, so that its column and its row can be found apart.
        """
        if (ratio, scale) not in self._known:
            best, areas = np.zeros(len(self.sample.boxes)), self.sample.areas
            for stride, cells in zip(_as_tuple(self.stride), self._cells):
                anchor = base_anchors((ratio,), (scale,), stride).astype(np.float64)[0]
                across, down = (
                    _shared_length(self.sample.boxes[:, [axis, axis + 2]], anchor[[axis, axis + 2]], stride,
                                   cells[:, 1 - axis], self.sample.images[:, 1 - axis]) for axis in (0, 1))
                area = (anchor[2] - anchor[0] + 1) * (anchor[3] - anchor[1] + 1)
                best = np.maximum(best, across * down / (area + areas - across * down))
            self._known[ratio, scale] = best
        return self._known[ratio, scale]


def _shared_length(sides: np.ndarray, anchor: np.ndarray, stride: int, cells: np.ndarray,
                   image: np.ndarray) -> np.ndarray:
    """The most pixels that boxes share with an anchor along one axis.

    Args:
        sides: (n, 2), begin and end of each box.
        anchor: begin and end of the anchor in the first cell.
        stride: pixels from one cell to the next.
        cells: (n,), how many there are.
        image: (n,), side of each image in pixels.

    Returns:
        float64 (n,), 0 where no anchor inside the image shares anything. The best anchor is next to where the centres
        meet.
    """
    first = np.ceil(-anchor[0] / stride)
    last = np.minimum(np.ceil((image - anchor[1]) / stride), cells) - 1
    centre = (sides.sum(axis=1) - anchor.sum()) / 2 / stride
    found = np.zeros(len(sides))
    for near in (np.floor(centre), np.ceil(centre)):
        shift = np.clip(near, max(first, 0), last) * stride
        shared = np.minimum(sides[:, 1], anchor[1] + shift) - np.maximum(sides[:, 0], anchor[0] + shift) + 1
        found = np.maximum(found, shared)
    return np.where(last >= max(first, 0), found, 0)


def _cells(feature_size: Callable[[int], Sides], inputs: np.ndarray, level: int) -> np.ndarray:
    """The height and width in cells (n, 2) of a level's map, for inputs (n, 2) in pixels."""
    sizes, where = np.unique(inputs, return_inverse=True)
    cells = np.array([_as_tuple(feature_size(int(size)))[level] for size in sizes], int)
    return cells[where].reshape(inputs.shape)


def _as_tuple(value: Sides) -> Tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
