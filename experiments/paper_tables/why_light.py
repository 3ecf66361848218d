"""The page docs/why-light.md: its template, filled in with what was counted and measured."""
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from .counting import count_stages
from .detectors import build_row_net, input_size
from .growth import FIXED, ratio_of_growth
from ..runs.markdown import machine_line
from .row_counts import count_row
from .rows import row_config
from .scales import small_model
from .stages import StagedGraph
from ..runs.state import State

TEMPLATE = Path(__file__).with_name("why_light.template.md")
# What the template calls the rows that it compares.
ROWS = {"b2": "b2", "l": "psroi_align", "s": "s_800"}
_NOT_RUN = "not run"


def page_markdown(measured: State) -> str:
    """Returns the text of the page.

    Args:
        measured: what `measurements.measure` keeps; what it lacks is marked as not run.
    """
    counts = {short: count_row(name) for short, name in ROWS.items()}
    counts["rs"] = _count_rfcn_on_small_body()
    height, width = counts["b2"]["size"]
    values = {"machine": machine_line(measured.get("machine")), "classes": FIXED["classes"], "rois": FIXED["rois"],
              "size": f"{height}x{width}"}
    for short, counted in counts.items():
        values.update(_values_of(short, counted))
    neck = {short: counted["multiply_adds"]["neck"] for short, counted in counts.items()}
    total = {short: sum(counted["multiply_adds"].values()) for short, counted in counts.items()}
    values.update(
        cell_ratio=f"{neck['l'] / neck['b2']:.2f}", l_to_b2=f"{total['l'] / total['b2']:.2f}",
        s_to_b2=f"{total['s'] / total['b2']:.2f}", rs_to_s=f"{neck['rs'] / neck['s']:.1f}",
        rs_to_body=f"{neck['rs'] / counts['s']['multiply_adds']['body']:.1f}",
        l_body_share=f"{100 * counts['l']['multiply_adds']['body'] / total['l']:.0f}",
        l_roi=f"{counts['l']['per_roi'] / 1e6:.2f}")
    values.update(_times(measured.get("times") or {}), **_growth(measured.get("growth")))
    return TEMPLATE.read_text(encoding="utf-8").format(**values)


def _values_of(short: str, counted: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the values of the template that start with the name of one row."""
    parts = counted["multiply_adds"]
    values = {f"{short}_{stage}": f"{parts[stage] / 1e9:.1f}" for stage in ("body", "rpn", "neck", "head")}
    return dict(values, **{
        f"{short}_all": f"{sum(parts.values()) / 1e9:.1f}",
        f"{short}_cell": f"{parts['neck'] / counted['cells'] / 1e6:.2f}",
        f"{short}_channels": counted["map_channels"],
        f"{short}_map": f"{4 * counted['map_channels'] * counted['cells'] / 1e6:.0f}"})


def _times(times: Mapping[str, Any]) -> Dict[str, str]:
    medians = {short: times[name]["total"]["median"] if name in times else None for short, name in ROWS.items()}
    found = {f"{short}_ms": _NOT_RUN if median is None else f"{median:.0f} ms" for short, median in medians.items()}
    for short in ("l", "s"):
        known = medians[short] is not None and medians["b2"] is not None
        found[f"{short}_to_b2_time"] = (f", and takes {medians[short] / medians['b2']:.2f} times as long" if known
                                        else f" (time: {_NOT_RUN})")
    return found


def _growth(growth: Optional[List[Dict[str, Any]]]) -> Dict[str, str]:
    if growth is None:
        return dict({f"{short}_growth": f"({_NOT_RUN})" for short in ROWS}, growth_time="", growth_plot="")
    counted, timed = ({short: ratio_of_growth(growth, row, figure) for short, row in ROWS.items()}
                      for figure in ("multiply_adds", "milliseconds"))
    return dict({f"{short}_growth": f"{ratio:.2f}" for short, ratio in counted.items()},
                growth_time=f"; the time by {timed['b2']:.1f}, {timed['l']:.2f} and {timed['s']:.2f}",
                growth_plot="![Cost behind the backbone](tables/growth.png)")


def _count_rfcn_on_small_body() -> Dict[str, Any]:
    """Counts R-FCN as B2 has it, but on the Xception-like body."""
    cfg = row_config("b2", ["network.model", small_model(row_config("b2").network.model)])
    return count_stages(StagedGraph(build_row_net(cfg), *input_size(cfg)))
