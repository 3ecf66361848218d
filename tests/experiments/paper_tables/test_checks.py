"""The paper's claims: each holds on one side of its bound, fails on the other, and is not run without figures."""
import pytest

from light_head_rcnn.experiments.paper_tables import checks


def counts(classifier=145e6, rfcn=1.0, separable=3.0, thin=0.2):
    """Counts as `row_counts.count_all` returns them, of those rows that the claims are about."""
    return {"xception_classifier": {"multiply_adds": {"body": classifier - 5e5, "head": 5e5}},
            "b2": {"multiply_adds": {"neck": rfcn}}, "large_separable": {"multiply_adds": {"neck": separable}},
            "thin_psroi_pool": {"multiply_adds": {"neck": thin}}}


def times(**medians):
    """Times of rows in milliseconds, with those of GluonCV's detectors."""
    peers = {"ssd_300_vgg16": 100, "ssd_300_vgg16 without NMS": 90, "yolo3_darknet53": 120}
    return {name: {"total": {"median": median}} for name, median in dict(peers, **medians).items()}


def growth(light, rfcn):
    """How often as much a row costs at the most classes, for the light rows and R-FCN."""
    return [{"axis": "classes", "row": row, "classes": classes, "multiply_adds": ratio if classes > 500 else 1,
             "milliseconds": {"median": 2 * ratio if classes > 500 else 2}}
            for row, ratio in (("b2", rfcn), ("psroi_align", light), ("s_800", light)) for classes in (21, 1231)]


def verdicts(words, **arguments):
    """The verdicts of the claims that contain some words."""
    given = dict(counts=counts(), times=None, growth=None, quoted_multiply_adds=145e6)
    return [checks.verdict(check) for check in checks.check_claims(**dict(given, **arguments))
            if words in check["claim"]]


@pytest.mark.parametrize("words, found, verdict", [
    ("Table 7", counts(146e6), "holds"), ("Table 7", counts(149e6), "fails"), ("Table 7", counts(141e6), "fails"),
    ("about three times", counts(), "holds"), ("about three times", counts(separable=3.6), "fails"),
    ("about three times", counts(separable=2.4), "fails"), ("thin map", counts(), "holds"),
    ("thin map", counts(thin=1.1), "fails")])
def test_counts(words, found, verdict):
    assert verdicts(words, counts=found) == [verdict]


@pytest.mark.parametrize("light, rfcn, verdict", [(1.2, 6, "holds"), (1.6, 6, "fails"), (1.2, 4, "fails")])
def test_growth(light, rfcn, verdict):
    for words in ("setting L: from 21 to 1231 classes multiply-adds", "setting L: from 21 to 1231 classes time",
                  "setting S: from 21 to 1231 classes multiply-adds", "setting S: from 21 to 1231 classes time"):
        assert verdicts(words, growth=growth(light, rfcn)) == [verdict]


@pytest.mark.parametrize("words, medians, verdict", [
    ("S at 700/1100 is faster than SSD300", {"s_700": 99}, "holds"),
    ("S at 700/1100 is faster than SSD300", {"s_700": 101}, "fails"),
    ("S at 800/1200 is faster than SSD300 with VGG-16 even", {"s_800": 89}, "holds"),
    ("S at 800/1200 is faster than SSD300 with VGG-16 even", {"s_800": 95}, "fails"),
    ("YOLOv3", {"s_800": 119}, "holds"), ("YOLOv3", {"s_800": 121}, "fails"),
    ("than at 800/1200", {"s_700": 70, "s_800": 80}, "holds"),
    ("than at 800/1200", {"s_700": 80, "s_800": 70}, "fails"),
    ("more than 5 times as fast", {"s_800": 80, "rfcn_600": 410}, "holds"),
    ("more than 5 times as fast", {"s_800": 80, "rfcn_600": 390}, "fails"),
    ("Setting L is not faster", {"psroi_align": 110, "b2": 100}, "holds"),
    ("Setting L is not faster", {"psroi_align": 90, "b2": 100}, "fails")])
def test_times(words, medians, verdict):
    assert verdicts(words, times=times(**medians)) == [verdict]


def test_without_figures_claims_were_not_run():
    found = checks.check_claims(counts(), None, None, 145e6)
    assert [checks.verdict(check) for check in found] == ["holds"] * 3 + ["not run"] * 11
    assert checks.format_check(found[-1]) == "not run  Setting L is not faster than R-FCN at the same size (not run)"
