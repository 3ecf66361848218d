"""Pictures: loss curves and detections."""
import colorsys
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from ..files import atomic_write
from .logs import read_scalars

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


def draw_detections(image, ids, scores, boxes, classes, path):
    """Draws boxes with class names and scores on an image, and writes a picture of the image's size.

    Parameters
    ----------
    image : uint8 array (H, W, 3), RGB
    ids : int array (n,)
        Class of each box, 0..C-1.
    scores : float array (n,), or None for ground truth
    boxes : float array (n, 4)
        (x1, y1, x2, y2), pixels of the image, inclusive ends.
    classes : sequence of C str
    path : str or Path
        Picture to write, atomically; its extension is the format.
    """
    picture = Image.fromarray(np.ascontiguousarray(image, np.uint8))
    draw = ImageDraw.Draw(picture)
    unit = max(picture.size)
    line = max(1, round(unit / 320))
    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"),
                              int(np.clip(unit / 42, 9, 26)))
    order = np.arange(len(ids)) if scores is None else np.argsort(-np.asarray(scores), kind="stable")
    for index in order[::-1]:
        x1, y1, x2, y2 = (float(value) for value in boxes[index])
        # A side below one pixel has its inclusive end before its start.
        draw.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=_color(int(ids[index])), width=line)
    taken = []
    for index in order:
        text = classes[int(ids[index])] + ("" if scores is None else f" {scores[index]:.2f}")
        _label(draw, text, boxes[index], _color(int(ids[index])), font, picture.size, taken)
    with atomic_write(path) as temporary:
        picture.save(temporary, **({"quality": 92} if Path(path).suffix.lower() in (".jpg", ".jpeg") else {}))


def _label(draw, text, box, color, font, size, taken):
    """Writes `text` at a corner of `box` where the image has room and, if one is free, no other label stands."""
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + 4, bottom - top + 4
    x1, y1, x2, y2 = (int(round(float(value))) for value in box)
    corners = [(x1, y1 - height), (x2 - width + 1, y1 - height), (x1, y2 + 1), (x2 - width + 1, y2 + 1), (x1, y1),
               (x1, y2 - height + 1)]
    inside = [(x, y) for x, y in corners if 0 <= x <= size[0] - width and 0 <= y <= size[1] - height]
    # A label wider than its image starts at the left edge.
    first = inside[0] if inside else (max(0, min(x1, size[0] - width)), max(0, min(y1, size[1] - height)))
    free = [corner for corner in inside if not any(_overlap(corner, (width, height), other) for other in taken)]
    x, y = free[0] if free else first
    taken.append((x, y, x + width, y + height))
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
    dark = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] < 140
    draw.text((x + 2 - left, y + 2 - top), text, font=font, fill=(255, 255, 255) if dark else (0, 0, 0))


def _overlap(corner, size, other):
    return (corner[0] < other[2] and other[0] < corner[0] + size[0]
            and corner[1] < other[3] and other[1] < corner[1] + size[1])


def _color(index):
    """A class's colour: hues a golden section apart stay unlike for any number of classes."""
    hue = (0.03 + 0.618034 * index) % 1
    value = (0.95, 0.75, 1.0)[index % 3]
    return tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, value))


def _smoothed(values):
    """Average over a window of a fortieth of the curve around each step, narrower at the ends; gaps do not count."""
    half = min(len(values) // 80 + 1, len(values) - 1)
    window, known = np.ones(2 * half + 1), np.isfinite(values)
    total = np.convolve(np.where(known, values, 0), window)[half:half + len(values)]
    count = np.convolve(known, window)[half:half + len(values)]
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0.5)
