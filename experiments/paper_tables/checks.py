"""The paper's claims as ratios of what was counted and measured: each holds, fails, or was not run."""
from typing import Any, Dict, List, Mapping, Optional

from .growth import ratio_of_growth
from .measurements import NO_NMS
from .row_counts import CLASSIFIER

# Claims on times: the two detectors whose times are compared, and the bounds that the ratio of the first to the second
# must lie between.
_TIMES = (
    ("Table 8: S at 700/1100 is faster than SSD300 with VGG-16, on the same cores", "s_700", "ssd_300_vgg16", 0, 1),
    ("Table 8: S at 800/1200 is faster than SSD300 with VGG-16", "s_800", "ssd_300_vgg16", 0, 1),
    ("S at 800/1200 is faster than SSD300 with VGG-16 even without the latter's NMS", "s_800",
     "ssd_300_vgg16" + NO_NMS, 0, 1),
    ("S at 800/1200 is faster than YOLOv3 at 416", "s_800", "yolo3_darknet53", 0, 1),
    ("Table 8: S at 700/1100 is faster than at 800/1200", "s_700", "s_800", 0, 1),
    ("Table 8: S at 800/1200 is more than 5 times as fast as R-FCN at 600/1000", "s_800", "rfcn_600", 0, 1 / 5),
    ("Setting L is not faster than R-FCN at the same size", "psroi_align", "b2", 1, float("inf")),
)
Check = Dict[str, Any]


def check_claims(counts: Mapping[str, Dict[str, Any]], times: Optional[Mapping[str, Any]],
                 growth: Optional[List[Dict[str, Any]]], quoted_multiply_adds: float) -> List[Check]:
    """Checks the claims.

    Args:
        counts: from `row_counts.count_all`.
        times: from `measurements.time_rows`, or None.
        growth: from `growth.measure_growth`, or None.
        quoted_multiply_adds: the paper's, of its backbone.

    Returns:
        Dicts with claim and figures (both words) and holds (True, False, or None where it was not run).
    """
    return _check_counts(counts, quoted_multiply_adds) + _check_growth(growth) + _check_times(times or {})


def verdict(check: Check) -> str:
    """Returns "holds", "fails" or "not run"."""
    return {True: "holds", False: "fails", None: "not run"}[check["holds"]]


def format_check(check: Check) -> str:
    """Returns a check as a line of text."""
    return f"{verdict(check):8} {check['claim']} ({check['figures']})"


def _check_counts(counts: Mapping[str, Dict[str, Any]], quoted: float) -> List[Check]:
    own = sum(counts[CLASSIFIER]["multiply_adds"].values())
    neck = {name: counts[name]["multiply_adds"]["neck"] for name in ("b2", "large_separable", "thin_psroi_pool")}
    billions = {name: f"{value / 1e9:.1f}G" for name, value in neck.items()}
    ratio = neck["large_separable"] / neck["b2"]
    return [
        {"claim": "Table 7: the backbone of setting S has the paper's multiply-adds at 224x224, to within 2%",
         "holds": abs(own / quoted - 1) < 0.02, "figures": f"{own / 1e6:.1f}M counted, {quoted / 1e6:.0f}M quoted"},
        {"claim": "The large separable convolution of setting L costs about three times R-FCN's convolutions per pixel "
                  "(81 classes)",
         "holds": 2.5 < ratio < 3.5,
         "figures": f"{billions['large_separable']} against {billions['b2']} multiply-adds: {ratio:.2f} times"},
        {"claim": "A thin map by 1x1 convolution costs less than R-FCN's score maps",
         "holds": neck["thin_psroi_pool"] < neck["b2"],
         "figures": f"{billions['thin_psroi_pool']} against {billions['b2']} multiply-adds"}]


def _check_growth(growth: Optional[List[Dict[str, Any]]]) -> List[Check]:
    found = []
    for row, name in (("psroi_align", "setting L"), ("s_800", "setting S")):
        for figure, what in (("multiply_adds", "multiply-adds grow"), ("milliseconds", "time grows")):
            claim = (f"Behind the backbone, {name}: from 21 to 1231 classes {what} less than 1.5 times, R-FCN's more "
                     "than 5 times")
            check: Check = {"claim": claim, "holds": None, "figures": "not run"}
            if growth is not None:
                light, rfcn = (ratio_of_growth(growth, which, figure) for which in (row, "b2"))
                check.update(figures=f"{light:.2f} times; R-FCN {rfcn:.1f} times", holds=light < 1.5 and rfcn > 5)
            found.append(check)
    return found


def _check_times(times: Mapping[str, Any]) -> List[Check]:
    found = []
    for claim, first, second, least, most in _TIMES:
        check: Check = {"claim": claim, "holds": None, "figures": "not run"}
        if first in times and second in times:
            ratio = times[first]["total"]["median"] / times[second]["total"]["median"]
            check.update(figures=f"{first} takes {ratio:.2f} times as long as {second}", holds=least < ratio < most)
        found.append(check)
    return found
