"""The page that lists the tables: the claims, the pictures, and what runs at the paper's scale."""
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from . import checks, needs, paper, paper_results
from ..runs.markdown import machine_line, markdown_table
from ..runs.run_commands import readable_command
from .rows import ROWS, rows_of, table_keys
from ..runs.state import State

# Title and file name.
Picture = Tuple[str, str]


def index_markdown(tables: Sequence[Mapping[str, Any]], found: Sequence[checks.Check], pictures: Sequence[Picture],
                   machine: Optional[Mapping[str, Any]]) -> str:
    """Returns the first part of the page: the tables, the claims and the pictures.

    Args:
        tables: from `figures.collect_figures`.
        found: from `checks.check_claims`.
        pictures: those that were drawn.
        machine: from `describe_machine`, or None.
    """
    lines = ["# The paper's tables", "",
             "Light-Head R-CNN, arXiv 1711.07264, row by row, written by `python experiments/reproduce_tables.py`. "
             "Every figure is marked: measured here, quoted from others with the source, or not run. Beside each page "
             "lie its figures as CSV and JSON.", "", f"Measured on: {machine_line(machine)}.", ""]
    for table in tables:
        name = f"table_{table['table']}"
        title = table["title"] if table["table"] == "more" else f"Table {table['table']}, {table['title']}"
        lines.append(f"- [{title}]({name}.md): {table['question']} ([CSV]({name}.csv), [JSON]({name}.json))")
    if any(name == "growth.png" for _, name in pictures):
        lines.append("- [How the cost grows](growth.md) with classes, RoIs and the size of the image "
                     "([JSON](growth.json))")
    lines += ["", "## The paper's claims as ratios", ""]
    lines += markdown_table(["claim", "figures", "verdict"], [
        [check["claim"], check["figures"], checks.verdict(check)] for check in found])
    for title, name in pictures:
        lines += ["", f"## {title}", "", f"![{title}]({name})"]
    return "\n".join(lines) + "\n"


def paper_scale_markdown(state: State) -> str:
    """Returns the last part of the page: which rows have been run at the paper's scale, what they need, and commands.

    Args:
        state: the results at the paper's scale, see `paper_results`.
    """
    rows, known_needs = rows_of(table_keys("all")), needs.read_needs()
    lines = ["", "## At the paper's scale", "", *_results(state, rows), ""]
    for kind, need in known_needs["data"].items():
        lines += [f"- {kind}: {item}" for item in need["files"]]
        lines.append(f"- sizes of {kind} from {need['sizes_from']}")
    lines += [f"- weights of {kind}: {source}" for kind, source in known_needs["weights"].items()] + ["", "```"]
    lines += [readable_command(job.command) for job in paper.plan_jobs(rows, gpus=1)]
    return "\n".join(lines + ["```", ""])


def _results(state: State, rows: Sequence[str]) -> List[str]:
    needed = ("it takes COCO or VOC, pretrained weights and GPUs. `--scale paper` says row by row what is missing, and "
              "runs what lacks nothing.")
    results: Dict[str, Any] = {row: paper_results.results_of(state, row) for row in rows}
    done = [row for row in rows if results[row]]
    if not done:
        return [f"Not run: {needed}"]
    shown = []
    for row in done:
        values = [f"{100 * result['metrics']['AP']:.1f}" + (" (changed)" if result["changes"] else "")
                  for result in results[row] if result["metrics"]["AP"] is not None]
        shown.append([ROWS[row], ", ".join(values)])
    rest = "The other rows were not run: " if len(done) < len(rows) else "To run a row: "
    return ["AP in percent, measured; \"changed\": with other values than the paper's, which the page of the table "
            "names.", "", *markdown_table(["row", "AP"], shown), "", rest + needed]
