"""The page of a study and its figures as JSON; every figure comes from what the runs have recorded."""
import shlex
from pathlib import Path
from typing import Any, List, Mapping, Sequence

from ...engine.files import write_json
from ..runs.markdown import machine_line, markdown_table, write_text
from ..runs.state import State
from .planning import mixed_runs, recorded_overrides
from .study import SVMS, TEST, TRAIN, DataSet, Row, Study
from .summary import all_results, failures, judge_steps, summarize

_PER_CLASS = "AP50 "
Figures = Mapping[str, Mapping[str, Any]]


def write_page(study: Study, state: State, folder: Path) -> Path:
    """Writes NAME.md and NAME.json.

    Args:
        study: from `study.read_study`.
        state: what `running.run_study` keeps.
        folder: takes the files.

    Returns:
        The path of the page.
    """
    summary, mixed = summarize(study, state), mixed_runs(study, state)
    path = Path(folder) / f"{study.name}.md"
    write_text(path, page_markdown(study, state))
    write_json(path.with_suffix(".json"), {
        "study": study.name, "title": study.title, "command": _command(study, state),
        "data_sets": {name: {"rows": rows, "steps": judge_steps(study, rows, bool(mixed[name]))}
                      for name, rows in summary.items()}})
    return path


def page_markdown(study: Study, state: State) -> str:
    """Returns the text of the page; the arguments are those of `write_page`."""
    summary, results = summarize(study, state), all_results(study, state)
    mixed = mixed_runs(study, state)
    lines = [f"# {study.title}", "", study.question, "",
             f"Written by `lhrcnn study {shlex.quote(study.word)}`; no figure is typed by hand. A figure is the mean "
             "over the runs of different seeds and, behind ±, their standard deviation.", ""]
    for name, one in study.data_sets.items():
        if name in summary:
            lines += [f"## {one.label}", "", f"{one.about[:1].upper()}{one.about[1:]}." if one.about else "", "",
                      *([f"**Rows cannot be compared, for the runs are mixed:** {'; '.join(mixed[name])}.", ""]
                        if mixed[name] else []),
                      *_accuracy(study, one, summary[name]), "", *_classes(study, summary[name]),
                      *_claims(study, summary[name], bool(mixed[name])), *_costs(study, summary[name]), ""]
        else:
            lines += [f"## {one.label}", "", "Not run.", ""]
    lines += [*_rows(study), *_how(study, results, _command(study, state))]
    reasons = failures(study, state)
    if reasons:
        lines += ["", "## Runs that failed", ""] + [
            f"- {run}: {' '.join(reason.split())[:300]}" for run, reason in reasons.items()]
    return _without_repeated_blanks(lines)


def _accuracy(study: Study, one: DataSet, rows: Mapping[str, Any]) -> List[str]:
    table = []
    for name, row in study.rows.items():
        if name not in rows:
            table.append([row.label, *[""] * 5, "not run"])
            continue
        figures, runs = rows[name]["figures"], rows[name]["runs"]
        table.append([row.label, *(_cell(figures, figure) for figure in ("AP", "AP50", "AP75", "best AP", "best AP50")),
                      f"{runs} of {study.seeds}" if runs < study.seeds else str(runs)])
    chosen = ("on the images that the figures are of, so that its figures are too good" if not one.test_on else
              "on a set of its own")
    note = (f"In percent. AP, AP50 and AP75 are those of the last checkpoint. The best checkpoint was chosen {chosen}; "
            "it stands beside the last one for comparison.")
    if not any("average recall" in entry["figures"] for entry in rows.values()):
        return markdown_table(["row", "AP", "AP50", "AP75", "best checkpoint: AP", "AP50", "runs"], table) + ["", note]
    for line, name in zip(table, study.rows):
        line.insert(4, _cell(rows[name]["figures"], "average recall") if name in rows else "")
    return markdown_table(["row", "AP", "AP50", "AP75", "average recall of the proposals", "best checkpoint: AP",
                           "AP50", "runs"], table) + ["", f"{note} Average recall is over the IoUs 0.5 to 0.95."]


def _classes(study: Study, rows: Mapping[str, Any]) -> List[str]:
    names = list(dict.fromkeys(name[len(_PER_CLASS):] for row in rows.values() for name in row["figures"]
                               if name.startswith(_PER_CLASS)))
    if len(names) < 2:
        return []
    table = [[study.rows[row].label, *(_cell(entry["figures"], _PER_CLASS + name) for name in names)]
             for row, entry in rows.items()]
    return ["AP50 of each class:", "", *markdown_table(["row", *names], table), ""]


