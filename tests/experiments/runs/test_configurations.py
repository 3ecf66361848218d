"""Comparing of configurations: what changes no result is passed over, the rest is named."""
import pytest

from light_head_rcnn.engine.config import overlay_text
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.paper_tables.rows import row_file
from light_head_rcnn.experiments.runs import configurations


def text(**entries):
    return overlay_text(row_file("b2"), {key.replace("__", "."): value for key, value in entries.items()})


@pytest.mark.parametrize("key, value", [
    ("TRAIN__NUM_WORKERS", 0), ("TEST__NUM_WORKERS", 0), ("TRAIN__CHECKPOINT_STEPS", 5), ("gpus", "3"),
    ("dataset__dataset_path", "data//coco"), ("output_path", "elsewhere"), ("MXNET_VERSION", "x")])
def test_what_changes_no_result(key, value):
    assert configurations.differences(text(), text(**{key: value})) == []


@pytest.mark.parametrize("key, value", [
    ("TRAIN__lr", 0.5), ("TEST_SCALES", [[32, 32]]), ("dataset__ON_ERROR", "skip"), ("dataset__val", "x.json"),
    ("network__pretrained", "x.params"), ("dataset__dataset_path", "./other")])
def test_what_changes_a_result_is_named(key, value):
    line, = configurations.differences(text(), text(**{key: value}))
    assert line.startswith(key.replace("__", ".") + ": ") and line.endswith(f"{value!r} now")


def test_what_was_moved_as_a_whole_is_the_same():
    first, moved, other = (text(output_path=f"{place}/out/b", network__pretrained=f"{weights}/out/a/a.params")
                           for place, weights in (("/old", "/old"), ("/new", "/new"), ("/new", "/third")))
    assert configurations.differences(first, moved) == [] and len(configurations.differences(first, other)) == 1


def test_texts_of_earlier_versions_and_other_places_are_read():
    own = text(TRAIN__lr=0.5)
    moved = own.replace(str(row_file("b2").parents[1]), "/no/such/place")
    assert moved != own and configurations.differences(moved + "FORMER_KEY: 1\n", own) == []


def test_mixed_runs_are_told():
    plain, changed, row = text(), text(TRAIN__lr=0.5), text(TRAIN__lr=0.7)
    found = configurations.changed_values([("a", changed, plain, ()), ("a", changed, plain, ()),
                                           ("c", row, row, ["TRAIN.lr"])])
    assert found == {"TRAIN.lr": {"0.5": ["a"]}} and configurations.mixed_lines(found) == []
    assert configurations.changed_words(found) == "TRAIN.lr 0.5"
    mixed = configurations.changed_values([("a", changed, plain, ()), ("b", plain, plain, ()), ("c", "", plain, ())])
    line, = configurations.mixed_lines(mixed)
    assert line.startswith("TRAIN.lr is 0.5 in a, but 0.0") and line.endswith(" in b")
    line, = configurations.mixed_lines(configurations.changed_values([("c", row, changed, ["TRAIN.lr"])]))
    assert line == "TRAIN.lr is 0.7 in c, but 0.5 in c as it is planned now"


def test_what_each_run_has_for_itself_is_refused():
    assert configurations.own_keys_refused(["TRAIN.lr=1"], ["seed"], "leave it out") == {"TRAIN.lr": 1}
    with pytest.raises(UsageError, match="seed cannot be set for all runs, for each has its own: leave it out"):
        configurations.own_keys_refused(["TRAIN.lr=1", "seed", "3"], ["seed"], "leave it out")
