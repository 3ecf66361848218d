"""The points of the picture of speed against accuracy."""
from light_head_rcnn.experiments.paper_tables import pictures
from light_head_rcnn.experiments.paper_tables.quotations import read_quotations


def table(key, **rows):
    """A table as `figures.collect_figures` returns it, of rows whose quoted AP and method are given."""
    return {"table": key, "rows": [
        {"name": name, "size": [800, 1200], "figures": [] if accuracy is None else [
            {"figure": "AP", "mark": "quoted", "value": accuracy, "method": method}]}
        for name, (method, accuracy) in rows.items()]}


def test_points_that_were_measured_here():
    times = {name: {"total": {"median": median}} for name, median in (("s_800", 80), ("rfcn_600", 400), ("b2", 500))}
    small = "Light-Head R-CNN S"
    tables = [table(1, b2=("R-FCN baseline", 35.5)), table(6, rfcn_600=("R-FCN", 32.1), s_800=(small, None)),
              table(8, rfcn_600=("R-FCN", 29.9), s_800=(small, 31.5), s_700=(small, 30.7))]
    _, here = pictures.speed_points(tables, times)
    # Of table 1 none is shown, of two tables the later one's AP counts, and what was not timed has no point.
    assert here == [("R-FCN, 800/1200", 400, 29.9, False), ("Light-Head R-CNN S, 800/1200", 80, 31.5, True)]
    assert pictures.speed_points(tables, {})[1] == []


def test_points_that_others_published():
    published, _ = pictures.speed_points([], {})
    assert len(published) == sum("FPS" in quote.figures for quote in read_quotations()) > 5
    found = {label: point for label, *point in published}
    assert found["Light-Head R-CNN S, Xception-like, 700/1100"] == [1000 / 102, 30.7, True]
    assert found["SSD, VGG, 300/300"] == [1000 / 58, 25.1, False]
