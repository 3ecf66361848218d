"""The four stages end to end, stopped between two and resumed, and the detector that they make."""
import shutil
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import DataError
from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.training.alternate import proposals
from light_head_rcnn.engine.training.alternate.stages import STAGES, AlternateTraining, stage_config
from light_head_rcnn.experiments.commands import test as test_command
from light_head_rcnn.experiments.commands import train_alternate

SHARED = ["conv1", "bn_conv1", "res2", "bn2", "res3", "bn3", "gamma", "beta"]
OPTIONS = ["TRAIN.END2END", "false", "network.FIXED_PARAMS_SHARED", str(SHARED), "TEST.PROPOSAL_PRE_NMS_TOP_N", "40",
           "TEST.PROPOSAL_POST_NMS_TOP_N", "12", "TRAIN.ALTERNATE.RPN_BATCH_IMAGES", "1"]
for stage in ("rpn1", "rfcn1", "rpn2", "rfcn2"):
    OPTIONS += [f"TRAIN.ALTERNATE.{stage}_lr", "0.001", f"TRAIN.ALTERNATE.{stage}_epoch", "1"]


@pytest.fixture(scope="module")
def command(configure):
    cfg = configure("alternate")
    return ["--cfg", configure.file, "--cpu", "dataset.dataset_path", cfg.dataset.dataset_path,
            "output_path", cfg.output_path] + OPTIONS


@pytest.fixture(scope="module")
def run(configure, command):
    """Folder of a whole run."""
    assert train_alternate.main(command) == 0
    return Path(configure("alternate").output_path)


def load(run, stage, epoch=1):
    return {name: array.asnumpy() for name, array in mx.nd.load(str(run / stage) + f"-{epoch:04d}.params").items()}


@pytest.mark.slow
def test_reports_and_exit_status_tell_of_an_image_that_breaks(run, command, monkeypatch, tmp_path):
    def break_an_image(training):
        training._dataset.log.report_once("image_unreadable", "1.png is broken")
        training.failures.append("1.png is broken")
        return str(run / "light_head_rcnn-0000")

    monkeypatch.setattr(AlternateTraining, "run", break_an_image)
    assert train_alternate.main(command + ["output_path", str(tmp_path), "dataset.test_image_set", ""]) == 1
    assert "1.png is broken" in (tmp_path / "train_set.json").read_text()


def test_the_last_two_stages_make_one_detector(run, command, tmp_path):
    rpn1, rfcn1, rpn2, rfcn2 = (load(run, f"{name}/{name}") for name in ("rpn1", "rfcn1", "rpn2", "rfcn2"))
    final = load(run, "light_head_rcnn", 0)
    symbol = mx.sym.load(str(run / "light_head_rcnn-symbol.json"))
    assert {name[4:] for name in final} == set(symbol.list_arguments() + symbol.list_auxiliary_states()) - {
        "data", "im_info", "gt_boxes", "label", "bbox_target", "bbox_weight"} | {
        "bbox_pred_weight_test", "bbox_pred_bias_test"}
    for name, array in final.items():
        np.testing.assert_array_equal(array, (rfcn2 if name in rfcn2 else rpn2)[name], err_msg=name)
        if name in rpn2 and any(word in name for word in SHARED):
            np.testing.assert_array_equal(rpn2[name], rfcn1[name])
            np.testing.assert_array_equal(rfcn2[name], rfcn1[name])
    assert (rfcn2["arg:res4a_branch2a_weight"] != rfcn1["arg:res4a_branch2a_weight"]).any()
    assert (rpn2["arg:rpn_conv_3x3_weight"] != rpn1["arg:rpn_conv_3x3_weight"]).any()
    assert (run / "test" / "metrics.json").is_file()
    assert test_command.main(command + ["--out", str(tmp_path)]) == 0
    # The combined checkpoint brings its configuration along.
    assert test_command.main(["--cpu", "--checkpoint", str(run / "light_head_rcnn-0000"), "--out", str(tmp_path)]) == 0


