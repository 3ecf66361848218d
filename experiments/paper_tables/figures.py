"""Every figure of a table in one list, each with its unit, its mark and where it comes from."""
from typing import Any, Dict, List, Mapping, Optional

from ...engine.config import dataset_kind
from . import paper_results
from .quotations import Quotation, read_quotations
from .row_counts import CLASSIFIER, label_of, names_of
from .rows import TableKey, row_config, table_of
from .stages import STAGES
from ..runs.state import State
from ..runs.statistics import FIGURES

# The marks of figures: measured by this project, quoted from others, or not run.
MEASURED, QUOTED, NOT_RUN = "measured", "quoted", "not run"
# The smaller data sets; what is measured on them is called "AP on shapes".
SMALL = ("shapes", "bccd")
# Pascal VOC's AP of 2007 at the paper's scale, which rows of that data set have too.
VOC_AP = "AP, VOC 2007"
_UNITS = {"FPS": "images/s", "multiply_adds": "1"}
_COUNTED = {"per_roi": "multiply-adds a RoI", "rois": "RoIs", "warped_values": "warped values",
            "map_channels": "channels of the pooled map"}
Figure = Dict[str, Any]


def collect_figures(key: TableKey, counts: Mapping[str, Dict[str, Any]], measured: State,
                    small: Mapping[str, Dict[str, Any]], paper: State, changed: Mapping[str, str]) -> Dict[str, Any]:
    """Collects a table as data that JSON can hold.

    Args:
        key: of `rows.table_keys`.
        counts: from `row_counts.count_all`.
        measured: what `measurements.measure` keeps.
        small: from `statistics.summarize_runs`, by name of the smaller data set.
        paper: the results at the paper's scale, see `paper_results`.
        changed: with what other values the rows were trained on the smaller data sets, in words; empty for none.

    Returns:
        A dict with table, title, question, machine, and rows. Each row is a dict with name (None for a line that is
        only quoted), label, size, model, passes, and figures. Each figure is a dict with figure (its name), value,
        unit, mark and source; and with method, as the source calls it, where it is quoted; spread and runs, where there
        were several runs; low and high, the quartiles, of times; changed, whether a training or test at the paper's
        scale had other values than the paper's, or one on a smaller data set other values than those of that scale.
    """
    table, rows = table_of(key), []
    quoted = [quote for quote in read_quotations() if quote.table == key]
    for name in names_of(key):
        figures = [_quote(figure, value, quote) for quote in quoted if quote.beside == name
                   for figure, value in quote.figures.items()]
        figures += _counted(counts[name]) + _timed(name, measured)
        if name in table.rows:
            figures += _trained_on_paper_scale(name, paper) + _trained_on_small_sets(name, small, changed)
        rows.append({"name": name, "label": label_of(name), "size": counts[name]["size"],
                     "model": counts[name]["model"], "passes": counts[name]["passes"], "figures": figures})
    for quote in quoted:
        if quote.beside is None:
            rows.append({"name": None, "label": f"{quote.method}, {quote.backbone}, {quote.size}", "size": None,
                         "model": None, "passes": None,
                         "figures": [_quote(figure, value, quote) for figure, value in quote.figures.items()]})
    return {"table": key, "title": table.title, "question": table.question, "machine": measured.get("machine"),
            "rows": rows}


def figure_of(row: Mapping[str, Any], figure: str, mark: str = MEASURED) -> Optional[Figure]:
    """Returns the first figure with a name and a mark of a row of `collect_figures`, or None."""
    return next((entry for entry in row["figures"] if entry["figure"] == figure and entry["mark"] == mark), None)


def _figure(figure: str, value: Any, unit: str, mark: str, source: str, **more: Any) -> Figure:
    return dict({"figure": figure, "value": value, "unit": unit, "mark": mark, "source": source}, **more)


def _quote(figure: str, value: float, quote: Quotation) -> Figure:
    return _figure(figure, value, _UNITS.get(figure, "%"), QUOTED, quote.source, method=quote.method)


def _counted(counted: Mapping[str, Any]) -> List[Figure]:
    source = "counted off the graph"
    found = []
    for what, name in (("parameters", "parameters"), ("multiply_adds", "multiply-adds")):
        parts = counted[what]
        found += [_figure(f"{name} {part}", value, "1", MEASURED, source) for part, value in parts.items()]
        found.append(_figure(name, sum(parts.values()), "1", MEASURED, source))
    return found + [_figure(name, counted[key], "1", MEASURED, source) for key, name in _COUNTED.items()
                    if key in counted]


def _timed(name: str, measured: State) -> List[Figure]:
    if name == CLASSIFIER:
        return []
    times = (measured.get("times") or {}).get(name)
    if times is None:
        found = [_figure("ms total", None, "ms", NOT_RUN, "--no-measure")]
    else:
        stages = [stage for stage in STAGES if stage in times] + ["total"]
        found = [_figure(f"ms {stage}", times[stage]["median"], "ms", MEASURED, "median on this machine",
                         low=times[stage]["low"], high=times[stage]["high"]) for stage in stages]
    memory = (measured.get(f"memory/{name}") or {}).get("bytes")
    found.append(_figure("peak memory", memory, "bytes", NOT_RUN if memory is None else MEASURED,
                         "a process of its own, parameters included"))
    return found


def _trained_on_paper_scale(name: str, paper: State) -> List[Figure]:
    found = []
    for result in paper_results.results_of(paper, name):
        values = result["configuration"]
        source = f"this project, {values['dataset.dataset']} {values['dataset.test_image_set']}"
        if result["changes"]:
            source += ", with " + ", ".join(f"{key} {value}" for key, value in result["changes"].items())
        metrics = dict({figure: result["metrics"][figure] for figure in FIGURES})
        if dataset_kind(row_config(name)) == "voc":
            metrics[VOC_AP] = result["metrics"]["voc"]["AP07"]
        found += [_figure(figure, 100 * value, "%", MEASURED, source, changed=bool(result["changes"]))
                  for figure, value in metrics.items() if value is not None]
    return found or [_figure("AP", None, "%", NOT_RUN, "the paper's scale: needs data, weights and GPUs")]


def _trained_on_small_sets(name: str, small: Mapping[str, Dict[str, Any]],
                           changed: Mapping[str, str]) -> List[Figure]:
    found = []
    for scale in SMALL:
        result = small.get(scale, {}).get(name)
        if result is None:
            found.append(_figure(f"AP on {scale}", None, "%", NOT_RUN, f"--scale {scale}"))
            continue
        source, marked = "mean of runs", {}
        if changed[scale]:
            source, marked = f"this project, {scale}, mean of runs with {changed[scale]}", {"changed": True}
        for figure in FIGURES:
            if figure in result["figures"]:
                value = result["figures"][figure]
                found.append(_figure(f"{figure} on {scale}", value["mean"], "%", MEASURED, source,
                                     spread=value["spread"], runs=result["runs"], **marked))
    return found
