"""docs/fast-rcnn/proposals.md has the rules as the code has them, and its commands are understood."""
from pathlib import Path

import pytest

from light_head_rcnn.data.proposals import RULES
from light_head_rcnn.data.proposals.entry import MOST_BOXES
from light_head_rcnn.data.proposals.opencv import EDGE_MODEL_ADDRESS

FILE = Path(__file__).resolve().parents[3] / "docs" / "fast-rcnn" / "proposals.md"
if not FILE.exists():
    pytest.skip("the pages are not part of this copy", allow_module_level=True)
PAGE = FILE.read_text(encoding="utf-8")


def test_the_rules_are_those_of_the_code():
    lines = PAGE.splitlines()
    start = lines.index("| rule | what it means |") + 2
    rows = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[start:start + len(RULES)]]
    assert rows == [(f"`{name}`", meaning) for name, meaning in RULES.items()]
    assert not lines[start + len(RULES)].startswith("|")


def test_what_is_said_is_so():
    assert EDGE_MODEL_ADDRESS in PAGE and MOST_BOXES == 10_000_000 and "ten million boxes" in PAGE
