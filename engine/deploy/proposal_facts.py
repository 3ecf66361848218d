"""What the description of an export says of a detector on given proposals."""
from typing import Any, Dict, Mapping, Optional

from ..inference.detector import Detector
from ..inference.given_rois import RoIPreparation


def proposal_facts(detector: Detector) -> Dict[str, Any]:
    """Returns the entries of the description: that proposals are needed, how many of an image are used, the stride of
    the map; none where the detector finds its proposals itself."""
    if detector.rois is None:
        return {}
    return {"proposals": True, "proposal_limit": detector.rois.limit, "map_stride": detector.rois.stride}


def rois_of(meta: Mapping[str, Any]) -> Optional[RoIPreparation]:
    """Returns how a detector with such a description gets its RoIs; None where it finds them itself.

    Raises:
        KeyError, TypeError, ValueError: what it says of proposals is incomplete, or none of that.
    """
    if not meta.get("proposals"):
        return None
    rois = RoIPreparation(int(meta["proposal_limit"]), int(meta["map_stride"]))
    if rois.limit < 1 or rois.stride < 1:
        raise ValueError(f"proposal_limit is {rois.limit}, map_stride is {rois.stride}")
    return rois
