"""Quoted figures: each has its source, and those of the paper are the paper's."""
import re

import pytest
import yaml

from light_head_rcnn.experiments.paper_tables.quotations import FILE, read_quotations, read_steps
from light_head_rcnn.experiments.paper_tables.rows import ABLATION, ROWS, TABLES


def test_every_line_has_a_source_and_a_figure():
    for quote in read_quotations():
        assert quote.table in TABLES and quote.figures
        assert re.search(r"arXiv 1711\.07264|https://", quote.source), quote


def test_lines_stand_beside_rows_of_their_tables():
    known = set(ROWS) | {"xception_classifier", "ssd_300_vgg16", None}
    assert {quote.beside for quote in read_quotations()} <= known
    for quote in read_quotations():
        assert quote.beside not in ROWS or quote.beside in TABLES[quote.table].rows, quote


def test_steps_follow_the_ablation():
    steps = read_steps()
    assert all({step.row, step.before} <= set(ABLATION) and step.sign in (-1, 1) and step.source for step in steps)
    assert [step.row for step in steps] == sorted({step.row for step in steps}, key=ABLATION.index)


def test_figures_are_plausible():
    for quote in read_quotations():
        for name, value in quote.figures.items():
            assert 0 < value < 100 or name in ("FPS", "multiply_adds")
        if {"APs", "APm", "APl"} <= set(quote.figures):
            assert quote.figures["APs"] < quote.figures["APm"] < quote.figures["APl"]


def test_abstract_of_the_paper():
    """The two figures that its abstract gives: 30.7 at 102 frames a second."""
    fast, = (quote for quote in read_quotations() if quote.table == 8 and quote.beside == "s_700")
    assert (fast.figures["AP"], fast.figures["FPS"]) == (30.7, 102)


@pytest.mark.parametrize("line, complaint", [
    ({"method": "X", "backbone": "Y", "AP": 1.0}, "its source must be one of a"),
    ({"method": "X", "backbone": "Y", "AP": 1.0, "source": "b"}, "its source must be one of a"),
    ({"method": "X", "backbone": "Y", "source": "a"}, "no figure"),
    ({"method": "X", "backbone": "Y", "APx": 1.0, "AP": 2.0, "source": "a"}, "unknown entry APx"),
])
def test_broken_lines_are_named(tmp_path, line, complaint):
    path = tmp_path / "quotations.yaml"
    path.write_text(yaml.safe_dump({"sources": {"a": "A"}, "tables": {3: [line]}}))
    with pytest.raises(ValueError, match="table 3, X: " + complaint):
        read_quotations(path)


def test_no_figure_stands_elsewhere():
    """None of the modules holds a quoted accuracy."""
    accuracies = {f"{quote.figures['AP']:g}" for quote in read_quotations() if quote.figures.get("AP", 1) % 1}
    for path in FILE.parent.glob("*"):
        if path.suffix in (".py", ".md"):
            numbers = set(re.findall(r"(?<![\d.])\d+\.\d+(?![\d.])", path.read_text()))
            assert not numbers & accuracies, path
