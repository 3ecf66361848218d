"""Plots of the tables: speed against accuracy, cost against classes, RoIs and image size, time by stage."""
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from ...engine.files import atomic_write
from .growth import AXES, FIXED
from .stages import STAGES

_OURS, _OTHERS = "C3", "C0"
# Where the label of a point may stand, best first: offset in points, and what of the label is there.
_PLACES = (((7, 0), "left", "center"), ((-7, 0), "right", "center"), ((0, 6), "center", "bottom"),
           ((0, -6), "center", "top"), ((7, 6), "left", "bottom"), ((7, -6), "left", "top"),
           ((-7, 6), "right", "bottom"), ((-7, -6), "right", "top"))


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
    # All sizes are final after this, those of texts in pixels too.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for panel, points in zip(panels[0], (published, here)):
        _label(panel, points)
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


def _label(panel, points):
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
