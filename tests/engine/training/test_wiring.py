"""Every configuration key reaches what it is meant for: here the optimizer, its learning rates, and the run.

See tests/engine/building/test_wiring.py, which also checks that no key is without a row.
"""
import logging
import math
from pathlib import Path
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from light_head_rcnn import data
from light_head_rcnn.engine.building import roi_loader
from light_head_rcnn.engine.building.pretrained import PretrainedReport
from light_head_rcnn.engine.checkpoints.choosing import Choice
from light_head_rcnn.engine.config import load_config, with_values
from light_head_rcnn.engine.parallel import joining
from light_head_rcnn.engine.training import resuming, run, schedule, trainables
from light_head_rcnn.engine.training.alternate import stages
from light_head_rcnn.engine.training.objectives import Objective
from light_head_rcnn.errors import TrainingError

CLASSES = ("a", "b")
LOGGER = logging.getLogger("test")
NO_MINING = {"TRAIN.ENABLE_OHEM": False, "TRAIN.BATCH_ROIS": 32}
TINY = {"symbol": "xception_rfcn_light", "SCALES": [32, 64]}
# The learning rates of `of_schedule` in a short training.
SHORT = {"TRAIN.lr": 1.0, "TRAIN.warmup_lr": 0.25, "TRAIN.warmup_step": 10, "TRAIN.lr_step": "2"}


def of_roi_batches(cfg, record):
    """What the targets of given RoIs are made with: arguments of `sample_roi_targets`, and `rois`, the rows."""
    targets = roi_loader.RoiTargets(cfg, 3, candidates=5)
    boxes = np.array([[0, 0, 9, 9, 1], [0, 0, 9, 8, 0]], np.float32)
    made = np.zeros((2, 4)), np.zeros(2), np.zeros((2, 8)), np.zeros((2, 8))
    recorder = record(roi_loader, "sample_roi_targets", made)
    try:
        targets(None, boxes, 32, 32, np.random.RandomState(0))
    except ValueError:
        pass  # fewer rows than `TRAIN.BATCH_ROIS` asks for: the recorder does not make up more
    return dict(recorder.arguments, rois=targets.rois)


def of_stages(cfg, record):
    """Values of the configurations of all stages of alternate training, with the name of the stage before them."""
    needed = {f"{stage.name}_{what}": 1 for stage in stages.STAGES for what in ("lr", "epoch")}
    flat = {f"TRAIN.ALTERNATE.{name}": value for name, value in needed.items() if not cfg.TRAIN.ALTERNATE[name]}
    cfg = with_values(cfg, flat)
    found = {}
    for stage in stages.STAGES:
        stage_cfg = stages.stage_config(cfg, stage)
        found.update({f"{stage.name}.{name}": stage_cfg.TRAIN[name]
                      for name in ("lr", "lr_step", "end_epoch", "BATCH_IMAGES")})
        found[f"{stage.name}.output_path"] = stage_cfg.output_path
        found[f"{stage.name}.FIXED_PARAMS"] = stage_cfg.network.FIXED_PARAMS
    return found


def of_group(cfg, record):
    """How the group of processes is joined."""
    recorder = record(joining, "_joined")
    joining.join_group(cfg)
    return recorder.arguments


def of_optimizer(cfg, record):
    """Arguments of the optimizer, with its options one by one, and the factors of the parts' learning rates."""
    recorder = record(gluon, "Trainer")
    biased = gluon.nn.Dense(2, in_units=2, prefix="head_")
    net = SimpleNamespace(neck=gluon.nn.Dense(2, in_units=2), backbone=gluon.nn.Dense(2, in_units=2),
                          collect_params=biased.collect_params)
    schedule.set_gluon_factors(cfg, net)
    schedule.build_optimizer(cfg, {})
    return {**recorder.arguments, **recorder.arguments["optimizer_params"], "lr_mult": net.neck.weight.lr_mult,
            "backbone_lr_mult": net.backbone.weight.lr_mult, "bias_lr_mult": biased.bias.lr_mult,
            "bias_wd_mult": biased.bias.wd_mult}


