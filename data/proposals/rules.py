"""Which boxes of a file of proposals are used: the rules, and the count of what each left out."""
from collections import Counter
from typing import Dict, Optional, Tuple

import numpy as np

# What is counted, in the order in which it is looked at. All but "clipped" are left out.
RULES: Dict[str, str] = {
    "not finite": "a coordinate or the score is NaN or infinite",
    "no area": "x2 <= x1 or y2 <= y1: a box that is turned, or that is one line of pixels",
    "outside": "nothing of the box is inside the image, or only a line of pixels is",
    "clipped": "the box reaches over the edge of the image, and is used up to the edge",
    "duplicate": "the image has the same box already; that with the best score is used",
    "surplus": "the image has more boxes than are asked for; those with the best scores are used, or else the first",
}
_BLOCK = 1 << 16  # boxes that are looked at together, which bounds the memory


def usable_boxes(boxes: np.ndarray, scores: Optional[np.ndarray], width: int, height: int, limit: int,
                 counts: Counter) -> np.ndarray:
    """Returns the boxes of one image that are used, float32 (k, 4), the best first; see `usable_boxes_and_scores`."""
    return usable_boxes_and_scores(boxes, scores, width, height, limit, counts)[0]


def usable_boxes_and_scores(boxes: np.ndarray, scores: Optional[np.ndarray], width: int, height: int, limit: int,
                            counts: Counter) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Returns the boxes of one image that are used, see `RULES`, and their scores.

    Args:
        boxes: numbers (n, 4), rows x1, y1, x2, y2 in the frame of the original image: 0-based pixels, inclusive ends.
        scores: float (n,), the higher the better; None takes the boxes in their order.
        width, height: of the image in pixels.
        limit: the largest number of boxes that is returned.
        counts: how often each rule applied, by its name; increased.

    Returns:
        boxes: float32 (k, 4), the best first.
        scores: float32 (k,); None without scores.
    """
    kept = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    for start in range(0, len(boxes), _BLOCK):
        part = slice(start, start + _BLOCK)
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is left out
            rows = boxes[part].astype(np.float32)
            values = np.zeros(len(rows), np.float32) if scores is None else scores[part].astype(np.float32)
        rows, values = _inside(rows, values, width, height, counts)
        kept = _best(np.concatenate([kept[0], rows]), np.concatenate([kept[1], values]), limit, counts)
    return kept[0], None if scores is None else kept[1]


def _inside(boxes: np.ndarray, scores: np.ndarray, width: int, height: int,
            counts: Counter) -> Tuple[np.ndarray, np.ndarray]:
    """Leaves out what is no box or outside of the image, and clips the others."""
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    counts["not finite"] += int((~finite).sum())
    boxes, scores = boxes[finite], scores[finite]
    with_area = _has_area(boxes)
    counts["no area"] += int((~with_area).sum())
    boxes, scores = boxes[with_area], scores[with_area]
    # Adding 0 makes 0 of -0, which is not the same box bit by bit.
    clipped = np.clip(boxes, 0, np.array([width - 1, height - 1] * 2, np.float32)) + np.float32(0)
    inside = _has_area(clipped)
    counts["outside"] += int((~inside).sum())
    counts["clipped"] += int((clipped != boxes)[inside].any(axis=1).sum())
    return clipped[inside], scores[inside]


def _has_area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])


def _best(boxes: np.ndarray, scores: np.ndarray, limit: int, counts: Counter) -> Tuple[np.ndarray, np.ndarray]:
    """Puts the best first, and leaves out duplicates and the surplus."""
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    first = first_of_equal(boxes)
    counts["duplicate"] += len(boxes) - len(first)
    counts["surplus"] += max(len(first) - limit, 0)
    return boxes[first[:limit]], scores[first[:limit]]


def first_of_equal(rows: np.ndarray) -> np.ndarray:
    """Returns the index of the first of all equal rows, int64 (k,), rising.

    Args:
        rows: float32 (n, 4), no -0 among them.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    halves = np.ascontiguousarray(rows, np.float32).view(np.uint64)  # two numbers in one: half the keys to sort by
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    is_new = np.concatenate([[True], (halves[order[1:]] != halves[order[:-1]]).any(axis=1)])
    return np.sort(order[is_new])
