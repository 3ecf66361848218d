"""A picture of the scalars of a training: losses, accuracies, metrics of tests and the learning rate by step."""
from typing import Any, Dict, List, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...errors import DataError
from ..files import PathLike, atomic_write
from .scalars import read_scalars

_NOT_DRAWN = ("step", "epoch", "images_per_second", "time")
# Panels from top to bottom, and their heights in units of 1.3 inches.
_HEIGHTS = {"loss": 3, "accuracy": 2, "test": 2, "learning rate": 1}

Curve = Tuple[np.ndarray, np.ndarray]  # steps, values


def plot_losses(scalars: PathLike, path: PathLike) -> None:
    """Draws the curves of a file that a `ScalarLog` wrote, one panel for each kind of scalar.

    The name of a scalar decides its panel. Names that begin with "test_" are metrics of tests between epochs: points
    joined by lines. "lr" is the learning rate. Names that end with "acc" in either case are accuracies of training
    steps. All others are losses, apart from "epoch", "images_per_second" and "time", which are not drawn. Losses and
    accuracies are drawn lightly as they are, and smoothed. Vertical lines stand where "epoch", counted from 0, changes.

    Args:
        scalars: file of JSON lines, see `read_scalars`. Not every line needs to have every name; if a step has several
            values of a name, the last one counts.
        path: picture to write; its extension is its format, for example .png or .pdf.

    Raises:
        DataError: there is nothing to draw in `scalars` yet, or a line of it is broken.
    """
    lines = read_scalars(scalars)
    curves = {name: _curve(lines, name) for name in _names(lines)}
    panels = _panels([name for name, (steps, _) in curves.items() if len(steps)])
    if not panels:
        raise DataError(f"{scalars} has no step yet: there is nothing to draw")
    heights = [_HEIGHTS[title] for title in panels]
    figure = Figure(figsize=(9, 0.6 + 1.4 * sum(heights)), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, gridspec_kw={
        "height_ratios": heights, "hspace": 0.1, "left": 0.1, "right": 0.98,
        "top": 1 - 0.1 / figure.get_figheight(), "bottom": 0.5 / figure.get_figheight()})[:, 0]
    marks = _epoch_starts(lines)
    for panel, (title, names) in zip(axes, panels.items()):
        _draw_panel(panel, title, {name: curves[name] for name in names})
        for mark in marks:
            panel.axvline(mark, color="0.85", linewidth=0.8, zorder=0)
    axes[-1].set_xlabel("step" + (" (vertical lines: epochs)" if len(marks) else ""))
    for panel in axes:
        panel.yaxis.set_label_coords(-0.08, 0.5)
    with atomic_write(path) as temporary:
        figure.savefig(temporary)


def _names(lines: List[Dict[str, Any]]) -> List[str]:
    """Returns the names to draw, in the order in which they appear first."""
    return list(dict.fromkeys(name for line in lines for name in line if name not in _NOT_DRAWN))


def _curve(lines: List[Dict[str, Any]], name: str) -> Curve:
    """Returns the steps at which `name` has a finite value, in the order of the lines, and the values."""
    values = {line["step"]: line[name] for line in lines if line.get(name) is not None and np.isfinite(line[name])}
    return np.array(list(values)), np.array(list(values.values()), float)


def _panels(names: List[str]) -> Dict[str, List[str]]:
    """Returns the names by the panel that they belong to, from top to bottom, without empty panels."""
    panels = {title: [] for title in _HEIGHTS}
    for name in names:
        panels[_panel_of(name)].append(name)
    return {title: members for title, members in panels.items() if members}


def _panel_of(name: str) -> str:
    if name.startswith("test_"):
        return "test"
    if name == "lr":
        return "learning rate"
    return "accuracy" if name.lower().endswith("acc") else "loss"


def _epoch_starts(lines: List[Dict[str, Any]]) -> np.ndarray:
    """Returns the first step of each epoch but the first one."""
    steps, epochs = _curve(lines, "epoch")
    return steps[1:][np.diff(epochs) != 0]


def _draw_panel(panel: Axes, title: str, curves: Dict[str, Curve]) -> None:
    for number, (name, (steps, values)) in enumerate(curves.items()):
        if title == "learning rate":
            panel.plot(steps, values, color="black", drawstyle="steps-post")
            panel.ticklabel_format(axis="y", scilimits=(-4, 4))  # longer numbers would reach the label
        elif title == "test":
            panel.plot(steps, values, color=f"C{number}", linewidth=1.6, marker="o", markersize=4,
                       label=name[len("test_"):])
        else:
            color = "black" if name == "loss" else f"C{number}"
            panel.plot(steps, values, color=color, alpha=0.18, linewidth=0.8)
            panel.plot(steps, _smooth(values), color=color, linewidth=1.6, label=name)
    panel.set_ylabel(title)
    panel.spines[["top", "right"]].set_visible(False)
    if title == "loss":
        # A few very large losses at the beginning must not flatten the rest of the curves.
        smooth = np.concatenate([_smooth(values) for _, values in curves.values()])
        panel.set_ylim(0, 1.25 * max(np.percentile(smooth, 98), 1e-6))
    elif title in ("test", "learning rate"):
        panel.set_ylim(bottom=0)
    if title != "learning rate":
        panel.legend(loc="upper right" if title == "loss" else "lower right", frameon=False, fontsize="small")


def _smooth(values: np.ndarray) -> np.ndarray:
    """Returns the mean over a window of about a fortieth of the curve around each value, smaller at the ends."""
    half = min(len(values) // 80 + 1, len(values) - 1)
    window = np.ones(2 * half + 1)
    total = np.convolve(values, window)[half:half + len(values)]
    count = np.convolve(np.ones(len(values)), window)[half:half + len(values)]
    return total / count
