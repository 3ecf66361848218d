"""Everything that is written: the pages of the tables, their pictures, and docs/why-light.md."""
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

from ...engine.files import write_json
from . import checks, pictures, running, table_pages, why_light
from .ablation import ablation_markdown, compare_steps, rank_rows
from .figures import SMALL, collect_figures
from .growth_page import growth_markdown
from .index_page import Picture, index_markdown, paper_scale_markdown
from ..runs.configurations import changed_words
from ..runs.markdown import write_text
from .quotations import read_quotations
from .row_counts import count_all
from .rows import ROWS, table_keys
from ..runs.state import State
from .statistics import summarize_runs


def measured_state(work: Union[str, Path]) -> State:
    """Returns what `measurements.measure` keeps in the folder `work`."""
    return State(Path(work) / "measured.json")


def runs_state(work: Union[str, Path], scale: str) -> State:
    """Returns what `running.run_all` keeps of the runs on a smaller data set."""
    return State(Path(work) / scale / "state.json")


def paper_state(work: Union[str, Path]) -> State:
    """Returns the results at the paper's scale, see `paper_results`."""
    return State(Path(work) / "paper" / "state.json")


def write_all(out: Union[str, Path], work: Union[str, Path]) -> List[checks.Check]:
    """Writes all pages from the results so far.

    Args:
        out: folder that takes the tables; why-light.md comes beside it.
        work: folder of the states.

    Returns:
        What `checks.check_claims` returns.
    """
    out, keys = Path(out), table_keys("all")
    measured, paper, counts = measured_state(work), paper_state(work), count_all(keys)
    states = {scale: runs_state(work, scale) for scale in SMALL}
    small = {scale: summarize_runs(state, ROWS) for scale, state in states.items()}
    changes = {scale: running.changes_of_runs(state, scale, Path(work) / scale) for scale, state in states.items()}
    words = {scale: changed_words(of_scale) for scale, of_scale in changes.items()}
    tables = [collect_figures(key, counts, measured, small, paper, words) for key in keys]
    for table in tables:
        table_pages.write_table(table, out)
    times, growth = measured.get("times"), measured.get("growth")
    quoted = next(quote.figures["multiply_adds"] for quote in read_quotations() if "multiply_adds" in quote.figures)
    found = checks.check_claims(counts, times, growth, quoted)
    drawn = _draw(out, tables, times, growth, small)
    write_json(out / "checks.json", found)
    if growth is not None:
        write_json(out / "growth.json", growth)
        write_text(out / "growth.md", growth_markdown(growth))
    write_json(out / "chain.json", {
        scale: {"order": rank_rows(results), "steps": compare_steps(results, changes[scale])}
        for scale, results in small.items()})
    parts = [index_markdown(tables, found, drawn, measured.get("machine"))]
    parts.append("\n".join(ablation_markdown(scale, results, changes[scale]) for scale, results in small.items()
                           if results))
    write_text(out / "README.md", "".join(parts) + "\n" + paper_scale_markdown(paper))
    write_text(out.parent / "why-light.md", why_light.page_markdown(measured))
    return found


def _draw(out: Path, tables: List[Dict[str, Any]], times: Optional[Mapping[str, Any]],
          growth: Optional[List[Dict[str, Any]]], small: Mapping[str, Dict[str, Any]]) -> List[Picture]:
    """Draws what there are figures for; returns the title and the file name of each picture."""
    pictures.plot_speed(*pictures.speed_points(tables, times or {}), out / "speed.png")
    drawn = [("Speed against accuracy", "speed.png")]
    if times:
        pictures.plot_stages(_distinct_times(tables, times), ROWS, out / "stages.png")
        drawn.append(("Time by stage", "stages.png"))
    if growth:
        pictures.plot_growth(growth, out / "growth.png")
        drawn.append(("Cost against classes, RoIs and image size", "growth.png"))
    for scale, results in small.items():
        if results:
            pictures.plot_ablation(results, ROWS, scale, out / f"chain_{scale}.png")
            drawn.append((f"The rows trained on {scale}", f"chain_{scale}.png"))
    return drawn


def _distinct_times(tables: List[Dict[str, Any]], times: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the times of rows, one for rows that run the same network, without those that test several views: what
    is timed is one view of an image."""
    views = {row["name"]: row["passes"] for table in tables for row in table["rows"]}
    found: Dict[str, Any] = {}
    for name in ROWS:
        if name in times and times[name] not in found.values() and views[name] == 1:
            found[name] = times[name]
    return found
