"""The picture of the benchmark of detectors: images/s of each row, as bars."""
from typing import Any, Mapping, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ....engine.files import atomic_write
from .candidate import WHOLE

OUR_NAME = "Light-Head R-CNN"
COLORS = {"float32": "C0", "bfloat16": "C1", "int8": "C2"}


def plot_speeds(rows: Sequence[Mapping[str, Any]], path: str) -> None:
    """Plots images/s from the JPEG file to boxes, the fastest on top; a colour for each precision, ours hatched.

    Args:
        rows: of `running.measure`; those without the part "whole" are left out.
        path: PNG to write.
    """
    shown = sorted((row for row in rows if WHOLE in row["parts"]), key=lambda row: -row["parts"][WHOLE]["median"])
    figure = Figure(figsize=(9, 1.2 + 0.26 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    for place, row in enumerate(shown):
        part = row["parts"][WHOLE]
        is_ours = row["name"].startswith(OUR_NAME)
        panel.barh(place, part["images_per_second"], color=COLORS[row["precision"]], hatch="//" if is_ours else None,
                   edgecolor="white", xerr=[[part["images_per_second"] - 1000 / part["high"]],
                                            [1000 / part["low"] - part["images_per_second"]]])
    panel.set_yticks(range(len(shown)), [f"{row['name']} {row['size']}, {row['engine']} {row['precision']}"
                                         for row in shown], fontsize="small")
    panel.set_xlabel("images/s from the JPEG file to boxes (quartiles); hatched: this project")
    panel.legend(handles=[panel.barh(0, 0, color=color, label=name) for name, color in COLORS.items()],
                 loc="lower right")
    panel.grid(axis="x", alpha=0.3)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
