"""Tells YOLO's label files with keypoints from those with polygons, where no data.yaml says which they have."""
from typing import Sequence

import numpy as np

from ..assembling.meaning import is_number
from ..files.text_lists import read_list

_FEWEST = 3  # keypoints of two numbers in a line; polygons of four points are common
_LINES = 0.9  # the share of lines whose keypoints must lie where they should
_NEAR = 0.6  # how far from the centre of the box they lie at most, in its widths and heights: some a little outside


def state_keypoints(files: Sequence[str]) -> bool:
    """Returns whether the lines of some label files have keypoints after the box, and not polygons.

    Each line has as many keypoints, which lie in its box, or at 0 0 where they are not known. A small polygon may look
    like that, too. But either each keypoint has a third number, which says whether it is visible; or in some line the
    width and height of the box, taken for a point, lie far from all others, as no point of a polygon does.
    """
    lines = [line.split()[1:] for file in files for _, line in read_list(file)]
    if len(set(map(len, lines))) != 1 or not all(is_number(word) for line in lines for word in line):
        return False
    rows = np.array(lines, np.float64)
    count = rows.shape[1] - 4
    flagged = count >= 3 and count % 3 == 0 and bool(np.isin(rows[:, 6::3], (0, 1, 2)).all())
    if not flagged and (count % 2 or count < 2 * _FEWEST):
        return False
    centres, sizes = rows[:, None, :2], rows[:, None, 2:4]
    points = rows[:, 4:].reshape(len(rows), -1, 3 if flagged else 2)[..., :2]
    points = np.where((points == 0).all(axis=2, keepdims=True), centres, points)
    inside = (np.abs(points - centres) <= _NEAR * sizes).all(axis=(1, 2))
    return bool(inside.mean() >= _LINES) and (flagged or _some_lies_apart(sizes, np.concatenate([centres, points], 1)))


def _some_lies_apart(one: np.ndarray, others: np.ndarray) -> bool:
    """Returns whether in any row a point (n, 1, 2) lies farther from the box around others (n, k, 2) than that is long.
    """
    low, high = others.min(axis=1, keepdims=True), others.max(axis=1, keepdims=True)
    distances, lengths = np.maximum(low - one, one - high).max(axis=(1, 2)), (high - low).max(axis=(1, 2))
    return bool((distances > lengths).any())
