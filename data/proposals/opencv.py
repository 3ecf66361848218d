"""OpenCV's contrib modules, which are an optional extra, and files that they need."""
import functools
import os
from typing import Any

from ...errors import DataError, LibraryError

# Later versions need NumPy 2, which MXNet cannot use.
REQUIREMENT = "opencv-contrib-python-headless<4.12"
EDGE_MODEL_ADDRESS = "https://github.com/opencv/opencv_extra/blob/master/testdata/cv/ximgproc/model.yml.gz"
_FOREST_OPTIONS = ("stride", "shrinkNumber", "patchSize", "patchInnerSize", "numberOfGradientOrientations",
                   "selfsimilarityGridSize", "numberOfTrees", "numberOfTreesToEvaluate")
_FOREST_LISTS = ("childs", "featureIds", "thresholds", "edgeBoundaries", "edgeBins")


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
        if _is_forest(cv2, file):
            return cv2.ximgproc.createStructuredEdgeDetection(file)
    except (cv2.error, SystemError):  # the latter where OpenCV throws what its wrapper does not know
        pass
    raise DataError(f"{file}: it has no structured edge detector of OpenCV; {where}")


def _is_forest(cv2: Any, file: str) -> bool:
    """Whether a file has all that OpenCV takes from it unchecked; without that it ends the process."""
    storage = cv2.FileStorage(file, cv2.FILE_STORAGE_READ)
    if not storage.isOpened() or not storage.root().isMap():
        return False
    options = storage.getNode("options")
    return (options.isMap() and all(options.getNode(name).isInt() and options.getNode(name).real() > 0
                                    for name in _FOREST_OPTIONS)
            and all(storage.getNode(name).isSeq() and storage.getNode(name).size() for name in _FOREST_LISTS))
