"""Detections as the commands write them in JSON."""
from typing import Any, Dict, List, Sequence

from .detections import Detections


def as_json(found: Detections, classes: Sequence[str]) -> List[Dict[str, Any]]:
    """Returns class, score and box (x1, y1, x2, y2 in pixels of the image, inclusive ends) of each detection."""
    return [{"class": classes[index], "score": round(float(score), 4), "box": [round(float(x), 2) for x in box]}
            for index, score, box in zip(*found)]