def _claims(study: Study, rows: Mapping[str, Any], mixed: bool) -> List[str]:
    if not study.steps:
        return []
    table = []
    for step in judge_steps(study, rows, mixed):
        change = "" if step["change"] is None else f"{step['change']:+.1f} {step['metric']}"
        table.append([f"{study.rows[step['before']].label} → {study.rows[step['row']].label}", step["claim"], change,
                      step["verdict"]])
    return ["What is claimed of the rows, and what came out. Two rows are told apart where they differ by more than "
            "the sum of their standard deviations.", "",
            *markdown_table(["step", "claim", "change", "verdict"], table, 2), ""]


def _costs(study: Study, rows: Mapping[str, Any]) -> List[str]:
    tested = any("test images/s" in entry["figures"] for entry in rows.values())
    columns = [("images/s in training", "images/s", ".2f"),
               *([("images/s in the test", "test images/s", ".2f")] if tested else []),
               ("minutes of processors", "processor minutes", ".0f"), ("minutes by the clock", "minutes", ".0f"),
               ("load", "load", ".1f")]
    table = []
    for name, entry in rows.items():
        figures = entry["figures"]
        table.append([study.rows[name].label, *(_cell(figures, figure, form) for _, figure, form in columns),
                      f"{figures['parameters']['mean'] / 1e6:.2f}", f"{figures['epochs']['mean']:g}"])
    note = ("Images a second in training are the median over the steps"
            + (", those in the test are from the files to the boxes" if tested else "") + ". Minutes include the "
            "tests. The load is the machine's load average meanwhile: where it differs between rows, other work ran "
            "beside them, and only minutes of processors can be compared, roughly.")
    return [*markdown_table(["row", *(title for title, _, _ in columns), "parameters, M", "epochs"], table), "", note]


def _rows(study: Study) -> List[str]:
    lines = ["## The rows", "", f"All start from the configuration `{study.base}`"
             + (f", with {_entries(study.values)}" if study.values else "") + ".", ""]
    for row in study.rows.values():
        inherited = {} if row.source is None else study.rows[row.source].values
        own = {key: value for key, value in row.values.items() if inherited.get(key) != value or key not in inherited}
        lines.append(f"- **{row.label}** (`{row.name}`): {_beginning(row)}{_entries(own) or 'nothing is changed'}")
    return [*lines, ""]


def _beginning(row: Row) -> str:
    """Says what a row that begins with the checkpoint of another one does with it."""
    return "" if row.source is None else {
        TRAIN: f"trained from the weights of `{row.source}`; ", TEST: f"a test of the checkpoint of `{row.source}`; ",
        SVMS: f"support vector machines on the features of `{row.source}`; "}[row.kind]


def _how(study: Study, results: Sequence[Mapping[str, Any]], command: str) -> List[str]:
    lines = ["## How to run it again", "", "```", command, "```", "",
             f"DATA is the folder that holds a folder of each data set: {', '.join(study.data_sets)}. The command "
             "goes on where it was stopped; `lhrcnn study --help` says how to run a part of it."]
    if results:
        machines = dict.fromkeys(machine_line(dict(result["machine"], date=f"{result['machine']['cpus']} cores"))
                                 for result in results)
        dates = sorted(result["date"] for result in results)
        versions = dict.fromkeys(", ".join(f"{name} {version}" for name, version in result["versions"].items())
                                 for result in results)
        minutes = sum(result["seconds"] for result in results) / 60
        stopped = sum(result["attempts"] > 1 for result in results)
        when = f"on {dates[0]}" if dates[0] == dates[-1] else f"from {dates[0]} to {dates[-1]}"
        lines += ["", f"{len(results)} runs, {minutes:.0f} minutes in all, {when}, by "
                  f"{'; '.join(machines)}. Versions: {'; '.join(versions)}."
                  + (f" Stopped in between, and gone on with from the last checkpoint: {stopped} of the runs, whose "
                     "minutes include what was done twice." if stopped else "")]
    return lines


def _command(study: Study, state: State) -> str:
    """Returns the command that runs the whole study as it was run."""
    overrides = map(shlex.quote, recorded_overrides(study, state))
    return " ".join(["lhrcnn study", shlex.quote(study.word), "--data DATA", *overrides])


def _entries(values: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}: {_plain(value)}`" for key, value in values.items())


def _plain(value: Any) -> str:
    """Returns a value as a configuration file has it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_plain, value))}]"
    return repr(value) if value == "" else str(value)


def _cell(figures: Figures, name: str, form: str = ".1f") -> str:
    if name not in figures:
        return ""
    mean, spread = figures[name]["mean"], figures[name]["spread"]
    return format(mean, form) + ("" if spread is None else f" ± {format(spread, form)}")


def _without_repeated_blanks(lines: Sequence[str]) -> str:
    kept: List[str] = []
    for line in lines:
        if line or kept and kept[-1]:
            kept.append(line)
    return "\n".join(kept).rstrip() + "\n"
