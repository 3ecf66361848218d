"""Plots of the tables: speed against accuracy, cost against classes, RoIs and image size, time by stage."""
import math

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..files import atomic_write
from .growth import AXES, FIXED
from .stages import STAGES

_OURS, _OTHERS = "C3", "C0"


def plot_speed(published, here, path):
    """Accuracy against time, like the paper's figure 1.

    Args:
        published: list of (label, milliseconds, AP in percent, ours or not), all quoted.
        here: the same, milliseconds measured on this machine, AP quoted.
        path: picture to write, atomically.
    """
    figure, panels = _figure(1, 2, (11, 4.4))
    for panel, points, title in zip(panels[0], (published, here), (
            "quoted: a Titan Xp", "time measured here, AP quoted")):
        for (label, milliseconds, accuracy, ours), height in zip(points, _label_heights(points)):
            color = _OURS if ours else _OTHERS
            panel.plot(milliseconds, accuracy, "o", color=color)
            panel.annotate(label, (milliseconds, height), xytext=(6, -2), textcoords="offset points", color=color,
                           fontsize="x-small")
        panel.set_xscale("log")
        panel.margins(x=0.45, y=0.12)
        panel.set_xlabel("milliseconds an image")
        panel.set_ylabel("AP on COCO test-dev, quoted, %")
        panel.set_title(title, fontsize="medium")
        if not points:
            panel.text(0.5, 0.5, "not run", transform=panel.transAxes, ha="center")
            panel.set_yticks([])
    _save(figure, path)


def plot_growth(growth, labels, path):
    """Multiply-adds and milliseconds behind the backbone against classes, RoIs and image size.

    Args:
        growth: from `growth.grow`.
        labels: of the rows, by name.
        path: picture to write, atomically.
    """
    figure, panels = _figure(2, len(AXES), (11, 6.4))
    titles = {"classes": "classes, background counted", "rois": "RoIs an image", "size": "image, megapixels"}
    rows = list(dict.fromkeys(point["row"] for point in growth))
    for column, axis in enumerate(AXES):
        for number, row in enumerate(rows):
            line = [point for point in growth if point["axis"] == axis and point["row"] == row]
            x = [point["size"][0] * point["size"][1] / 1e6 if axis == "size" else point[axis] for point in line]
            panels[0][column].plot(x, [point["multiply_adds"] / 1e9 for point in line], "o-", color="C%d" % number,
                                   label=labels[row] if not column else None)
            panels[1][column].plot(x, [point["milliseconds"]["median"] for point in line], "o-", color="C%d" % number)
        for panel in (panels[0][column], panels[1][column]):
            panel.set_yscale("log")
            panel.set_xscale("linear" if axis == "size" else "log")
            panel.set_xlabel(titles[axis])
    panels[0][0].set_ylabel("multiply-adds, billions")
    panels[1][0].set_ylabel("milliseconds")
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncol=len(rows))
    figure.suptitle("Neck, warping and head; else %d classes, %d RoIs, %dx%d" % (
        FIXED["classes"], FIXED["rois"], *FIXED["size"]), fontsize="medium")
    _save(figure, path)


def plot_stages(times, labels, path):
    """Time of each stage of each detector, stacked bars.

    Args:
        times: `measuring.time_detectors` of rows.
        labels: by name.
        path: picture to write, atomically.
    """
    names = list(times)
    figure, panels = _figure(1, 1, (11, 1.4 + 0.36 * len(names)))
    panel, left = panels[0][0], [0.0] * len(names)
    for number, stage in enumerate(STAGES):
        widths = [times[name][stage]["median"] if stage in times[name] else 0.0 for name in names]
        panel.barh(range(len(names)), widths, left=left, color="C%d" % number, label=stage)
        left = [start + width for start, width in zip(left, widths)]
    panel.set_yticks(range(len(names)), [labels[name] for name in names], fontsize="x-small")
    panel.invert_yaxis()
    panel.set_xlabel("milliseconds, one image, medians")
    panel.legend(frameon=False, fontsize="small", ncol=len(STAGES), loc="lower center", bbox_to_anchor=(0.4, 1.0))
    _save(figure, path)


def plot_chain(results, labels, scale, path):
    """AP of the rows of the ablation, mean and spread of the runs.

    Args:
        results: `statistics.of_runs`.
        labels: by row.
        scale: name of the small data set.
        path: picture to write, atomically.
    """
    names = list(results)
    figure, panels = _figure(1, 1, (11, 1.4 + 0.36 * len(names)))
    panel = panels[0][0]
    for number, name in enumerate(names):
        value = results[name]["figures"]["AP"]
        panel.errorbar(value["mean"], number, xerr=value["spread"] or 0, fmt="o", color=_OURS, capsize=3)
    panel.set_yticks(range(len(names)), [labels[name] for name in names], fontsize="x-small")
    panel.invert_yaxis()
    panel.set_xlabel("AP on %s, %%, mean and standard deviation of the runs" % scale)
    panel.grid(axis="x", color="0.9")
    _save(figure, path)


def _label_heights(points):
    """Heights at which labels of `plot_speed` stand: that of their point, or above where another one is near."""
    placed = {}
    gap = 0.04 * (max(point[2] for point in points) - min(point[2] for point in points)) if points else 0
    for number in sorted(range(len(points)), key=lambda number: points[number][2]):
        _, milliseconds, height, _ = points[number]
        while any(abs(height - other) < gap and abs(math.log10(milliseconds / points[near][1])) < 0.9
                  for near, other in placed.items()):
            height += gap / 4
        placed[number] = height
    return [placed[number] for number in range(len(points))]


def _figure(rows, columns, size):
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _save(figure, path):
    with atomic_write(path) as temporary:
        # No date in the file: the same figures give the same bytes.
        figure.savefig(temporary, metadata={"Software": None})
