"""The policy for faults, and the account of them."""
import json
import pickle

import pytest
from light_head_rcnn.data import ACTIONS, KINDS, DataError, FaultLog, FaultPolicy
from light_head_rcnn.errors import UsageError


def test_every_kind_has_actions_that_are_explained():
    for kind in KINDS.values():
        assert set(kind.actions) <= set(ACTIONS) and "error" in kind.actions and kind.meaning


def test_defaults_are_the_first_actions():
    policy = FaultPolicy()
    assert {kind: policy.action(kind) for kind in KINDS} == {name: kind.actions[0] for name, kind in KINDS.items()}
    assert (policy.action("box_over_edge"), policy.action("box_inverted")) == ("clip", "drop")
    assert (policy.action("image_ambiguous"), policy.action("image_id_twice")) == ("error", "error")


def test_raise_makes_errors_of_what_would_leave_something_out():
    policy = FaultPolicy("raise")
    kept = {kind: policy.action(kind) for kind in KINDS if policy.action(kind) != "error"}
    assert kept == {"box_over_edge": "clip", "image_listed_twice": "keep", "image_truncated": "keep",
                    "size_differs": "keep", "orientation_undecided": "keep"}


def test_skip_leaves_out_what_would_be_an_error():
    policy = FaultPolicy("skip")
    assert not any(policy.action(kind) == "error" for kind in KINDS)
    assert policy.action("image_ambiguous") == "drop" and policy.action("box_over_edge") == "clip"


def test_a_mapping_changes_the_kinds_that_it_names():
    policy = FaultPolicy({"box_over_edge": "error", "box_inverted": "ignore"})
    assert (policy.action("box_over_edge"), policy.action("box_inverted")) == ("error", "ignore")
    assert policy.action("box_outside") == "drop"


@pytest.mark.parametrize("on_error, message", [
    ("ignore", "on_error is 'ignore'"), (None, "on_error is None"), ({"box_over_the_edge": "clip"}, "no kind of fault"),
    ({"box_outside": "clip"}, "box_outside cannot be 'clip'; it can be drop, error")])
def test_other_policies_are_refused(on_error, message):
    with pytest.raises(UsageError, match=message):
        FaultPolicy(on_error)


def test_a_fault_that_is_met_again_counts_once():
    log = FaultLog(FaultPolicy({"image_missing": "error"}))
    for _ in range(2):
        log.report_once("image_unreadable", "1.jpg: empty")
        log.report_once("image_unreadable", "2.jpg: empty")
    assert log.counts == {"image_unreadable": 2}
    assert log.examples == {"image_unreadable": ["1.jpg: empty", "2.jpg: empty"]}
    for _ in range(2):
        with pytest.raises(DataError, match="3.jpg"):
            log.report_once("image_missing", "3.jpg")


def test_faults_are_counted_and_the_first_are_kept():
    log = FaultLog(FaultPolicy())
    assert not log.table() and log.as_json() == {} and log.left_out == 0
    assert {log.report("box_outside", f"box {i}") for i in range(5)} == {"drop"}
    assert log.report("box_over_edge", "over") == "clip"
    assert log.counts == {"box_outside": 5, "box_over_edge": 1} and log.left_out == 5
    report = json.loads(json.dumps(log.as_json()))
    assert list(report) == ["box_over_edge", "box_outside"]  # in the order of the kinds
    assert report["box_outside"] == {"count": 5, "action": "drop", "meaning": KINDS["box_outside"].meaning,
                                     "examples": ["box 0", "box 1", "box 2"]}
    lines = log.table().splitlines()
    assert len(lines) == 6 and "box_outside" in lines[2] and " 5 " in lines[2] and lines[-1].strip() == "box 2"


@pytest.mark.parametrize("kind, way_on", [("box_inverted", "drop"), ("box_over_edge", "clip"), ("name broken", "drop")])
def test_an_error_says_how_to_go_on(kind, way_on):
    log = FaultLog(FaultPolicy({kind: "error"} if kind in KINDS else "raise"))
    with pytest.raises(DataError) as caught:
        log.report(kind, "a.xml: object 1")
    assert str(caught.value).startswith("a.xml: object 1 ") and caught.value.kind == kind
    assert f"on_error={{'{kind}': '{way_on}'}}" in str(caught.value)
    if kind in KINDS:  # what the message advises works
        assert FaultLog(FaultPolicy({kind: way_on})).report(kind, "a.xml: object 1") == way_on


def test_kinds_of_a_readers_own_are_dropped_or_errors():
    assert FaultLog(FaultPolicy()).report("name broken", "x") == "drop"
    with pytest.raises(DataError):
        FaultLog(FaultPolicy("raise")).report("name broken", "x")


def test_errors_survive_the_way_from_a_worker():
    error = pickle.loads(pickle.dumps(DataError("message", "kind")))
    assert (str(error), error.kind) == ("message", "kind")
