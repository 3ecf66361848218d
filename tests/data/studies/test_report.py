"""Tables of figures: a column for each set, a row for each figure or class."""
from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.data.studies.report import classes_table, sets_table
from light_head_rcnn.data.studies.statistics import set_statistics


def figures(*records, classes=2):
    return set_statistics(list(records), classes)


def rows(table):
    return {line.split("  ")[0].strip() or line.split("  ")[1].strip(): line for line in table.splitlines()}


PLAIN = make_record("a", "a.jpg", 640, 480, [Annotation((0, 0, 99, 49), 0), Annotation((0, 0, 10, 10), 1)])
EMPTY = make_record("b", "b.jpg", 100, 200, [])
MARKED = make_record("c", "c.jpg", 100, 200, [Annotation((0, 0, 9, 9), 1, crowd=True)], regions=[(0, 0, 5, 5)])


def test_a_column_for_each_set():
    table = rows(sets_table({"train": figures(PLAIN, EMPTY), "val": figures(MARKED)}))
    assert table["images"].split() == ["images", "2", "1"]
    assert table["without boxes"].split()[-2:] == ["1", "0"]
    assert table["crowd"].split()[-2:] == ["0", "1"] and table["places without known labels"].split()[-2:] == ["0", "1"]
    assert "100 / 370 / 640" in table["image width *"] and "0 / 1 / 2" in table["boxes in an image *"]
    assert "0.5 / 0.92 / 1.33" in table["width : height *"]
    assert "50 % / 50 % / 0 %" in table["small / medium / large boxes **"]
    assert "difficult" not in table and "ignored" not in table


def test_marks_that_no_box_has_are_not_in_the_table():
    table = rows(sets_table({"train": figures(PLAIN)}))
    assert not {"crowd", "difficult", "ignored", "places without known labels"} & set(table)


def test_a_row_for_each_class():
    table = rows(classes_table({"train": figures(PLAIN, EMPTY), "val": figures(MARKED)}, ("cat", "dog")))
    assert table["cat"].split()[1:] == ["1", "(1)", "0", "(0)"] and table["dog"].split()[1:] == ["1", "(1)", "1", "(1)"]


def test_long_names_are_cut_and_so_are_many_classes():
    names = ["n" * 60, *map(str, range(149))]
    table = classes_table({"train": figures(PLAIN, classes=150)}, names)
    assert "n" * 39 + "…" in table and len(table.splitlines()) == 102 and table.endswith("and 50 more classes")
