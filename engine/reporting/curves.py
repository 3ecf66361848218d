"""Curves of the scalars of a training."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..files import atomic_write
from .scalars import read_scalars

_NOT_LOSSES = ("step", "epoch", "lr", "images_per_second", "time")


def plot_losses(scalars, path):
    """Draws the curves of a `ScalarLog`: losses, light as they came and smoothed, accuracies if any, learning rate.

    Parameters
    ----------
    scalars : str or Path
        The file of JSON lines. Names ending in `acc` or `Acc` are accuracies; `epoch`, counted from 0, sets the
        vertical marks.
    path : str or Path
        Picture to write, atomically.

    Raises ValueError where there is no line yet.
    """
    lines = read_scalars(scalars)
    if not lines:
        raise ValueError(f"{scalars} has no step yet: nothing to draw")
    steps = np.array([line["step"] for line in lines])
    names = list(dict.fromkeys(name for line in lines for name in line if name not in _NOT_LOSSES))
    curves = {name: np.array([line.get(name, np.nan) for line in lines], float) for name in names + ["lr"]}
    accuracies = [name for name in names if name.lower().endswith("acc")]
    groups = [("loss", [name for name in names if name not in accuracies], 3), ("accuracy", accuracies, 2),
              ("learning rate", ["lr"] if np.isfinite(curves["lr"]).any() else [], 1)]
    groups = [group for group in groups if group[1]]
    figure = Figure(figsize=(9, 1.2 + 1.3 * sum(group[2] for group in groups)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False,
                             gridspec_kw={"height_ratios": [group[2] for group in groups]})[:, 0]
    epochs = np.array([line.get("epoch", 0) for line in lines])
    marks = steps[1:][np.diff(epochs) != 0]
    for panel, (title, members, _) in zip(panels, groups):
        for number, name in enumerate(members):
            color = "black" if name == "loss" else f"C{number}"
            if title == "learning rate":
                panel.plot(steps, curves[name], color="black", drawstyle="steps-post")
                continue
            panel.plot(steps, curves[name], color=color, alpha=0.18, linewidth=0.8)
            panel.plot(steps, _smoothed(curves[name]), color=color, linewidth=1.6, label=name)
        for mark in marks:
            panel.axvline(mark, color="0.85", linewidth=0.8, zorder=0)
        panel.set_ylabel(title)
        panel.spines[["top", "right"]].set_visible(False)
        if title == "loss":
            # A few wild first steps must not flatten the rest.
            smooth = np.concatenate([_smoothed(curves[name]) for name in members])
            panel.set_ylim(0, 1.25 * max(np.nanpercentile(smooth, 98), 1e-6))
        if title != "learning rate":
            panel.legend(loc="upper right" if title == "loss" else "lower right", frameon=False, fontsize="small")
        else:
            panel.set_ylim(0)
    panels[-1].set_xlabel("step" + (" (vertical lines: epochs)" if len(marks) else ""))
    figure.align_ylabels()
    with atomic_write(path) as temporary:
        figure.savefig(temporary)


def _smoothed(values):
    """Average over a window of a fortieth of the curve around each step, narrower at the ends; gaps do not count."""
    half = min(len(values) // 80 + 1, len(values) - 1)
    window, known = np.ones(2 * half + 1), np.isfinite(values)
    total = np.convolve(np.where(known, values, 0), window)[half:half + len(values)]
    count = np.convolve(known, window)[half:half + len(values)]
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0.5)
