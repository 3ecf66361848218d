"""What the pages have in common: tables in Markdown, the machine in words, and writing."""
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence

from ...engine.files import atomic_write


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> List[str]:
    """Returns the lines of a table, whose first columns, of words, are aligned to the left and the others to the right.

    Args:
        header: titles of the columns.
        rows: cells.
        words: how many columns have words.
    """
    return ["| " + " | ".join(header) + " |", "|---" * words + "|--:" * (len(header) - words) + "|"] + [
        "| " + " | ".join(cells) + " |" for cells in rows]


def machine_line(machine: Optional[Mapping[str, Any]]) -> str:
    """Returns what `benchmarks.machine.describe_machine` returned in words; None: "not measured"."""
    if not machine:
        return "not measured"
    threads = "1 thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    return (f"{machine['cpu']}, {threads}, MXNet {machine['mxnet']}, Python {machine['python']}, "
            f"{machine['date']}")


def write_text(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all."""
    with atomic_write(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
