"""The page of each table as Markdown, and its figures as CSV and JSON."""
import csv
import io
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...engine.files import write_json
from .figures import MEASURED, NOT_RUN, QUOTED, SMALL, VOC_AP, figure_of
from ..runs.markdown import machine_line, markdown_table, write_text
from .stages import STAGES
from ..runs.statistics import FIGURES

_COLUMNS = ("table", "row", "label", "figure", "value", "spread", "runs", "unit", "mark", "source")
_STAGE_NAMES = {"neck": "neck and maps"}
# What is shown of the accuracy at the paper's scale; AP always, the others where a row of the table has been run.
_AT_PAPER_SCALE = FIGURES + (VOC_AP,)
Table = Mapping[str, Any]
Row = Mapping[str, Any]


def write_table(table: Table, folder: Path) -> None:
    """Writes table_KEY.json, .csv and .md of what `figures.collect_figures` returned."""
    base = Path(folder) / f"table_{table['table']}"
    write_json(base.with_suffix(".json"), table)
    write_text(base.with_suffix(".csv"), table_csv(table))
    write_text(base.with_suffix(".md"), table_markdown(table))


def table_csv(table: Table) -> str:
    """Returns a table as CSV, one line for each figure with its mark and source."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in table["rows"]:
        for entry in row["figures"]:
            given = {key: value for key, value in entry.items() if value is not None}
            writer.writerow(dict(given, table=table["table"], row=row["name"] or "", label=row["label"]))
    return stream.getvalue()


def table_markdown(table: Table) -> str:
    """Returns the page of a table: accuracy, then what was counted, timed and held in memory."""
    title = f"Table {table['table']}: {table['title']}" if table["table"] != "more" else table["title"]
    lines = [f"# {title}", "", table["question"], "",
             "Written by `python experiments/reproduce_tables.py`. The head of a column says whether its figures were "
             "measured here, by this project, or quoted from others; what was not run is marked so.", ""]
    for heading, part in (("Accuracy", _accuracy(table)), ("Cost, counted", _counted(table)),
                          ("Time and memory, one image", _timed(table))):
        if part:
            lines += [f"## {heading}", "", *part, ""]
    return "\n".join(lines).rstrip() + "\n"


def _accuracy(table: Table) -> List[str]:
    """Returns a line for each row and source, its quoted figures beside those measured here; columns that are empty
    are left out."""
    sources: List[str] = []
    rows = []
    for row in table["rows"]:
        quotes: Dict[Tuple[str, str], Dict[str, float]] = {}
        for entry in row["figures"]:
            if entry["mark"] == QUOTED:
                quotes.setdefault((entry["source"], entry["method"]), {})[entry["figure"]] = entry["value"]
        own = [_at_paper_scale(row, figure, sources) for figure in _AT_PAPER_SCALE]
        own += [_at_small_scale(row, scale, sources) for scale in SMALL]
        if not quotes and not own[0]:
            continue
        if not quotes:
            rows.append([row["label"]] + [""] * (len(FIGURES) + 3) + own)
        for number, ((source, method), figures) in enumerate(quotes.items()):
            cells = [f"{figures[name]:g}" if name in figures else "" for name in FIGURES + ("FPS",)]
            cells.append(f"{figures['multiply_adds'] / 1e6:.0f}M" if "multiply_adds" in figures else "")
            rows.append([f"beside it: {method}" if number else row["label"], *cells, _mark_source(source, sources),
                         *([""] * len(own) if number else own)])
    if not rows:
        return []
    header = ["row", *(f"{name}, quoted" for name in FIGURES), "images/s, quoted", "multiply-adds, quoted", "source",
              *(f"{name} at the paper's scale, here" for name in _AT_PAPER_SCALE),
              *(f"AP, {name}, measured" for name in SMALL)]
    kept = [column for column in range(len(header)) if column == 0 or any(row[column] for row in rows)]
    lines = markdown_table([header[column] for column in kept], [[row[column] for column in kept] for row in rows])
    return lines + [""] + [f"[{number}] {source}  " for number, source in enumerate(sources, 1)]


def _mark_source(source: str, sources: List[str]) -> str:
    """Returns the mark of a source, which is added to the list where it is new."""
    if source not in sources:
        sources.append(source)
    return f"[{sources.index(source) + 1}]"


def _at_paper_scale(row: Row, figure: str, sources: List[str]) -> str:
    entry = figure_of(row, figure)
    if entry is None:
        return "not run" if figure_of(row, figure, NOT_RUN) else ""
    # A training or test with other values than the paper's must not pass for the paper's.
    mark = f" {_mark_source(entry['source'], sources)}" if entry["changed"] else ""
    return f"{entry['value']:.1f}{mark}"


def _at_small_scale(row: Row, scale: str, sources: List[str]) -> str:
    entry = figure_of(row, f"AP on {scale}")
    if entry is None:
        return "not run" if figure_of(row, f"AP on {scale}", NOT_RUN) else ""
    spread = "" if entry["spread"] is None else f" ± {entry['spread']:.1f}"
    mark = f" {_mark_source(entry['source'], sources)}" if entry.get("changed") else ""
    return f"{entry['value']:.1f}{spread} ({entry['runs']} runs){mark}"


def _counted(table: Table) -> List[str]:
    rows = [row for row in table["rows"] if figure_of(row, "multiply-adds")]
    if not rows:
        return []
    stages = [stage for stage in STAGES if any(_value(row, f"multiply-adds {stage}") for row in rows)]
    lines = []
    for row in rows:
        lines.append([row["label"], _size(row), _scaled(row, "parameters", 1e6, ".2f"),
                      *(_scaled(row, f"multiply-adds {stage}", 1e9, ".3f") for stage in stages),
                      _scaled(row, "multiply-adds", 1e9, ".3f"), _scaled(row, "multiply-adds a RoI", 1e6, ".3f"),
                      _scaled(row, "RoIs", 1, ".0f"), _scaled(row, "channels of the pooled map", 1, ".0f"),
                      str(row["passes"])])
    header = ["row", "input", "parameters, M", *(f"{_STAGE_NAMES.get(stage, stage)}, G" for stage in stages),
              "all, G", "a RoI, M", "RoIs", "channels pooled", "views"]
    note = ("All measured: multiply-adds of convolutions and fully connected layers, for one view of an image, counted "
            "off the graph's inferred shapes. `neck and maps` is what is computed once an image for the RoIs, R-FCN's "
            "score maps included; the paper's head is that and the head here. The layers of a feature pyramid count as "
            "body. `a RoI` is what the head computes for each RoI. Views: how many of an image are tested.")
    return markdown_table(header, lines) + ["", note]


def _timed(table: Table) -> List[str]:
    rows = [row for row in table["rows"] if figure_of(row, "ms total")]
    if not rows:
        return ["Not run."] if any(figure_of(row, "ms total", NOT_RUN) for row in table["rows"]) else []
    stages = [stage for stage in STAGES if any(figure_of(row, f"ms {stage}") for row in rows)]
    lines = []
    for row in rows:
        total = figure_of(row, "ms total")
        label = row["label"] + (f", one of {row['passes']} views" if row["passes"] > 1 else "")
        lines.append([label, _size(row), *(_scaled(row, f"ms {stage}", 1, ".1f") for stage in stages),
                      f"{total['value']:.0f} ({total['low']:.0f} to {total['high']:.0f})",
                      _scaled(row, "peak memory", 2 ** 20, ".0f") or "not run"])
    header = ["row", "input", *(f"{_STAGE_NAMES.get(stage, stage)}, ms" for stage in stages), "all, ms (quartiles)",
              "peak memory, MiB"]
    note = (f"All measured, medians by turns in one process: {machine_line(table['machine'])}. Random weights: the "
            "scores of all RoIs and classes pass the threshold, so that post-processing takes as long as it can.")
    return markdown_table(header, lines) + ["", note]


def _size(row: Row) -> str:
    height, width = row["size"]
    return f"{height}x{width}"


def _value(row: Row, figure: str) -> Optional[float]:
    entry = figure_of(row, figure, MEASURED)
    return entry["value"] if entry else None


def _scaled(row: Row, figure: str, unit: float, form: str) -> str:
    """Returns a measured figure in a unit, as the format says; empty where the row has none."""
    value = _value(row, figure)
    return "" if value is None else format(value / unit, form)
