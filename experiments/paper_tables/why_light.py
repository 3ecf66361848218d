"""The page docs/why-light.md: its template filled in from what was counted and measured."""
from pathlib import Path

from .checks import ratio_of_growth
from .cost import count_row
from .counting import count
from .detectors import input_size, row_net
from .growth import FIXED
from .pages import machine_line
from .rows import row_config
from .scales import small_model
from .stages import StagedGraph

TEMPLATE = Path(__file__).with_name("why_light.template.md")
ROWS = {"b2": "b2", "l": "psroi_align", "s": "s_800"}


def page(measured):
    """The text of the page.

    Args:
        measured: State of `cost.measure`; what it lacks is marked as not run.
    """
    counts = {short: count_row(name) for short, name in ROWS.items()}
    counts["rs"] = _rfcn_on_small_body()
    values = {"machine": machine_line(measured.get("machine")), "classes": FIXED["classes"], "rois": FIXED["rois"],
              "size": "%dx%d" % tuple(counts["b2"]["size"])}
    for short, counted in counts.items():
        parts = counted["multiply_adds"]
        for stage in ("body", "rpn", "neck", "head"):
            values["%s_%s" % (short, stage)] = "%.1f" % (parts[stage] / 1e9)
        values[short + "_all"] = "%.1f" % (sum(parts.values()) / 1e9)
        values[short + "_cell"] = "%.2f" % (parts["neck"] / counted["cells"] / 1e6)
        values[short + "_channels"] = counted["map_channels"]
        values[short + "_map"] = "%.0f" % (4 * counted["map_channels"] * counted["cells"] / 1e6)
    neck = {short: counted["multiply_adds"]["neck"] for short, counted in counts.items()}
    total = {short: sum(counted["multiply_adds"].values()) for short, counted in counts.items()}
    values.update(
        cell_ratio="%.2f" % (neck["l"] / neck["b2"]), l_to_b2="%.2f" % (total["l"] / total["b2"]),
        s_to_b2="%.2f" % (total["s"] / total["b2"]), rs_to_s="%.1f" % (neck["rs"] / neck["s"]),
        rs_to_body="%.1f" % (neck["rs"] / counts["s"]["multiply_adds"]["body"]),
        l_body_share="%.0f" % (100 * counts["l"]["multiply_adds"]["body"] / total["l"]),
        l_roi="%.2f" % (counts["l"]["per_roi"] / 1e6))
    values.update(_times(measured.get("times") or {}), **_growth(measured.get("growth")))
    return TEMPLATE.read_text(encoding="utf-8").format(**values)


def _times(times):
    found, medians = {}, {}
    for short, name in ROWS.items():
        medians[short] = times[name]["total"]["median"] if name in times else None
        found[short + "_ms"] = "not run" if medians[short] is None else "%.0f ms" % medians[short]
    for short in ("l", "s"):
        known = medians[short] is not None and medians["b2"] is not None
        found[short + "_to_b2_time"] = (", and takes %.2f of its time" % (medians[short] / medians["b2"]) if known
                                        else " (time: not run)")
    return found


def _growth(growth):
    names = ("b2", "l", "s")
    if growth is None:
        return dict({short + "_growth": "(not run)" for short in names}, growth_time="", growth_plot="")
    counted, timed = ({short: ratio_of_growth(growth, ROWS[short], figure) for short in names}
                      for figure in ("multiply_adds", "milliseconds"))
    return dict({short + "_growth": "%.2f" % counted[short] for short in names},
                growth_time="; the time %.1f, %.2f and %.2f times" % tuple(timed[short] for short in names),
                growth_plot="![Cost behind the backbone](tables/growth.png)")


def _rfcn_on_small_body():
    """Counts of R-FCN as B2 has it, on the Xception-like body."""
    cfg = row_config("b2", ["network.model", small_model(row_config("b2").network.model)])
    return count(StagedGraph(row_net(cfg), *input_size(cfg)))