def test_stopped_between_two_stages(run, command, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "run")
    again = command + ["output_path", str(tmp_path / "run")]
    shutil.rmtree(tmp_path / "run" / "rfcn2")
    (tmp_path / "run/rpn2/proposals-0001.npz").unlink()
    assert train_alternate.main(again) == 2
    assert "pass --resume" in capsys.readouterr().err
    assert train_alternate.main(again + ["--resume"]) == 0
    for name, array in load(run, "light_head_rcnn", 0).items():
        np.testing.assert_array_equal(load(tmp_path / "run", "light_head_rcnn", 0)[name], array, err_msg=name)


def test_proposals_file(run, configure):
    dataset = build_dataset(configure("run"), "train")
    path = run / "rpn1" / "proposals-0001.npz"
    found = proposals.load_proposals(path, dataset)
    assert set(found) == {record.path for record in dataset.records}
    for record in dataset.records:
        boxes = found[record.path]
        assert boxes.dtype == np.float32 and 0 < len(boxes) <= 12
        assert len(np.unique(boxes, axis=0)) == len(boxes)
        assert (boxes >= 0).all() and (boxes[:, 2] <= record.width).all() and (boxes[:, 3] <= record.height).all()
    scores = np.load(path)["scores"]
    # Probabilities, about a half after so little training, whatever the scale of the images.
    assert ((scores > 0.2) & (scores < 0.8)).all()
    with pytest.raises(DataError, match="other images"):
        proposals.load_proposals(path, build_dataset(configure("run"), "val"))
    with pytest.raises(DataError, match="nowhere.npz: there is no such file of proposals"):
        proposals.load_proposals(run / "nowhere.npz", dataset)


def test_recall(configure):
    dataset = build_dataset(configure("run"), "val")
    exact = [np.insert(record.boxes, 4, 1, axis=1) for record in dataset.records]
    assert proposals.recall(dataset, exact) == 1
    assert proposals.recall(dataset, [rows + [500, 0, 500, 0, 0] for rows in exact]) == 0
    exact[0] = exact[0][:0]
    assert proposals.recall(dataset, exact) == pytest.approx(
        len(dataset.records[1].boxes) / sum(len(record.boxes) for record in dataset.records))


@pytest.mark.parametrize("overrides, message", [
    (["TRAIN.ALTERNATE.rpn2_lr", "0"], "TRAIN.ALTERNATE.rpn2_lr is 0.0"),
    (["TRAIN.ALTERNATE.rfcn2_epoch", "0"], "TRAIN.ALTERNATE.rfcn2_epoch is 0"), (["symbol", ""], "symbol is ''")])
def test_what_is_missing_is_named(command, tmp_path, capsys, overrides, message):
    assert train_alternate.main(command + ["output_path", str(tmp_path / "run")] + overrides) == 2
    assert message in capsys.readouterr().err


def test_a_test_set_without_the_classes_is_refused_before_training(command, renamed, tmp_path, capsys):
    folder = tmp_path / "run"
    assert train_alternate.main(command + ["output_path", str(folder), "dataset.dataset_path", renamed,
                                           "dataset.classes", "circle"]) == 2
    assert "has no box of the classes circle, only of blob, star, triangle" in capsys.readouterr().err
    assert not folder.exists()


def test_stages_take_their_own_entries(configure):
    cfg = configure("run", *OPTIONS, "TRAIN.ALTERNATE.rfcn1_lr_step", "0.5", "network.FIXED_PARAMS", "[conv1]")
    first, second, third, _ = (stage_config(cfg, stage) for stage in STAGES)
    assert (first.TRAIN.BATCH_IMAGES, second.TRAIN.BATCH_IMAGES) == (1, 2)
    assert (first.TRAIN.lr_step, second.TRAIN.lr_step) == ("", "0.5")
    assert second.network.FIXED_PARAMS == ("conv1",) and third.network.FIXED_PARAMS == tuple(SHARED)
    assert first.output_path.endswith("run/rpn1") and first.TRAIN.model_prefix == "rpn1"
