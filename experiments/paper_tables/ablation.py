"""The ablation on a smaller data set: the order of its rows, and each step beside what the paper says of it."""
from typing import Any, Dict, List, Mapping, Sequence

from ..runs.configurations import changed_words, mixed_lines
from ..runs.markdown import markdown_table
from ..runs.statistics import judge_claim, told_apart
from .quotations import read_steps
from .rows import ROWS
from .scales import SCALES

# From `statistics.summarize_runs`.
Results = Mapping[str, Dict[str, Any]]
# From `running.changes_of_runs`.
Changes = Mapping[str, Mapping[str, Sequence[str]]]
NOT_COMPARABLE = "not comparable"


def rank_rows(results: Results) -> List[Dict[str, Any]]:
    """Ranks the rows by AP, the best first; those that have none, for there was nothing to find, are left out.

    Returns:
        Dicts with mean, spread, row, label, runs, and told_apart_from_next (see `statistics.told_apart`; None for the
        last row).
    """
    ranked = sorted(_with_accuracy(results), key=lambda name: -results[name]["figures"]["AP"]["mean"])
    found = []
    for name, after in zip(ranked, ranked[1:] + [None]):
        value = results[name]["figures"]["AP"]
        apart = told_apart(value, results[after]["figures"]["AP"]) if after else None
        found.append(dict(value, row=name, label=ROWS[name], runs=results[name]["runs"], told_apart_from_next=apart))
    return found


def compare_steps(results: Results, changes: Changes) -> List[Dict[str, Any]]:
    """Compares each step of the ablation whose two rows have been run with the direction that the paper gives.

    Returns:
        Dicts with the entries of `quotations.Step`, change (of AP, in percent) and verdict: agrees, disagrees, not told
        apart, "one run" where the spread is not known, or "not comparable" where the runs of the rows are mixed.
    """
    found, known, mixed = [], _with_accuracy(results), mixed_lines(changes)
    for step in read_steps():
        if step.row in known and step.before in known:
            after, before = (results[name]["figures"]["AP"] for name in (step.row, step.before))
            change, verdict = judge_claim(before, after, step.sign)
            found.append(dict(step._asdict(), change=change, verdict=NOT_COMPARABLE if mixed else verdict))
    return found


def ablation_markdown(scale: str, results: Results, changes: Changes) -> str:
    """Returns the part of a page that shows the ablation on the data set `scale`, of `scales.SCALES`."""
    order, mixed = rank_rows(results), mixed_lines(changes)
    lines = ["", f"## The order that comes out on {scale}", "",
             "AP in percent, mean and standard deviation of the runs, measured. A row is told apart from the next one "
             "where they differ by more than the sum of their spreads.", ""]
    if mixed:
        lines += [f"**Rows cannot be compared, for the runs are mixed:** {'; '.join(mixed)}.", ""]
    lines += markdown_table(["row", "AP", "runs", "told apart from the next"], [
        [entry["label"], f"{entry['mean']:.2f}" + ("" if entry["spread"] is None else f" ± {entry['spread']:.2f}"),
         str(entry["runs"]), "" if mixed else {True: "yes", False: "no", None: ""}[entry["told_apart_from_next"]]]
        for entry in order])
    minutes = sum(result["seconds"] for result in results.values()) / 60
    runs = sum(result["runs"] for result in results.values())
    changed = changed_words(changes)
    lines += ["", f"Data: {SCALES[scale].data}. Each row's file with `{SCALES[scale].file}` laid over it, from scratch "
              f"on one backbone{f', with {changed}' if changed else ''}; {runs} runs, {minutes:.0f} minutes "
              "added up, although several may have run side by side.", "", "### Step by step, beside the paper", ""]
    lines += markdown_table(["step", "change of AP, measured", "verdict", "the paper, quoted"], [
        [ROWS[step["row"]], f"{step['change']:+.2f}", step["verdict"], step["says"]]
        for step in compare_steps(results, changes)])
    return "\n".join(lines)


def _with_accuracy(results: Results) -> List[str]:
    return [name for name in results if "AP" in results[name]["figures"]]
