"""The pictures: speed against accuracy, cost against classes, RoIs and image size, time by stage, and the ablation."""
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from ...engine.files import atomic_write
from .figures import QUOTED, figure_of
from .growth import AXES, FIXED, LABELS
from .quotations import read_quotations
from .stages import STAGES

_OURS, _OTHERS = "C3", "C0"
# Where the label of a point may stand, best first: its offset in points, and which part of the label is there.
_PLACES = (((7, 0), "left", "center"), ((-7, 0), "right", "center"), ((0, 6), "center", "bottom"),
           ((0, -6), "center", "top"), ((7, 6), "left", "bottom"), ((7, -6), "left", "top"),
           ((-7, 6), "right", "bottom"), ((-7, -6), "right", "top"))
# (label, milliseconds an image, AP in percent, whether it is a Light-Head R-CNN)
Point = Tuple[str, float, float, bool]


def speed_points(tables: Sequence[Mapping[str, Any]], times: Mapping[str, Any]) -> Tuple[List[Point], List[Point]]:
    """Returns the two lists of points that `plot_speed` draws.

    Args:
        tables: from `figures.collect_figures`.
        times: from `measurements.time_rows`; empty where nothing was timed.
    """
    published, here = [], {}
    for quote in read_quotations():
        if "FPS" in quote.figures and "AP" in quote.figures:
            published.append((f"{quote.method}, {quote.backbone}, {quote.size}", 1000 / quote.figures["FPS"],
                              quote.figures["AP"], quote.method.startswith("Light-Head")))
    for table in tables:
        for row in table["rows"]:
            accuracy, name = figure_of(row, "AP", QUOTED), row["name"]
            if accuracy is not None and name in times and table["table"] in (6, 8):
                # A row of both tables is shown with the AP of table 8, that of the faster form.
                height, width = row["size"]
                here[name] = (f"{accuracy['method']}, {height}/{width}", times[name]["total"]["median"],
                              accuracy["value"], accuracy["method"].startswith("Light-Head"))
    return published, list(here.values())


def plot_speed(published: Sequence[Point], here: Sequence[Point], path: Path) -> None:
    """Plots accuracy against time, like the paper's figure 1.

    Args:
        published: points whose times and AP are both quoted.
        here: points whose times were measured on this machine; their AP are quoted.
        path: picture to write.
    """
    figure, panels = _make_figure(1, 2, (11, 4.4))
    for panel, points, title in zip(panels[0], (published, here), (
            "quoted: a Titan Xp", "time measured here, AP quoted")):
        for _, milliseconds, accuracy, ours in points:
            panel.plot(milliseconds, accuracy, "o", color=_OURS if ours else _OTHERS)
        panel.set_xscale("log")
        panel.margins(x=0.35, y=0.12)
        panel.set_xlabel("milliseconds an image")
        panel.set_ylabel("AP on COCO test-dev, quoted, %")
        panel.set_title(title, fontsize="medium")
        if not points:
            panel.text(0.5, 0.5, "not run", transform=panel.transAxes, ha="center")
            panel.set_yticks([])
    # All sizes are final after this, those of texts in pixels, too.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for panel, points in zip(panels[0], (published, here)):
        _label_points(panel, points)
    _save(figure, path)


