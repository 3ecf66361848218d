"""The tables of the benchmark of detectors, as lines of text under 120 columns."""
import textwrap
from typing import Any, Dict, List, Mapping, Sequence

from ..timing import format_quartiles
from .candidate import BATCHES, NETWORK, STREAM, WHOLE
from .engine_models import MATRIX

HEADER = (f"{'detector':28}{'reads':>9}  {'engine':13}{'precision':9}{'network, ms (quartiles)':>24}"
          f"{'JPEG to boxes, ms':>24}{'images/s':>9}")
RATE_HEADER = f"{'':63}{'GFLOP':>8}{'GFLOP/s':>10}{'matrix product':>16}{'share':>8}"
STREAM_HEADER = f"{'images/s':63}{'stream':>10}{'network, 1':>12}" + "".join(f"{part:>12}" for part in BATCHES.values())
WORK_HEADER = f"{'detector':39}{'RoIs':>6}{'candidates':>12}{'detections':>12}  {'answer of the network'}"


def format_tables(results: Mapping[str, Any]) -> List[str]:
    """Returns the lines of all tables.

    Args:
        results: "rows", "goals", "rates", "skipped", see `benchmark.run`.
    """
    rows = results["rows"]
    lines = [HEADER, *map(format_row, rows), "", WORK_HEADER, *_work_lines(rows)]
    if any(STREAM in row["parts"] for row in rows):
        lines += ["", STREAM_HEADER, *(format_stream(row) for row in rows if STREAM in row["parts"])]
    if results["rates"]:
        lines += ["", RATE_HEADER, *map(format_rate, results["rates"])]
    lines += ["", "goals, from the JPEG file to boxes; ratios within one round, with quartiles over the rounds"]
    for goal in results["goals"]:
        lines += format_goal(goal)
    if results["skipped"]:
        lines += ["", "not run"]
        for name, reason in results["skipped"]:
            lines += textwrap.wrap(f"{name}: {reason}", 118, initial_indent="  ", subsequent_indent="    ")
    return lines


def format_row(row: Mapping[str, Any]) -> str:
    """Returns the line of a row under `HEADER`."""
    parts: Dict[str, Dict[str, float]] = row["parts"]
    times = [format_quartiles(parts[part], 1) if part in parts else "" for part in (NETWORK, WHOLE)]
    speed = f"{parts[WHOLE]['images_per_second']:.1f}" if WHOLE in parts else ""
    return (f"{row['name']:28}{row['size']:>9}  {row['engine']:13}{row['precision']:9}{times[0]:>24}{times[1]:>24}"
            f"{speed:>9}")


def format_stream(row: Mapping[str, Any]) -> str:
    """Returns the line of a row under `STREAM_HEADER`."""
    speeds = [row["parts"][part]["images_per_second"] for part in (STREAM, NETWORK, *BATCHES.values())]
    return f"{row['label']:63}{speeds[0]:>10.1f}" + "".join(f"{speed:>12.1f}" for speed in speeds[1:])


def format_rate(rate: Mapping[str, Any]) -> str:
    """Returns the line, under `RATE_HEADER`, of an entry of `goals.rates`."""
    machine = "" if rate["matrix_rate"] is None else f"{rate['matrix_rate']:.0f}"
    share = "" if rate["share"] is None else f"{rate['share']:.0%}"
    return f"{rate['label']:63}{rate['gflop']:>8.1f}{rate['rate']:>10.0f}{machine:>16}{share:>8}"


def format_goal(goal: Mapping[str, Any]) -> List[str]:
    """Returns the lines of an entry of `goals.check_goals`: its verdict, then each comparison."""
    lines = [f"{goal['verdict']:12} {goal['goal']}"]
    for comparison in goal["comparisons"]:
        lines.append(f"{'':13}{comparison['ours']:24}{format_quartiles(comparison['ratio'], 2):>20}  "
                     f"{comparison['verdict']}")
    return lines


def _work_lines(rows: Sequence[Mapping[str, Any]]) -> List[str]:
    lines = []
    for row in rows:
        if row["name"] == MATRIX:
            continue
        numbers = ["" if row["work"].get(key) is None else row["work"][key]
                   for key in ("rois", "candidates", "detections")]
        line = (f"{row['name']:29}{row['size']:>9} {numbers[0]:>6}{numbers[1]:>12}{numbers[2]:>12}  "
                f"{row['inside'] or 'boxes after NMS'}")
        if line not in lines:
            lines.append(line)
    return lines
