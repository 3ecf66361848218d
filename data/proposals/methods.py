"""Finds proposals in pictures, by selective search or edge boxes as OpenCV's contrib modules have them."""
import ctypes
import os
from collections import Counter
from typing import Dict, NamedTuple, Optional, Tuple, Union

import numpy as np

from ...errors import DataError, UsageError
from ..pictures.images import read_image
from ..record import Record
from .edges import edge_map
from .opencv import import_opencv
from .proposal_set import MAX_PER_IMAGE
from .rules import usable_boxes_and_scores

METHODS: Dict[str, str] = {
    "selective_search": "Uijlings et al., IJCV 2013: regions that are joined step by step",
    "edge_boxes": "Zitnick and Dollár, ECCV 2014: boxes that hold whole contours",
}
MODES = ("fast", "quality")
WIDTH = 500  # pixels, to which the Fast R-CNN paper's source resizes pictures before selective search
_LEAST_SIDE = 8  # pixels; smaller pictures have no parts to find


class FoundBoxes(NamedTuple):
    """The proposals of a picture.

    Attributes:
        boxes: float32 (k, 4), the best first: rows x1, y1, x2, y2 in the frame of the original image, 0-based pixels,
            inclusive ends, inside the image; none twice.
        scores: float32 (k,), those of edge boxes; None for selective search, whose order is partly random.
    """

    boxes: np.ndarray
    scores: Optional[np.ndarray]


class ProposalFinder:
    """Finds boxes in pictures that may hold an object. It can be pickled, and gives the same boxes in every process.

    Args:
        method: one of `METHODS`.
        mode: of selective search, one of `MODES`: fast joins regions in 2 colour spaces and by 2 strategies, quality in
            more, which takes several times as long.
        limit: the largest number of boxes of a picture.
        width: pictures wider than this are reduced to it, in pixels; 0 takes them as they are.
        edge_model: file of OpenCV's structured edge detector for edge boxes; see `edge_map` for what None does.

    Raises:
        UsageError: an argument is none of these.
        LibraryError: OpenCV's contrib modules are not installed.
        DataError: the file of the edge detector cannot be used.

    Example::

        boxes, scores = ProposalFinder("selective_search").find(read_image("photo.jpg"))
    """

    def __init__(self, method: str, mode: str = "fast", limit: int = MAX_PER_IMAGE, width: int = WIDTH,
                 edge_model: Optional[str] = None):
        if method not in METHODS or mode not in MODES:
            raise UsageError(f"the method must be one of {', '.join(METHODS)}, and its mode one of {', '.join(MODES)}, "
                             f"got {method!r} and {mode!r}")
        if limit < 1 or width < 0:
            raise UsageError(f"limit must be at least 1 and width at least 0, got {limit} and {width}")
        if edge_model is not None and method != "edge_boxes":
            raise UsageError(f"an edge model is for edge_boxes, not for {method}")
        import_opencv()
        self.method, self.mode, self.limit, self.width, self.edge_model = method, mode, limit, width, edge_model
        if edge_model is not None:
            edge_map(np.zeros((32, 32, 3), np.uint8), edge_model)

    @property
    def settings(self) -> Dict[str, Union[int, str]]:
        """What decides which boxes are found, beside the method."""
        of_method = ({"mode": self.mode} if self.method == "selective_search" else
                     {"edges": os.path.basename(self.edge_model) if self.edge_model else "gradients"})
        return {**of_method, "max": self.limit, "width": self.width}

    def find(self, image: np.ndarray) -> FoundBoxes:
        """Finds the boxes of a picture.

        Args:
            image: uint8 (H, W, 3), RGB.
        """
        cv2 = import_opencv()
        height, width = image.shape[:2]
        new_width = min(width, self.width or width)
        new_height = max(1, round(height * new_width / width))
        if min(new_width, new_height) < _LEAST_SIDE:
            return self._nothing()
        if new_width != width:
            image = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_AREA)
        corners, scores = (self._edge_boxes if self.method == "edge_boxes" else self._selective_search)(image)
        # Rows x, y, width, height: the box covers the pixels from x to x + width - 1.
        ends = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1).astype(np.float64)
        boxes = ends * ([width / new_width, height / new_height] * 2) - [0, 0, 1, 1]
        return FoundBoxes(*usable_boxes_and_scores(boxes, scores, width, height, self.limit, Counter()))

    def __call__(self, record: Record) -> Tuple[FoundBoxes, Optional[DataError]]:
        """Finds the boxes of a record's image, in a worker process; one that cannot be read has none, and an error."""
        import_opencv().setNumThreads(1)
        try:
            return self.find(read_image(record)), None
        except DataError as error:
            return self._nothing(), error

    def _nothing(self) -> FoundBoxes:
        has_scores = self.method == "edge_boxes"
        return FoundBoxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32) if has_scores else None)

    def _selective_search(self, image: np.ndarray) -> Tuple[np.ndarray, None]:
        cv2 = import_opencv()
        # OpenCV orders the boxes with the help of the C library's random numbers, from wherever they are.
        ctypes.CDLL(None).srand(1)
        search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
        search.setBaseImage(np.ascontiguousarray(image[:, :, ::-1]))
        (search.switchToSelectiveSearchQuality if self.mode == "quality" else search.switchToSelectiveSearchFast)()
        return np.asarray(search.process()).reshape(-1, 4), None

    def _edge_boxes(self, image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        finder = import_opencv().ximgproc.createEdgeBoxes()
        finder.setMaxBoxes(self.limit)
        boxes, scores = finder.getBoundingBoxes(*edge_map(image, self.edge_model))
        return np.asarray(boxes).reshape(-1, 4), np.asarray(scores, np.float32).ravel()
