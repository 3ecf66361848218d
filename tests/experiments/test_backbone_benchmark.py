"""The benchmark of backbones: what it counts, the order of its runs, its verdicts, its table, JSON and picture."""
import json

import pytest
from PIL import Image

from light_head_rcnn.experiments.benchmarks import backbone_picture, backbones
from light_head_rcnn.experiments.commands import benchmark
from light_head_rcnn.gluon_models import backbone_names

PAIR = ("vovnet27_slim", "xception")


def row(name, form="classifier", milliseconds=10, multiply_adds=10 ** 9, accesses=10 ** 7):
    return {"backbone": name, "form": form, "size": [224, 224], "setting": "L", "parameters": 10 ** 6,
            "multiply_adds": multiply_adds, "memory_access": accesses,
            "time": {"median": milliseconds, "low": milliseconds, "high": milliseconds}}


def test_rounds_alternate_their_order_and_counts_are_of_the_forms(monkeypatch):
    """The n-th run takes n milliseconds."""
    order = []

    def time_case(case, repeats):
        order.append((case.backbone, case.form))
        return [len(order)] * repeats

    monkeypatch.setattr(backbones, "time_case", time_case)
    lines = []
    rows = backbones.measure(backbones.all_cases(PAIR, (224, 224), (320, 480)), 2, 3, lines.append)
    forward = [(name, form) for form in ("classifier", "detector") for name in PAIR]
    assert order == forward + forward[::-1]
    assert [r["time"]["median"] for r in rows] == [(1 + 8) / 2, (2 + 7) / 2, (3 + 6) / 2, (4 + 5) / 2]
    assert lines == ["round 1 of 2 is done", "round 2 of 2 is done"]
    assert [(r["backbone"], r["form"], r["size"], r["setting"]) for r in rows] == [
        (name, form, [224, 224] if form == "classifier" else [320, 480], "S") for name, form in forward]
    assert round(rows[0]["parameters"] / 1e6, 2) == 3.53 and 140e6 < rows[1]["multiply_adds"] < 150e6
    assert rows[2]["parameters"] < rows[0]["parameters"]  # no last layer


def test_time_case_runs_once_more_than_it_counts():
    found = backbones.time_case(backbones.Case("xception", "detector", (64, 96)), 2)
    assert len(found) == 2 and all(milliseconds > 0 for milliseconds in found)


def verdicts(rows):
    return {(check["form"], check["claim"].partition(" (")[0]): check["holds"]
            for check in backbones.check_claims(rows)}


@pytest.mark.parametrize("slower, holds", [(1.0, False), (1.15, True), (1.25, True), (1.4, False)])
def test_res2net_is_about_a_fifth_slower(slower, holds):
    rows = [row("resnet50_v1b"), row("res2net50", milliseconds=10 * slower)]
    found = verdicts(rows)
    assert found["classifier", "res2net50 is about 20% slower than resnet50_v1b"] is holds
    assert found["detector", "res2net50 is about 20% slower than resnet50_v1b"] is None
    assert found["classifier", "res2net101 is about 20% slower than resnet101_v1b"] is None


def test_vovnet_beside_others():
    rows = [row("vovnet39", "detector", 12, 2 * 10 ** 9, 10 ** 7), row("resnet50_v1b", "detector", 10),
            row("densenet121", "detector", 5, accesses=4 * 10 ** 6), row("resnet101_v1b", "detector", 11)]
    found = verdicts(rows)
    assert found["detector", "vovnet39 does more multiply-adds a second than resnet50_v1b"] is True
    assert found["detector", "vovnet39 does more multiply-adds a second than densenet121"] is False
    assert found["detector", "vovnet39 is faster than resnet101_v1b, whose cost is like its own"] is False
    assert found["detector", "vovnet39 reads and writes fewer numbers a multiply-add than densenet121"] is False


@pytest.mark.parametrize("name, family", [("vovnetv2_19_dw", "vovnetv2"), ("vovnet39", "vovnet"),
                                          ("res2net50", "res2net"), ("res2netplus50", "res2net"),
                                          ("resnext101_32x4d", "resnext"), ("resnet50_v1d", "resnet"),
                                          ("efficientnet_lite0", "efficientnet"), ("xception", "xception")])
def test_families(name, family):
    assert backbone_picture.family_of(name) == family


def test_every_claim_is_about_backbones_that_exist():
    assert {name for claim in backbones.CLAIMS for name in (claim.first, claim.second)} <= set(backbone_names())


def test_command(tmp_path, capsys):
    numbers, picture = tmp_path / "b.json", tmp_path / "picture"  # a PNG, whatever it is called
    assert benchmark.main(["backbones", "--backbones", *PAIR, "--classifier-size", "64", "64", "--detector-size", "64",
                           "96", "--rounds", "1", "--repeats", "1", "--json", str(numbers), "--picture",
                           str(picture)]) == 0
    found = json.loads(numbers.read_text())
    assert len(found["rows"]) == 4 and len(found["checks"]) == 2 * len(backbones.CLAIMS)
    assert {"machine", "rounds", "repeats"} < set(found)
    out = capsys.readouterr().out
    assert all(backbones.format_row(r) in out for r in found["rows"])
    assert all(backbones.format_check(c) in out for c in found["checks"])
    assert Image.open(picture).size[0] > 1000 and set(tmp_path.iterdir()) == {numbers, picture}


@pytest.mark.parametrize("words, message", [
    (["--backbones", "vgg"], "there is no backbone 'vgg'; known: alexnet"), (["--rounds", "0"], "--rounds is 0"),
    (["--detector-size", "32", "200"], "--detector-size is 32; it must be at least 64")])
def test_wrong_words(capsys, words, message):
    assert benchmark.main(["backbones", *words]) != 0
    assert message in capsys.readouterr().err
