"""What the pages have in common: tables in Markdown, the machine in words, and writing."""
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence

from ...engine.files import atomic_write


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    """Returns the lines of a table, whose first column is aligned to the left and the others to the right."""
    return ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"] + [
        "| " + " | ".join(cells) + " |" for cells in rows]


def machine_line(machine: Optional[Mapping[str, Any]]) -> str:
    """Returns what `benchmarks.machine.describe_machine` returned in words; None: "not measured"."""
    if not machine:
        return "not measured"
    return (f"{machine['cpu']}, {machine['threads']} threads, MXNet {machine['mxnet']}, Python {machine['python']}, "
            f"{machine['date']}")


def write_text(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all."""
    with atomic_write(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
