"""How many of the boxes to find the proposals of their images overlap well: recall, and its average over IoUs."""
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np

from ...data import Record, training_boxes
from ...data.proposals import ProposalSet
from ...operators import boxes as box_ops

IOUS: Tuple[float, ...] = tuple(percent / 100 for percent in range(50, 100, 5))
COUNTS = (100, 300, 1000, 2000)
_BLOCK = 4096  # proposals that are compared with the boxes of an image at a time


def best_overlaps(truths: Iterable[np.ndarray], proposals: Iterable[np.ndarray],
                  counts: Sequence[int]) -> np.ndarray:
    """Finds how well the first proposals of an image overlap each of its boxes.

    Several boxes may have their best overlap with the same proposal.

    Args:
        truths: for each image float (m, 4), the boxes to find.
        proposals: for each image (k, 4 or more), whose first columns are boxes in the same frame, the best first.
        counts: how many of the first proposals are looked at, rising.

    Returns:
        float64 (len(counts), all boxes to find): the largest IoU, 0 where nothing overlaps.
    """
    found: List[np.ndarray] = [np.zeros((len(counts), 0))]
    for boxes, given in zip(truths, proposals):
        if not len(boxes):
            continue
        best, start = np.zeros((len(counts), len(boxes))), 0
        for row, count in enumerate(counts):
            if row:
                best[row] = best[row - 1]
            stop = min(count, len(given))
            for place in range(start, stop, _BLOCK):
                part = np.asarray(given[place:min(place + _BLOCK, stop), :4], np.float64)
                overlaps = box_ops.iou(part[None], np.asarray(boxes, np.float64)[None])[0]
                best[row] = np.maximum(best[row], overlaps.max(axis=0))
            start = max(start, stop)
        found.append(best)
    return np.concatenate(found, axis=1)


def recall(best: np.ndarray, iou: float) -> float:
    """Returns the share of boxes whose best overlap, float (n,), is at least `iou`; NaN without boxes."""
    return float((best >= iou).mean()) if len(best) else float("nan")


def average_recall(best: np.ndarray) -> float:
    """Returns the mean of the recalls at the IoUs `IOUS`, 0.5 to 0.95; NaN without boxes."""
    return float(np.mean([recall(best, iou) for iou in IOUS]))


class ProposalRecall(NamedTuple):
    """The recall of proposals on a data set.

    Attributes:
        images, boxes: how many there are; boxes of crowds, difficult and ignored ones are not counted.
        proposals: the mean number of proposals of an image.
        best: float64 (counts, boxes), see `best_overlaps`.
        counts: how many of the first proposals each row looks at.
    """

    images: int
    boxes: int
    proposals: float
    best: np.ndarray
    counts: Tuple[int, ...]

    def as_json(self) -> Dict[str, object]:
        """Returns the figures as JSON holds them."""
        rows = [{"proposals": count, "average_recall": average_recall(best),
                 "recall": {f"{iou:.2f}": recall(best, iou) for iou in IOUS}}
                for count, best in zip(self.counts, self.best)]
        return {"images": self.images, "boxes": self.boxes, "proposals_per_image": self.proposals, "first": rows}

    def table(self) -> str:
        """Returns a table for people."""
        lines = [f"{self.proposals:.1f} proposals an image; percent of the {self.boxes:,} boxes in {self.images:,} "
                 "images that one of the first proposals overlaps, by the least IoU:",
                 "  first " + "".join(f"{iou:7.2f}" for iou in IOUS) + "  average"]
        for count, best in zip(self.counts, self.best):
            shares = "".join(f"{100 * recall(best, iou):7.1f}" for iou in IOUS)
            lines.append(f"  {count:<6}{shares}{100 * average_recall(best):9.1f}")
        return "\n".join(lines)


def proposal_recall(records: Sequence[Record], proposals: ProposalSet,
                    counts: Sequence[int] = COUNTS) -> ProposalRecall:
    """Measures the recall of proposals on the boxes to train on, see `training_boxes`.

    Args:
        records: the images.
        proposals: with an entry of each image.
        counts: how many of the first proposals are looked at, rising.

    Raises:
        DataError: an image has no entry.
    """
    given = [proposals.of(record) for record in records]
    best = best_overlaps((training_boxes(record)[0] for record in records), given, counts)
    mean = float(np.mean([len(boxes) for boxes in given])) if given else 0.0
    return ProposalRecall(len(records), best.shape[1], mean, best, tuple(counts))
