"""Every figure of a table in one list, each with its unit, its mark and where it comes from."""
from . import cost, statistics
from .detectors import PEERS
from .quotations import quotations
from .rows import table_of
from .stages import STAGES

MEASURED, QUOTED, NOT_RUN = "measured", "quoted", "not run"
UNITS = {"AP": "%", "AP50": "%", "AP75": "%", "APs": "%", "APm": "%", "APl": "%", "FPS": "images/s",
         "multiply_adds": "1"}
# Names of the small data sets, as figures are called after them.
SMALL = ("shapes", "bccd")


def names_of(key):
    """What a table measures: its rows, and GluonCV's detectors or the classifier beside them."""
    return list(table_of(key).rows) + {7: ["xception_classifier"], 8: list(PEERS)}.get(key, [])


def counts_of(keys):
    """`cost.count_row`, or what stands in its place, of all names of several tables."""
    found = {}
    for name in dict.fromkeys(name for key in keys for name in names_of(key)):
        counting = {"xception_classifier": lambda name: cost.count_classifier()}
        found[name] = counting.get(name, cost.count_peer if name in PEERS else cost.count_row)(name)
    return found


def assemble(key, counts, measured, small):
    """A table as data that JSON can hold.

    Args:
        key: of `rows.table_keys`.
        counts: from `counts_of`.
        measured: State of `cost.measure`.
        small: `statistics.of_runs` by name of scale.

    Returns:
        dict: table, title, question, machine, and rows, a list of dicts: name, label, size, model, passes and figures,
        a list of {"figure", "value", "unit", "mark", "source"}, with "spread" and "runs" where there were several, and
        with "method", as its source calls it, where it is quoted.
    """
    table, rows = table_of(key), []
    quoted = [quote for quote in quotations() if quote.table == key]
    for name in names_of(key):
        label = "Xception-like classifier" if name == "xception_classifier" else cost.label_of(name)
        figures = [_quoted(figure, value, quote) for quote in quoted if quote.beside == name
                   for figure, value in quote.figures.items()]
        figures += _counted(counts[name]) + _timed(name, measured)
        if name in table.rows:
            figures += _trained(name, small)
        rows.append({"name": name, "label": label, "size": counts[name]["size"], "model": counts[name]["model"],
                     "passes": counts[name]["passes"], "figures": figures})
    for quote in quoted:
        if quote.beside is None:
            rows.append({"name": None, "label": "%s, %s, %s" % (quote.method, quote.backbone, quote.size), "size": None,
                         "model": None, "passes": None,
                         "figures": [_quoted(figure, value, quote) for figure, value in quote.figures.items()]})
    return {"table": key, "title": table.title, "question": table.question, "machine": measured.get("machine"),
            "rows": rows}


def figure_of(row, figure, mark=MEASURED):
    """The first figure of a name and mark in a row of `assemble`, or None."""
    return next((entry for entry in row["figures"] if entry["figure"] == figure and entry["mark"] == mark), None)


def _entry(figure, value, unit, mark, source, **more):
    return dict({"figure": figure, "value": value, "unit": unit, "mark": mark, "source": source}, **more)


def _quoted(figure, value, quote):
    return _entry(figure, value, UNITS[figure], QUOTED, quote.source, method=quote.method)


def _counted(counted):
    source = "counted off the graph"
    found = [_entry("parameters " + part, value, "1", MEASURED, source)
             for part, value in counted["parameters"].items()]
    found.append(_entry("parameters", sum(counted["parameters"].values()), "1", MEASURED, source))
    found += [_entry("multiply-adds " + part, value, "1", MEASURED, source)
              for part, value in counted["multiply_adds"].items()]
    found.append(_entry("multiply-adds", sum(counted["multiply_adds"].values()), "1", MEASURED, source))
    for key, name in (("per_roi", "multiply-adds a RoI"), ("rois", "RoIs"), ("warped_values", "warped values"),
                      ("map_channels", "channels of the pooled map")):
        if key in counted:
            found.append(_entry(name, counted[key], "1", MEASURED, source))
    return found


def _timed(name, measured):
    times, found = (measured.get("times") or {}).get(name), []
    if name == "xception_classifier":
        return found
    if times is None:
        found.append(_entry("ms total", None, "ms", NOT_RUN, "--no-measure"))
    else:
        stages = [stage for stage in STAGES if stage in times] + ["total"]
        found += [_entry("ms " + stage, times[stage]["median"], "ms", MEASURED, "median on this machine",
                         low=times[stage]["low"], high=times[stage]["high"]) for stage in stages]
    memory = (measured.get("memory/" + name) or {}).get("bytes")
    found.append(_entry("peak memory", memory, "bytes", NOT_RUN if memory is None else MEASURED,
                        "a process of its own, parameters included"))
    return found


def _trained(name, small):
    found = [_entry("AP", None, "%", NOT_RUN, "COCO, the paper's scale: needs data, weights and GPUs")]
    for scale in SMALL:
        result = small.get(scale, {}).get(name)
        if result is None:
            found.append(_entry("AP on " + scale, None, "%", NOT_RUN, "--scale " + scale))
            continue
        for figure in statistics.FIGURES:
            if figure in result["figures"]:
                value = result["figures"][figure]
                found.append(_entry("%s on %s" % (figure, scale), value["mean"], "%", MEASURED, "mean of runs",
                                    spread=value["spread"], runs=result["runs"]))
    return found
