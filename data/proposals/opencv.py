"""OpenCV's contrib modules, which are an optional extra, and files that they need."""
import functools
import os
from typing import Any

import numpy as np

from ...errors import DataError, LibraryError

# Later versions need NumPy 2, which MXNet cannot use.
REQUIREMENT = "opencv-contrib-python-headless<4.12"
EDGE_MODEL_ADDRESS = "https://github.com/opencv/opencv_extra/blob/master/testdata/cv/ximgproc/model.yml.gz"


@functools.lru_cache(maxsize=None)
def import_opencv() -> Any:
    """Returns the module `cv2` with its contrib module `ximgproc`.

    Raises:
        LibraryError: OpenCV is not installed, or without its contrib modules: the package that GluonCV brings along
            has none, and is replaced by one that has them.
    """
    try:
        import cv2
    except ImportError as error:
        problem = f"OpenCV cannot be imported ({error})"
    else:
        if hasattr(getattr(cv2, "ximgproc", None), "createEdgeBoxes"):
            return cv2
        problem = f"OpenCV {cv2.__version__} is installed without its contrib modules"
    raise LibraryError(f"selective search and edge boxes need the module ximgproc of OpenCV, but {problem}. Install it "
                       f"with: pip install --force-reinstall --no-deps '{REQUIREMENT}'")


@functools.lru_cache(maxsize=1)
def load_edge_model(file: str) -> Any:
    """Returns OpenCV's structured edge detector (Dollár and Zitnick, ICCV 2013) with the forest of a file.

    Raises:
        DataError: there is no such file, or it is no such forest; the message says where one is published.
        LibraryError: see `import_opencv`.
    """
    where = f"the forest of OpenCV's structured edge detector is published as {EDGE_MODEL_ADDRESS}"
    if not os.path.isfile(file):
        raise DataError(f"{file}: there is no such file; {where}")
    cv2 = import_opencv()
    try:
        detector = cv2.ximgproc.createStructuredEdgeDetection(file)
        detector.detectEdges(np.zeros((32, 32, 3), np.float32))  # a file of another kind is only noticed here
        return detector
    except cv2.error as error:
        raise DataError(f"{file}: OpenCV cannot read a structured edge detector from it ({error}); {where}") from None
