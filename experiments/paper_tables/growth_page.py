"""The page that shows how the cost behind the backbone grows."""
from typing import Any, Dict, List

from .growth import AXES, FIXED, LABELS
from ..runs.markdown import markdown_table

_FIGURES = (("multiply-adds, G", lambda point: point["multiply_adds"] / 1e9),
            ("time, ms", lambda point: point["milliseconds"]["median"]),
            ("memory, MB", lambda point: point["bytes_held"] / 1e6))


def growth_markdown(growth: List[Dict[str, Any]]) -> str:
    """Returns the page of what `growth.measure_growth` returned: multiply-adds, times and bytes along each axis."""
    fixed = ", ".join(f"{axis} {_setting(value)}" for axis, value in FIXED.items())
    lines = ["# How the cost behind the backbone grows", "",
             "Neck, warping and head on random maps, all measured by `python experiments/reproduce_tables.py`: "
             "multiply-adds counted, times medians by turns, MB those of the maps that RoIs are pooled from and of "
             f"what is pooled (float32). The other two settings: {fixed}."]
    for axis in AXES:
        points = [point for point in growth if point["axis"] == axis]
        settings = list(dict.fromkeys(_setting(point[axis]) for point in points))
        rows = [[LABELS[row], name] + [f"{value(point):.1f}" for point in points if point["row"] == row]
                for name, value in _FIGURES for row in dict.fromkeys(point["row"] for point in points)]
        lines += ["", f"## {axis}", ""] + markdown_table(["", "", *settings], rows)
    return "\n".join(lines) + "\n"


def _setting(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