def of_schedule(cfg, record):
    """Learning rates of steps 1, 6, 11, 150, 201 and 301 where an epoch has 100 steps of two images."""
    rate = schedule.learning_rates(cfg, 2, 100)
    return {f"step {step}": rate(step) for step in (1, 6, 11, 150, 201, 301)}


def of_gluon_start(cfg, record):
    """Words of the parameters that stay fixed, and the batch size, in the training of a Gluon model."""
    net = SimpleNamespace(features=SimpleNamespace(feature_size=None), stride=16, collect_params=dict)
    record(trainables, "build_net", net)
    record(trainables, "initialize", PretrainedReport())
    for name in ("warn_of_fixed_layers", "set_gluon_factors", "build_losses", "LossesObjective", "log_boxes"):
        record(trainables, name)
    loader, fixed = record(trainables, "build_train_loader"), record(trainables, "fix_parameters", [])
    trainables.gluon_trainable(cfg, SimpleNamespace(classes=CLASSES), run.Start([mx.cpu(0), mx.cpu(1)], LOGGER))
    return dict(words=fixed.arguments["words"], batch_size=loader.arguments["batch_size"])


def of_graph_start(cfg, record):
    """The parameters that stay fixed, the batch size, and the cells of the largest side, in the training of a graph."""
    record(trainables, "initial_weights", ({}, PretrainedReport()))
    record(trainables, "log_boxes")
    record(trainables, "set_graph_factors")
    loader = record(trainables, "build_train_loader")
    objective = record(trainables, "GraphObjective", SimpleNamespace(block=SimpleNamespace(collect_params=dict)))
    trainables.graph_trainable(cfg, SimpleNamespace(classes=CLASSES), run.Start([mx.cpu(0), mx.cpu(1)], LOGGER))
    cells = loader.arguments["feature_size"]
    sides = [side for side in range(16, 129, 16) if has_cells(cells, side)]
    return dict(fixed=objective.arguments["fixed"], batch_size=loader.arguments["batch_size"], sides=sides)


def has_cells(cells, side):
    try:
        return cells(side) > 0
    except data.DataError:
        return False


def of_run(cfg, record):
    """Arguments of what a run is made of, each with the name of its function or class before it."""
    averaged = record(Objective, "start_average")
    objective = SimpleNamespace(start_average=lambda *arguments: averaged(None, *arguments))
    dataset, trainable = SimpleNamespace(classes=CLASSES, summary=str), trainables.Trainable(objective, range(100), {})
    results = {"build_dataset": dataset, "build_test_set": dataset, "build_optimizer": None,
               "requested_checkpoint": None, "learning_rates": None, "UnreadableHook": None,
               "Trainer": SimpleNamespace(objective=None, loader=None),
               "LogHook": None, "CheckpointHook": None, "TestHook": None, "BestHook": None, "EarlyStoppingHook": None,
               "NanPolicy": None, "ScalarsHook": None, "gluon_trainable": trainable, "graph_trainable": trainable}
    recorders = {name: record(run, name, result) for name, result in results.items()}
    recorders["random"] = record(mx.random, "seed")
    run.TrainingRun(cfg, [mx.cpu(0), mx.cpu(1)], LOGGER)
    recorders["average"] = averaged
    found = {f"{name}.{argument}": value for name, recorder in recorders.items()
             for argument, value in recorder.arguments.items()}
    return dict(found, trained="graph" if recorders["graph_trainable"].arguments else "model")


