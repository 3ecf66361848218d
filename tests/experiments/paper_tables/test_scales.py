"""Rows at a smaller scale: what stays, what shrinks, and what is trained."""
from pathlib import Path

import pytest

from light_head_rcnn.errors import ConfigError, UsageError
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.experiments.paper_tables import rows, scales
from light_head_rcnn.gluon_models import FasterRCNN, LightHeadFPN


@pytest.fixture
def small(tmp_path):
    """Function that gives the configuration of a row at the scale of Shapes."""
    def config(row, *overrides):
        runs, _ = scales.plan_runs([row], "shapes", 1, tmp_path, overrides)
        path = tmp_path / (row + ".yaml")
        path.write_text(runs[0].text)
        return load_config(path)

    return config


def test_all_rows_have_one_body_and_one_schedule(small):
    bodies, schedules = set(), set()
    for row in rows.ABLATION:
        cfg = small(row)
        net = build_net(cfg, ("a", "b"))
        bodies.add(str(sorted((name, p.shape) for name, p in net.features.collect_params().items())))
        train = cfg.TRAIN
        schedules.add((train.lr, train.end_epoch, train.lr_step, train.BATCH_IMAGES, train.BATCH_ROIS_OHEM,
                       train.RPN_POST_NMS_TOP_N, cfg.network.NORM, cfg.network.FIXED_PARAMS, cfg.network.pretrained,
                       cfg.dataset.dataset, cfg.TEST.RPN_POST_NMS_TOP_N))
    assert len(bodies) == 1 and len(schedules) == 1


@pytest.mark.parametrize("row, changed", [
    ("b2", {"SCALES", "network.ANCHOR_SCALES", "TRAIN.BBOX_LOSS_WEIGHT", "TEST.SCALES"}),
    ("thin_psroi_pool", {"network.model", "network.NECK", "network.HIDDEN_UNITS"}),
    ("thin_roi_pool", {"network.ROI_POOL"}),
    ("large_separable", {"network.NECK", "network.LIGHT_HEAD_RELU"}),
    ("hidden_fc", {"network.HIDDEN_UNITS"}),
    ("psroi_align", {"network.ROI_POOL"}),
    ("psroi_align_max", {"network.ROI_POOL"}),
    ("nms_50", {"TEST.NMS"}),
    ("multi_scale_train", {"TRAIN.SCALES"}),
    ("multi_scale_test", {"TEST.SCALES"}),
    ("multi_scale_flip_test", {"TEST.FLIP"}),
    ("soft_nms", {"TEST.USE_SOFTNMS"}),
])
def test_a_row_changes_what_it_changes_on_paper_alone(small, row, changed):
    before = {"b2": "b1", "thin_psroi_pool": "b2", "thin_roi_pool": "thin_psroi_pool",
              "large_separable": "thin_psroi_pool", "hidden_fc": "large_separable", "psroi_align": "hidden_fc",
              "psroi_align_max": "hidden_fc", "nms_50": "psroi_align", "multi_scale_train": "nms_50",
              "multi_scale_test": "multi_scale_train", "multi_scale_flip_test": "multi_scale_test",
              "soft_nms": "nms_50"}[row]
    different = different_keys(small(before), small(row))
    assert different - {"output_path", "TRAIN.model_prefix", "network.NUM_ANCHORS"} == changed


def different_keys(one, other, parents=()):
    found = set()
    for key in one:
        name = ".".join(parents + (key,))
        if isinstance(one[key], dict):
            found |= different_keys(one[key], other[key], parents + (key,))
        elif one[key] != other[key]:
            found.add(name)
    return found


def test_pixels_shrink(small):
    b1, b2 = small("b1"), small("b2")
    assert b1.SCALES == (96, 160) and b2.SCALES == (128, 192)
    assert b2.network.ANCHOR_SCALES == pytest.approx((0.32, 0.64, 1.28, 2.56, 5.12))
    assert small("multi_scale_train").TRAIN.SCALES[0] == (96, 192)
    cfg = small("b2", "TRAIN.end_epoch", "1", "TRAIN.lr_step=0.5")
    assert (cfg.TRAIN.end_epoch, cfg.TRAIN.lr_step) == (1, "0.5")


def test_rows_that_train_alike_are_trained_once():
    runs, missing = scales.plan_runs(rows.ABLATION, "shapes", 2, Path("x"))
    assert not missing and len(runs) == 2 * len(rows.ABLATION)
    weights = {run.key: run.weights for run in runs}
    for row, of in (("nms_50", "psroi_align"), ("soft_nms", "psroi_align"), ("multi_scale_test", "multi_scale_train"),
                    ("multi_scale_flip_test", "multi_scale_train"), ("hidden_fc", "hidden_fc"), ("b1", "b1")):
        assert [weights[f"{row}/{seed}"] for seed in (0, 1)] == [f"{of}/0", f"{of}/1"]
    trains = [run.trains for run in runs]
    assert trains == sorted(trains, reverse=True)  # weights are there before they are tested
    assert {run.seed for run in runs} == {0, 1} and "seed: 1" in runs[1].text


def test_rows_without_a_smaller_form_are_named():
    runs, missing = scales.plan_runs(["b1", "s_700", "voc_l"], "bccd", 1, Path("x"))
    assert [run.row for run in runs] == ["b1"] and missing == ["s_700", "voc_l"]


def test_other_detectors_shrink_too(small):
    cfg = small("fpn")
    net = build_net(cfg, ("a", "b"))
    # Anchors of 5 to 82 pixels, and levels that change at the same share of an image's side as on paper.
    assert isinstance(net, LightHeadFPN) and net.rpn.scales == pytest.approx((8 * 0.16,))
    assert cfg.network.FPN_CANONICAL_SIDE / cfg.SCALES[0] == pytest.approx(224 / 800, rel=0.01)
    cfg = small("faster_rcnn_2fc")
    assert isinstance(build_net(cfg, ("a", "b")), FasterRCNN) and not cfg.TRAIN.ENABLE_OHEM and not cfg.CLASS_AGNOSTIC


def test_mistakes_are_named():
    with pytest.raises(UsageError, match="--seeds is 0"):
        scales.plan_runs(["b1"], "shapes", 0, Path("x"))
    with pytest.raises(ConfigError, match="TRAIN.lr has no value; write TRAIN.lr VALUE or TRAIN.lr=VALUE"):
        scales.plan_runs(["b1"], "shapes", 1, Path("x"), ["TRAIN.lr"])
    with pytest.raises(UsageError, match="seed, output_path cannot be set for all runs, for each has its own: --seeds"):
        scales.plan_runs(["b1"], "shapes", 1, Path("x"), ["seed=3", "output_path=y"])
    with pytest.raises(UsageError, match="row b9: there is no configuration .*b9.yaml"):
        scales.plan_runs(["b9"], "shapes", 1, Path("x"))
