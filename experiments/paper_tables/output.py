"""Everything that is written: pages of the tables, plots, and docs/why-light.md."""
from pathlib import Path

import yaml

from ...engine.files import write_json
from . import checks, pages, paper, pictures, why_light
from .assemble import QUOTED, SMALL, assemble, counts_of, figure_of
from .growth import LABELS
from .quotations import quotations, steps
from .rows import ROWS, rows_of, table_keys
from .scales import SCALES
from .state import State
from .statistics import of_runs, told_apart


def measured_state(work):
    """State of `cost.measure`."""
    return State(Path(work) / "measured.json")


def runs_state(work, scale):
    """State of `running.run_all` at a scale."""
    return State(Path(work) / scale / "state.json")


def paper_state(work):
    """State of `paper.run_jobs`."""
    return State(Path(work) / "paper" / "state.json")


def write_all(out, work):
    """Writes all pages from what is known by now.

    Args:
        out: folder that takes the tables; why-light.md comes beside it.
        work: folder of the states.

    Returns:
        The checks, see `checks.check_all`.
    """
    out, keys = Path(out), table_keys("all")
    measured, counts = measured_state(work), counts_of(keys)
    small = {scale: of_runs(runs_state(work, scale), ROWS) for scale in SMALL}
    tables = [assemble(key, counts, measured, small) for key in keys]
    for table in tables:
        pages.write_table(table, out)
    times, growth = measured.get("times"), measured.get("growth")
    quoted = next(quote.figures["multiply_adds"] for quote in quotations() if "multiply_adds" in quote.figures)
    found = checks.check_all(counts, times, growth, quoted)
    drawn = _draw(out, tables, times, growth, small)
    write_json(out / "checks.json", found)
    if growth is not None:
        write_json(out / "growth.json", growth)
        pages.write_text(out / "growth.md", pages.growth_markdown(growth, LABELS))
    write_json(out / "chain.json", {scale: {"order": order, "steps": _steps(small[scale])}
                                    for scale, order in _orders(small).items()})
    index = pages.index_markdown(tables, found, drawn, measured.get("machine"))
    pages.write_text(out / "README.md", index + _chain_markdown(small) + "\n" + _commands_markdown())
    pages.write_text(out.parent / "why-light.md", why_light.page(measured))
    return found


def _draw(out, tables, times, growth, small):
    """Draws what there are figures for; returns (title, file name) of each picture."""
    drawn = []
    published, here = speed_points(tables, times or {})
    pictures.plot_speed(published, here, out / "speed.png")
    drawn.append(("Speed against accuracy", "speed.png"))
    if times:
        rows, views = {}, {row["name"]: row["passes"] for table in tables for row in table["rows"]}
        for name in ROWS:
            # One bar for rows that run the same network; what is timed is one view of an image.
            if name in times and times[name] not in rows.values() and views[name] == 1:
                rows[name] = times[name]
        pictures.plot_stages(rows, ROWS, out / "stages.png")
        drawn.append(("Time by stage", "stages.png"))
    if growth:
        pictures.plot_growth(growth, LABELS, out / "growth.png")
        drawn.append(("Cost against classes, RoIs and image size", "growth.png"))
    for scale, results in small.items():
        if results:
            pictures.plot_chain(results, ROWS, scale, out / ("chain_%s.png" % scale))
            drawn.append(("The rows trained on %s" % scale, "chain_%s.png" % scale))
    return drawn


def speed_points(tables, times):
    """Points of `pictures.plot_speed`: (published, here)."""
    published, here = [], {}
    for quote in quotations():
        if "FPS" in quote.figures and "AP" in quote.figures:
            published.append(("%s, %s, %s" % (quote.method, quote.backbone, quote.size), 1000 / quote.figures["FPS"],
                              quote.figures["AP"], quote.method.startswith("Light-Head")))
    for table in tables:
        for row in table["rows"]:
            accuracy, name = figure_of(row, "AP", QUOTED), row["name"]
            if accuracy is not None and name in times and table["table"] in (6, 8):
                # Table 8's figure, of the faster form, in place of table 6's.
                here[name] = ("%s, %d/%d" % (accuracy["method"], *row["size"]), times[name]["total"]["median"],
                              accuracy["value"], accuracy["method"].startswith("Light-Head"))
    return published, list(here.values())


def _orders(small):
    """The rows of each small data set, best first, with mean, spread and whether neighbours are told apart."""
    found = {}
    for scale, results in small.items():
        ranked = sorted(results, key=lambda name: -results[name]["figures"]["AP"]["mean"])
        found[scale] = [dict(results[name]["figures"]["AP"], row=name, label=ROWS[name], runs=results[name]["runs"],
                             told_apart_from_next=told_apart(results[name]["figures"]["AP"],
                                                             results[after]["figures"]["AP"]) if after else None)
                        for name, after in zip(ranked, ranked[1:] + [None])]
    return found


def _steps(results):
    """Each step of the ablation that has been run: change of AP, and whether the paper's direction comes out."""
    found = []
    for step in steps():
        if step.row in results and step.before in results:
            after, before = (results[name]["figures"]["AP"] for name in (step.row, step.before))
            change, apart = after["mean"] - before["mean"], told_apart(after, before)
            verdict = "not told apart" if not apart else "agrees" if change * step.sign > 0 else "disagrees"
            found.append(dict(step._asdict(), change=change, verdict="one run" if apart is None else verdict))
    return found


def _chain_markdown(small):
    lines = []
    for scale, order in _orders(small).items():
        if not order:
            continue
        seconds = sum(result["seconds"] for result in small[scale].values())
        lines += ["", "## The order that comes out on %s" % scale, "",
                  "AP in percent, mean and standard deviation of the runs, measured. A row is told apart from the "
                  "next one where they differ by more than the sum of their spreads.", ""]
        lines += pages.markdown_table(["row", "AP", "runs", "told apart from the next"], [
            [entry["label"], "%.2f%s" % (entry["mean"], "" if entry["spread"] is None else " ± %.2f" % entry["spread"]),
             str(entry["runs"]), {True: "yes", False: "no", None: ""}[entry["told_apart_from_next"]]]
            for entry in order])
        lines += ["", "Data: %s. Each row's file with `%s` laid over it, from scratch on one backbone; %d runs, %.0f "
                  "minutes added up, although several may have run side by side."
                  % (SCALES[scale].data, SCALES[scale].file, sum(entry["runs"] for entry in order),
                                       seconds / 60)]
        lines += ["", "### Step by step, beside the paper", ""]
        lines += pages.markdown_table(["step", "change of AP, measured", "verdict", "the paper, quoted"], [
            [ROWS[step["row"]], "%+.2f" % step["change"], step["verdict"], step["says"]]
            for step in _steps(small[scale])])
    return "\n".join(lines)


def _commands_markdown():
    """The commands of all rows at the paper's scale."""
    needs = yaml.safe_load(paper.NEEDS.read_text(encoding="utf-8"))
    lines = ["", "## At the paper's scale", "", "Not run: it takes COCO or VOC, pretrained weights and GPUs. "
             "`--scale paper` says row by row what is missing, and runs what lacks nothing.", ""]
    for kind, need in needs["data"].items():
        lines += ["- %s: %s" % (kind, item) for item in need["files"]]
        lines.append("- sizes of %s from %s" % (kind, need["sizes_from"]))
    lines += ["- weights of %s: %s" % pair for pair in needs["weights"].items()] + ["", "```"]
    for job in paper.jobs(rows_of(table_keys("all")), gpus=1):
        lines += [paper.readable(words) for words in job.commands]
    return "\n".join(lines + ["```", ""])