# Rows: key, a value off its default, what is looked at, the argument, what it must be, and other keys that are needed.
ROWS = [
    # Alternate training.
    ("TRAIN.BATCH_ROIS", 32, of_roi_batches, "rois", 32, {}),
    ("TRAIN.FG_FRACTION", 0.5, of_roi_batches, "fg_rois", 16, NO_MINING),
    ("TRAIN.FG_THRESH", 0.6, of_roi_batches, "fg_thresh", 0.6, {}),
    ("TRAIN.BG_THRESH_HI", 0.4, of_roi_batches, "bg_thresh_hi", 0.4, {}),
    ("TRAIN.BG_THRESH_LO", 0.1, of_roi_batches, "bg_thresh_lo", 0.1, {}),
    ("TRAIN.BBOX_MEANS", [0, 0, 0, 1], of_roi_batches, "means", (0, 0, 0, 1), {}),
    ("TRAIN.BBOX_STDS", [1, 1, 1, 2], of_roi_batches, "stds", (1, 1, 1, 2), {}),
    ("CLASS_AGNOSTIC", False, of_roi_batches, "num_classes", 3, {}),
    *((f"TRAIN.ALTERNATE.{stage.name}_{what}", value, of_stages, f"{stage.name}.{name}", value, {})
      for stage in stages.STAGES for what, name, value in (("lr", "lr", 0.5), ("lr_step", "lr_step", "3,4"),
                                                          ("epoch", "end_epoch", 9))),
    *((f"TRAIN.ALTERNATE.{part}_BATCH_IMAGES", 5, of_stages, f"{stage}.BATCH_IMAGES", 5, {})
      for part, stage in (("RPN", "rpn1"), ("RPN", "rpn2"), ("RCNN", "rfcn1"), ("RCNN", "rfcn2"))),
    ("TRAIN.BATCH_IMAGES", 5, of_stages, "rfcn2.BATCH_IMAGES", 5, {}),
    ("network.FIXED_PARAMS", ["x"], of_stages, "rfcn1.FIXED_PARAMS", ("x",), {}),
    ("output_path", "/out", of_stages, "rpn2.output_path", "/out/rpn2", {}),
    ("network.FIXED_PARAMS_SHARED", ["x"], of_stages, "rpn2.FIXED_PARAMS", ("x",), {}),
    # The optimizer, its learning rates, and what is not trained.
    ("TRAIN.optimizer", "adam", of_optimizer, "optimizer", "adam", {}),
    ("TRAIN.momentum", 0.5, of_optimizer, "momentum", 0.5, {}),
    ("TRAIN.wd", 0.25, of_optimizer, "wd", 0.25, {}),
    ("TRAIN.CLIP_GRADIENT", 3, of_optimizer, "clip_gradient", 3, {}),
    ("default.kvstore", "local", of_optimizer, "kvstore", "local", {}),
    ("default.GROUP_TIMEOUT", 7.5, of_group, "seconds", 7.5, {"default.kvstore": "dist_sync"}),
    ("TRAIN.LIGHT_HEAD_LR_MULT", 2, of_optimizer, "lr_mult", 2, {}),
    ("TRAIN.BACKBONE_LR_MULT", 0.2, of_optimizer, "backbone_lr_mult", 0.2, {}),
    ("TRAIN.BIAS_LR_MULT", 2, of_optimizer, "bias_lr_mult", 2, {}),
    ("TRAIN.BIAS_WD_MULT", 1, of_optimizer, "bias_wd_mult", 1, {}),
    ("TRAIN.lr_schedule", "cosine", of_schedule, "step 150", 2 * 0.5 * (1 + math.cos(math.pi * 140 / 391)),
     {**SHORT, "TRAIN.end_epoch": 4}),
    ("TRAIN.end_epoch", 2, of_schedule, "step 150", 2 * 0.5 * (1 + math.cos(math.pi * 140 / 191)),
     {**SHORT, "TRAIN.lr_schedule": "cosine"}),
    ("TRAIN.lr", 3.0, of_schedule, "step 11", 6.0, SHORT),
    ("TRAIN.lr_factor", 0.5, of_schedule, "step 201", 1.0, SHORT),
    ("TRAIN.lr_step", "1,2.5", of_schedule, "step 150", 0.2, SHORT),
    ("TRAIN.lr_step", "1,2.5", of_schedule, "step 301", 0.02, SHORT),
    ("TRAIN.warmup", False, of_schedule, "step 1", 2.0, SHORT),
    ("TRAIN.warmup_lr", 0.5, of_schedule, "step 1", 1.0, SHORT),
    ("TRAIN.warmup_step", 20, of_schedule, "step 11", 0.5, SHORT),
    ("TRAIN.warmup_method", "linear", of_schedule, "step 6", 2 * (0.25 + 0.6 * 0.75), SHORT),
    ("network.FIXED_PARAMS", ["x", "y"], of_gluon_start, "words", ("x", "y"), {}),
    ("network.FIXED_PARAMS", ["rpn_conv"], of_graph_start, "fixed", ("rpn_conv_3x3_weight", "rpn_conv_3x3_bias"), TINY),
    ("TRAIN.BATCH_IMAGES", 3, of_gluon_start, "batch_size", 6, {}),
    ("TRAIN.BATCH_IMAGES", 3, of_graph_start, "batch_size", 6, TINY),
    ("SCALES", [32, 96], of_graph_start, "sides", (32, 64, 96), TINY),
    ("TRAIN.SCALES", [[32, 96]], of_graph_start, "sides", (32, 64, 96), TINY),
    ("TRAIN.SCALE_JITTER", [0.5, 2], of_graph_start, "sides", (32, 64, 96, 128), TINY),
    ("network.IMAGE_STRIDE", 16, of_graph_start, "sides", (16, 32, 48, 64), TINY),
    # The run.
    ("TRAIN.end_epoch", 5, of_run, "Trainer.epochs", 5, {}),
    ("TRAIN.EMA_DECAY", 0.9, of_run, "average.decay", 0.9, {}),
    ("network.NORM", "batch", of_run, "average.with_statistics", True, {"TRAIN.EMA_DECAY": 0.9}),
    ("TRAIN.begin_epoch", 2, of_run, "Trainer.step", 200, {}),
    ("seed", 3, of_run, "Trainer.seed", 3, {}),
    ("seed", 3, of_run, "random.seed_state", 3, {}),
    ("symbol", "xception_rfcn_light", of_run, "trained", "graph", {}),
    ("TRAIN.BATCH_IMAGES", 3, of_run, "learning_rates.images", 6, {}),
    ("dataset.image_set", "one", of_run, "build_dataset.image_set", "one", {}),
    ("default.frequent", 7, of_run, "LogHook.every", 7, {}),
    ("output_path", "/out", of_run, "ScalarsHook.folder", Path("/out"), {}),
    ("output_path", "/out", of_run, "CheckpointHook.prefix", "/out/light_head_rcnn", {}),
    ("TRAIN.model_prefix", "mine", of_run, "CheckpointHook.prefix", "output/light_head/mine", {}),
    ("TRAIN.CHECKPOINT_STEPS", 7, of_run, "CheckpointHook.every_steps", 7, {}),
    ("TRAIN.KEEP_CHECKPOINTS", 7, of_run, "CheckpointHook.keep", 7, {}),
    ("TRAIN.SAVE_EVERY_MINUTES", 7.5, of_run, "CheckpointHook.every_minutes", 7.5, {}),
    ("TRAIN.TEST_EVERY", 7, of_run, "TestHook.every", 7, {}),
    ("TRAIN.BEST_METRIC", "AP50", of_run, "BestHook.metric", "AP50", {"TRAIN.TEST_EVERY": 1}),
    ("TRAIN.BEST_METRIC", "AP50", of_run, "EarlyStoppingHook.metric", "AP50", {"TRAIN.EARLY_STOP_TESTS": 2}),
    ("TRAIN.ON_NAN", "skip", of_run, "NanPolicy.action", "skip", {}),
    ("TRAIN.MAX_SKIPPED_BATCHES", 7, of_run, "NanPolicy.most", 7, {}),
    ("TRAIN.EARLY_STOP_TESTS", 7, of_run, "EarlyStoppingHook.patience", 7, {}),
]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{row[2].__name__}-{row[3]}" for row in ROWS])
def test_a_key_reaches_its_object(row, check_wiring):
    check_wiring(*row)


def test_resuming_is_asked_for(monkeypatch):
    monkeypatch.setattr(resuming, "choose_latest_or_best", lambda prefix: Choice(prefix + "-0007", []))
    with pytest.raises(TrainingError, match="pass --resume"):
        resuming.requested_checkpoint(load_config(), "run/x", LOGGER)
    cfg = load_config(None, {"TRAIN.RESUME": True})
    assert resuming.requested_checkpoint(cfg, "run/x", LOGGER) == "run/x-0007"
    cfg = load_config(None, {"TRAIN.RESUME": True, "TRAIN.begin_epoch": 3})
    assert resuming.requested_checkpoint(cfg, "run/x", LOGGER) == "run/x-0003"
