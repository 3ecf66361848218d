"""docs/data.md has the table of faults as the code has it."""
from pathlib import Path

from light_head_rcnn.data.assembling.faults import ACTIONS, KINDS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "data.md").read_text(encoding="utf-8")


def rows_below(heading):
    """The rows of the table under a line of headings, as tuples of cells."""
    lines = PAGE.splitlines()
    start = lines.index(heading) + 2
    end = next(number for number in range(start, len(lines)) if not lines[number].startswith("|"))
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[start:end]]


def test_the_actions_are_those_of_the_code():
    assert rows_below("| action | what it means |") == [(f"`{name}`", meaning) for name, meaning in ACTIONS.items()]


def test_the_kinds_are_those_of_the_code():
    assert rows_below("| kind | what is wrong | what can be done, the default first |") == [
        (f"`{name}`", kind.meaning, ", ".join(kind.actions)) for name, kind in KINDS.items()]