def plot_growth(growth: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Plots multiply-adds and milliseconds behind the backbone against classes, RoIs and image size.

    Args:
        growth: from `growth.measure_growth`.
        path: picture to write.
    """
    figure, panels = _make_figure(2, len(AXES), (11, 6.4))
    titles = {"classes": "classes, background counted", "rois": "RoIs an image", "size": "image, megapixels"}
    rows = list(dict.fromkeys(point["row"] for point in growth))
    for column, axis in enumerate(AXES):
        for number, row in enumerate(rows):
            line = [point for point in growth if point["axis"] == axis and point["row"] == row]
            x = [point["size"][0] * point["size"][1] / 1e6 if axis == "size" else point[axis] for point in line]
            panels[0][column].plot(x, [point["multiply_adds"] / 1e9 for point in line], "o-", color=f"C{number}",
                                   label=LABELS[row] if not column else None)
            panels[1][column].plot(x, [point["milliseconds"]["median"] for point in line], "o-", color=f"C{number}")
        for panel in (panels[0][column], panels[1][column]):
            panel.set_yscale("log")
            panel.set_xscale("linear" if axis == "size" else "log")
            panel.set_xlabel(titles[axis])
    panels[0][0].set_ylabel("multiply-adds, billions")
    panels[1][0].set_ylabel("milliseconds")
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncol=len(rows))
    height, width = FIXED["size"]
    figure.suptitle(f"Neck, warping and head; else {FIXED['classes']} classes, {FIXED['rois']} RoIs, {height}x{width}",
                    fontsize="medium")
    _save(figure, path)


def plot_stages(times: Mapping[str, Any], labels: Mapping[str, str], path: Path) -> None:
    """Plots the time of each stage of each detector as stacked bars.

    Args:
        times: of rows, from `measurements.time_rows`.
        labels: of the rows, by name.
        path: picture to write.
    """
    names = list(times)
    figure, panels = _make_figure(1, 1, (11, 1.4 + 0.36 * len(names)))
    panel, left = panels[0][0], [0.0] * len(names)
    for number, stage in enumerate(STAGES):
        widths = [times[name][stage]["median"] if stage in times[name] else 0.0 for name in names]
        panel.barh(range(len(names)), widths, left=left, color=f"C{number}", label=stage)
        left = [start + width for start, width in zip(left, widths)]
    panel.set_yticks(range(len(names)), [labels[name] for name in names], fontsize="x-small")
    panel.invert_yaxis()
    panel.set_xlabel("milliseconds, one image, medians")
    panel.legend(frameon=False, fontsize="small", ncol=len(STAGES), loc="lower center", bbox_to_anchor=(0.4, 1.0))
    _save(figure, path)


def plot_ablation(results: Mapping[str, Dict[str, Any]], labels: Mapping[str, str], scale: str, path: Path) -> None:
    """Plots the AP of the rows of the ablation that have one, mean and spread of the runs.

    Args:
        results: from `statistics.summarize_runs`.
        labels: of the rows, by name.
        scale: name of the smaller data set.
        path: picture to write.
    """
    names = [name for name in results if "AP" in results[name]["figures"]]
    figure, panels = _make_figure(1, 1, (11, 1.4 + 0.36 * len(names)))
    panel = panels[0][0]
    for number, name in enumerate(names):
        value = results[name]["figures"]["AP"]
        panel.errorbar(value["mean"], number, xerr=value["spread"] or 0, fmt="o", color=_OURS, capsize=3)
    panel.set_yticks(range(len(names)), [labels[name] for name in names], fontsize="x-small")
    panel.invert_yaxis()
    panel.set_xlabel(f"AP on {scale}, %, mean and standard deviation of the runs")
    panel.grid(axis="x", color="0.9")
    _save(figure, path)


def _label_points(panel: Axes, points: Sequence[Point]) -> None:
    """Writes the labels of `plot_speed` where they cover neither points nor each other, if there is such a place."""
    spots = [panel.transData.transform((milliseconds, accuracy)) for _, milliseconds, accuracy, _ in points]
    taken = [Bbox.from_extents(x - 5, y - 5, x + 5, y + 5) for x, y in spots]
    for label, milliseconds, accuracy, ours in points:
        text = panel.annotate(label, (milliseconds, accuracy), xytext=(0, 0), textcoords="offset points",
                              color=_OURS if ours else _OTHERS, fontsize="x-small")
        for offset, horizontal, vertical in _PLACES:
            text.set(position=offset, horizontalalignment=horizontal, verticalalignment=vertical)
            box = text.get_window_extent()
            if not box.count_overlaps(taken) and panel.bbox.x0 < box.x0 and box.x1 < panel.bbox.x1:
                break
        taken.append(box)


def _make_figure(rows: int, columns: int, size: Tuple[float, float]) -> Tuple[Figure, np.ndarray]:
    """Returns a figure of a size in inches, and its panels, an array of rows x columns."""
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _save(figure: Figure, path: Path) -> None:
    with atomic_write(path) as temporary:
        # No date in the file: the same figures give the same bytes.
        figure.savefig(temporary, metadata={"Software": None})
