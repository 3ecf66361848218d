"""The command that looks at anchors: on a set whose anchors fit, on one of other classes, and with mistakes."""
import re
from functools import partial

import pytest
import yaml

from light_head_rcnn.data import SHAPES_CLASSES
from light_head_rcnn.engine.building import anchor_report
from light_head_rcnn.engine.config import bundled_names, load_config
from light_head_rcnn.experiments.commands.data_anchors import CONFIGURATION, main
from light_head_rcnn.experiments.commands.data_sets import set_to_train_on


def run(capsys, *words):
    status = main([str(word) for word in words])
    return status, capsys.readouterr()


def lines_of_suggestion(text):
    return yaml.safe_load(text[text.index("\nnetwork:\n"):].split("\n\n")[0])


def test_the_anchors_of_another_size_of_objects(capsys, shapes):
    status, (out, _) = run(capsys, shapes, "--cfg", "bccd_s", "--size", "128,128")
    assert status == 0 and "set train: " in out and "resized to 128 x 128 pixels" in out
    assert "18 anchors in each cell of the map, those of bccd_s:" in out
    shares = [float(share) for share in re.findall(r"^  all .* (\d+) %", out, re.MULTILINE)]
    assert len(shares) == 2 and shares[0] < shares[1]
    # What is suggested is what a configuration takes, and covers as many boxes as was said.
    suggested = lines_of_suggestion(out)["network"]
    cfg = load_config("bccd_s", {f"network.{key}": values for key, values in suggested.items()})
    again = run(capsys, shapes, "--cfg", "bccd_s", "--size", "128,128",
                *(f"network.{key}={values}" for key, values in suggested.items()))[1].out
    count = len(cfg.network.ANCHOR_RATIOS) * len(cfg.network.ANCHOR_SCALES)
    assert f"{count} anchor" in again and re.search(rf"^  all .* {shares[1]:.0f} %", again, re.MULTILINE)


@pytest.mark.parametrize("options, where", [
    (["symbol=xception_rfcn_light"], "of the map"),
    (["network.model=light_head_rcnn_fpn_resnet50_v1_coco", "network.RPN_FEAT_STRIDE=[4,8,16,32,64]"],
     "of each level's map")])
def test_graphs_and_pyramids(capsys, shapes, options, where):
    status, (out, _) = run(capsys, shapes, "--cfg", "shapes_s", "network.ROI_POOL=psroi_pool", *options)
    assert status == 0 and f"5 anchors in each cell {where}, those of shapes_s" in out


def test_the_configuration_is_one_of_the_bundled_ones():
    assert CONFIGURATION in bundled_names()


def test_classes_are_those_that_are_asked_for(capsys, shapes):
    boxes = [int(re.search(r"(\d+) boxes to train on", run(capsys, shapes, "--cfg", "shapes_s", *words)[1].out)[1])
             for words in ([], [f"dataset.classes=[{SHAPES_CLASSES[0]}]"])]
    assert boxes[0] > boxes[1] > 0


@pytest.mark.parametrize("words, message", [
    (["--cfg", "shapes_fast_rcnn"], "error: shapes_fast_rcnn has no anchors: its boxes come from files of proposals"),
    (["--size", "600"], "--size '600': write the shorter edge"), (["--size", "900,600"], "such as 600,1000"),
    (["--set", "nothing"], "there is no image set 'nothing'"),
    (["dataset.classes=[unicorn]"], "no image of the set train has a box to train on")])
def test_mistakes_are_named(capsys, shapes, words, message):
    status, (_, err) = run(capsys, shapes, "--cfg", "shapes_s", *words)
    assert status != 0 and message in err


def test_a_set_that_is_large_is_drawn_from(capsys, shapes, monkeypatch):
    monkeypatch.setattr(anchor_report, "sample_boxes", partial(anchor_report.sample_boxes, most=5))
    assert "of which 5 are drawn" in run(capsys, shapes, "--cfg", "shapes_s")[1].out


def test_the_set_to_train_on():
    assert set_to_train_on(["all"]) == "all" and set_to_train_on(["val", "train"]) == "train"
    assert set_to_train_on(["part", "val"]) == "part"
