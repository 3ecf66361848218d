"""Edge maps for edge boxes: OpenCV's structured edges, or without their model the gradients of the picture."""
from typing import Optional, Tuple

import numpy as np

from .opencv import import_opencv, load_edge_model

_STRONG = 99.0  # percentile of the gradients that becomes 1


def edge_map(image: np.ndarray, model: Optional[str] = None) -> Tuple[np.ndarray, np.ndarray]:
    """Finds how strong the edge at each pixel is, thinned to ridges, and which way it is crossed.

    Args:
        image: uint8 (H, W, 3), RGB.
        model: file of OpenCV's structured edge detector; None takes the largest gradient of the three colours after a
            slight blur. Those gradients know nothing of contours: texture is as strong as the outline of an object.

    Returns:
        strength: float32 (H, W) in [0, 1].
        orientation: float32 (H, W), in radians from 0 to pi, of the line across the edge.

    Raises:
        DataError, LibraryError: see `load_edge_model`.
    """
    colors = np.ascontiguousarray(image, np.float32) / 255
    if model is None:
        strength, orientation = _gradients(colors)
        return _ridges(strength, orientation), orientation
    detector = load_edge_model(model)
    strength = detector.detectEdges(colors)
    orientation = detector.computeOrientation(strength)
    return detector.edgesNms(strength, orientation), orientation


def _gradients(colors: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Strength and orientation of the gradient of the colour that changes most at each pixel."""
    cv2 = import_opencv()
    blurred = cv2.GaussianBlur(colors, (0, 0), 1.0)
    across, down = (cv2.Sobel(blurred, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    size = np.hypot(across, down)
    which = size.argmax(axis=2)[:, :, None]
    size, across, down = (np.take_along_axis(one, which, axis=2)[:, :, 0] for one in (size, across, down))
    strong = np.percentile(size, _STRONG)
    strength = np.minimum(size / strong, 1) if strong > 0 else np.zeros_like(size)
    return strength.astype(np.float32), np.mod(np.arctan2(down, across), np.pi).astype(np.float32)


def _ridges(strength: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Sets to 0 what is weaker than the next pixel on either side across the edge."""
    cv2 = import_opencv()
    rows, columns = (grid.astype(np.float32) for grid in np.indices(strength.shape))
    across, down = np.cos(orientation), np.sin(orientation)
    sides = [cv2.remap(strength, columns + sign * across, rows + sign * down, cv2.INTER_LINEAR,
                       borderMode=cv2.BORDER_REPLICATE) for sign in (1, -1)]
    return np.where(strength >= np.maximum(*sides), strength, np.float32(0))
