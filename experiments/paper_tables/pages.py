"""The tables as Markdown, CSV and JSON."""
import csv
import io
from pathlib import Path

from ...engine.files import atomic_write, write_json
from .assemble import MEASURED, NOT_RUN, QUOTED, SMALL, figure_of
from .checks import verdict
from .growth import AXES, FIXED
from .statistics import FIGURES
from .stages import STAGES

_COLUMNS = ("table", "row", "label", "figure", "value", "spread", "runs", "unit", "mark", "source")
_STAGE_NAMES = {"neck": "neck and maps"}


def write_table(table, folder):
    """Writes table_KEY.json, .csv and .md of what `assemble.assemble` returned."""
    base = Path(folder) / ("table_%s" % table["table"])
    write_json(base.with_suffix(".json"), table)
    write_text(base.with_suffix(".csv"), table_csv(table))
    write_text(base.with_suffix(".md"), table_markdown(table))


def write_text(path, text):
    """Writes a text file whole or not at all."""
    with atomic_write(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def table_csv(table):
    """One line a figure, with its mark and source."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in table["rows"]:
        for entry in row["figures"]:
            given = {key: value for key, value in entry.items() if value is not None}
            writer.writerow(dict(given, table=table["table"], row=row["name"] or "", label=row["label"]))
    return stream.getvalue()


def table_markdown(table):
    """The page of a table: accuracy, then what was counted, timed and held in memory."""
    title = "Table %s: %s" % (table["table"], table["title"]) if table["table"] != "more" else table["title"]
    lines = ["# " + title, "", table["question"], "",
             "Written by `python experiments/reproduce_tables.py`. Columns say of their figures whether they were "
             "measured here, by this project, or quoted from others; what was not run is marked so.", ""]
    parts = [("Accuracy", _accuracy), ("Cost, counted", _counted), ("Time and memory, one image", _timed)]
    for heading, part in parts:
        body = part(table)
        if body:
            lines += ["## " + heading, ""] + body + [""]
    return "\n".join(lines).rstrip() + "\n"


def markdown_table(header, rows):
    """Lines of a Markdown table; cells are texts, the first column left-aligned."""
    return ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"] + [
        "| " + " | ".join(cells) + " |" for cells in rows]


def _accuracy(table):
    sources, rows = [], []
    for row in table["rows"]:
        quotes = {}
        for entry in row["figures"]:
            if entry["mark"] == QUOTED:
                quotes.setdefault((entry["source"], entry["method"]), {})[entry["figure"]] = entry["value"]
        own = [_own_accuracy(row, scale) for scale in SMALL]
        not_run = "not run" if figure_of(row, "AP", NOT_RUN) else ""
        if not quotes and not not_run:
            continue
        for number, ((source, method), figures) in enumerate(list(quotes.items()) or [((None, None), {})]):
            if source and source not in sources:
                sources.append(source)
            mark = "[%d]" % (sources.index(source) + 1) if source else ""
            cells = ["%g" % figures[name] if name in figures else "" for name in FIGURES]
            fps = "%g" % figures["FPS"] if "FPS" in figures else ""
            multiply = "%.0fM" % (figures["multiply_adds"] / 1e6) if "multiply_adds" in figures else ""
            rows.append([row["label"] if not number else "beside it: " + method] + cells + [fps, multiply, mark]
                        + ([not_run] + own if not number else [""] * 3))
    if not rows:
        return []
    header = ["row"] + [name + ", quoted" for name in FIGURES] + [
        "images/s, quoted", "multiply-adds, quoted", "source", "AP, COCO, here"] + [
        "AP, %s, measured" % name for name in SMALL]
    kept = [column for column in range(len(header)) if column == 0 or any(row[column] for row in rows)]
    lines = markdown_table([header[c] for c in kept], [[row[c] for c in kept] for row in rows])
    return lines + [""] + ["[%d] %s  " % (number, source) for number, source in enumerate(sources, 1)]


def _own_accuracy(row, scale):
    entry = figure_of(row, "AP on " + scale)
    if entry is None:
        return "not run" if figure_of(row, "AP on " + scale, NOT_RUN) else ""
    spread = "" if entry["spread"] is None else " ± %.1f" % entry["spread"]
    return "%.1f%s (%d runs)" % (entry["value"], spread, entry["runs"])


def _counted(table):
    rows = [row for row in table["rows"] if figure_of(row, "multiply-adds")]
    stages = [stage for stage in STAGES if any(_value(row, "multiply-adds " + stage) for row in rows)]
    lines = []
    for row in rows:
        whole = [_scaled(row, "multiply-adds " + stage, 1e9, "%.3f") for stage in stages]
        lines.append([row["label"], "%dx%d" % tuple(row["size"]), _scaled(row, "parameters", 1e6, "%.2f")] + whole + [
            _scaled(row, "multiply-adds", 1e9, "%.3f"), _scaled(row, "multiply-adds a RoI", 1e6, "%.3f"),
            _scaled(row, "RoIs", 1, "%d"), _scaled(row, "channels of the pooled map", 1, "%d"), str(row["passes"])])
    header = ["row", "input", "parameters, M"] + ["%s, G" % _STAGE_NAMES.get(stage, stage) for stage in stages] + [
        "all, G", "a RoI, M", "RoIs", "channels pooled", "views"]
    notes = ["", "All measured: multiply-adds of convolutions and fully connected layers, one view of an image, "
             "counted off the graph's inferred shapes. `neck and maps` is what is computed once an image for the RoIs, "
             "R-FCN's score maps included; the paper's head is that and the head here. A pyramid counts as body. "
             "Views: of an image at test."]
    return markdown_table(header, lines) + notes if lines else []


def _timed(table):
    rows = [row for row in table["rows"] if figure_of(row, "ms total")]
    if not rows:
        return ["Not run."] if any(figure_of(row, "ms total", NOT_RUN) for row in table["rows"]) else []
    stages = [stage for stage in STAGES if any(figure_of(row, "ms " + stage) for row in rows)]
    lines = []
    for row in rows:
        total = figure_of(row, "ms total")
        label = row["label"] + (", one of %d views" % row["passes"] if row["passes"] > 1 else "")
        lines.append([label, "%dx%d" % tuple(row["size"])] + [
            _scaled(row, "ms " + stage, 1, "%.1f") for stage in stages] + [
            "%.0f (%.0f to %.0f)" % (total["value"], total["low"], total["high"]),
            _scaled(row, "peak memory", 2 ** 20, "%.0f") or "not run"])
    header = ["row", "input"] + ["%s, ms" % _STAGE_NAMES.get(stage, stage) for stage in stages] + [
        "all, ms (quartiles)", "peak memory, MiB"]
    return markdown_table(header, lines) + ["", "All measured, medians by turns in one process: %s. Random weights: "
                                            "the scores of all RoIs and classes pass the threshold, so that "
                                            "post-processing "
                                            "is the slowest that it can be." % machine_line(table["machine"])]


def growth_markdown(growth, labels):
    """The page of `growth.grow`: multiply-adds, times and bytes along each axis.

    Args:
        labels: of the rows, by name.
    """
    lines = ["# How the cost behind the backbone grows", "",
             "Neck, warping and head on random maps, all measured by `python experiments/reproduce_tables.py`: "
             "multiply-adds counted, times medians by turns, MB those of the maps that RoIs are pooled from and of "
             "what is pooled (float32). The other two settings: %s." % ", ".join(
                 "%s %s" % (axis, _setting(value)) for axis, value in FIXED.items())]
    for axis in AXES:
        points = [point for point in growth if point["axis"] == axis]
        settings = list(dict.fromkeys(_setting(point[axis]) for point in points))
        rows = []
        for name, unit, value in (("multiply-adds", "G", lambda point: point["multiply_adds"] / 1e9),
                                  ("time", "ms", lambda point: point["milliseconds"]["median"]),
                                  ("memory", "MB", lambda point: point["bytes_held"] / 1e6)):
            for row in dict.fromkeys(point["row"] for point in points):
                rows.append([labels[row], "%s, %s" % (name, unit)] + [
                    "%.1f" % value(point) for point in points if point["row"] == row])
        lines += ["", "## %s" % axis, ""] + markdown_table(["", ""] + settings, rows)
    return "\n".join(lines) + "\n"


def _setting(value):
    return "%dx%d" % tuple(value) if isinstance(value, (list, tuple)) else str(value)


def machine_line(machine):
    """The machine in words."""
    return "{cpu}, {threads} threads, MXNet {mxnet}, Python {python}, {date}".format(**machine) if machine else \
        "not measured"


def index_markdown(tables, checks, pictures, machine):
    """The page that lists the tables, the claims and the pictures."""
    lines = ["# The paper's tables", "",
             "Light-Head R-CNN, arXiv 1711.07264, row by row, written by `python experiments/reproduce_tables.py`. "
             "Every figure is marked: measured here, quoted from others with the source, or not run. Beside each page "
             "lie its figures as CSV and JSON.", "", "Measured on: %s." % machine_line(machine), ""]
    for table in tables:
        name = "table_%s" % table["table"]
        lines.append("- [%s](%s.md): %s ([CSV](%s.csv), [JSON](%s.json))" % (
            table["title"] if table["table"] == "more" else "Table %s, %s" % (table["table"], table["title"]),
            name, table["question"], name, name))
    if any(name == "growth.png" for _, name in pictures):
        lines.append("- [How the cost grows](growth.md) with classes, RoIs and the size of the image "
                     "([JSON](growth.json))")
    lines += ["", "## The paper's claims as ratios", ""]
    lines += markdown_table(["claim", "figures", "verdict"], [
        [check["claim"], check["figures"], verdict(check)] for check in checks])
    for title, name in pictures:
        lines += ["", "## " + title, "", "![%s](%s)" % (title, name)]
    return "\n".join(lines) + "\n"


def _value(row, figure):
    entry = figure_of(row, figure, MEASURED)
    return entry["value"] if entry else None


def _scaled(row, figure, unit, form):
    value = _value(row, figure)
    return "" if value is None else form % (value / unit)
