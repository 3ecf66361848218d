"""Training of a symbolic graph: resuming, checkpoints in the layout of the MXNet original, devices."""
import json
import pickletools
import shutil
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError, TrainingError
from light_head_rcnn.engine.reporting.scalars import read_scalars
from light_head_rcnn.engine.training.run import TrainingRun

METRICS = ["RPNAcc", "RPNLogLoss", "RPNL1Loss", "RCNNAcc", "RCNNLogLoss", "RCNNL1Loss"]
SAMPLED = ("TRAIN.optimizer", "adam", "TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS", 6)


def read_steps(cfg):
    """The lines of the steps; those of tests have no loss."""
    return [line for line in read_scalars(cfg.output_path + "/losses.jsonl") if "loss" in line]


def train(cfg, logger, contexts=None, **options):
    training = TrainingRun(cfg, contexts or [mx.cpu()], logger, **options)
    training.run()
    return training, read_steps(cfg)


def losses(lines):
    return [[line[name] for name in METRICS + ["loss", "lr"]] for line in lines]


def parameters(training):
    return {name: array.asnumpy() for name, array in training.trainer.objective.parameters().items()}


@pytest.fixture(scope="module")
def whole(configure, logger):
    """An unbroken run of two epochs: (training, lines of its log)."""
    return train(configure("whole"), logger)


@pytest.fixture
def trained(configure, whole, tmp_path):
    """Function that gives a copy of the first `epochs` epochs of the unbroken run, and its configuration."""
    def copy(*overrides, epochs=2):
        shutil.copytree(Path(configure("whole").output_path), tmp_path / "copy")
        for epoch in range(epochs + 1, 3):
            for path in (tmp_path / "copy").glob(f"*-{epoch:04d}.*"):
                path.unlink()
        return configure("copy", "output_path", tmp_path / "copy", *overrides)

    return copy


def assert_continues(training, lines, whole):
    assert losses(lines) == losses(whole[1])
    found = parameters(training)
    for name, array in parameters(whole[0]).items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_resumed_run_continues_the_unbroken_one(whole, trained, logger):
    assert len(whole[1]) == 6 and all(np.isfinite(losses(whole[1])).ravel())
    assert_continues(*train(trained(epochs=1), logger, resume=True), whole)


def test_the_keys_of_the_mxnet_original_resume_at_the_epoch_they_name(whole, trained, logger):
    assert_continues(*train(trained("TRAIN.RESUME", True, "TRAIN.begin_epoch", 1, epochs=1), logger), whole)


@pytest.mark.slow
def test_resumed_run_with_adam_and_sampled_rois(configure, logger):
    expected = train(configure("adam", *SAMPLED), logger)
    first = configure("adam-broken", *SAMPLED, "TRAIN.end_epoch", 1)
    train(first, logger)
    assert_continues(*train(configure("adam-broken", *SAMPLED), logger, resume=True), expected)


def test_parameters_alone_as_the_mxnet_original_saves_them_begin_an_epoch(whole, trained, logger):
    cfg = trained("TRAIN.RESUME", True, "TRAIN.begin_epoch", 1, epochs=1)
    for end in ("json", "states"):
        Path(cfg.output_path, f"light_head_rcnn-0001.{end}").unlink()
    training = TrainingRun(cfg, [mx.cpu()], logger)
    assert training.trainer.step == 3
    saved = mx.nd.load(cfg.output_path + "/light_head_rcnn-0001.params")
    np.testing.assert_array_equal(parameters(training)["fc_new_1_weight"], saved["arg:fc_new_1_weight"].asnumpy())


def test_parameters_that_do_not_fit_are_listed(whole, trained, logger):
    cfg = trained("TRAIN.RESUME", True, "TRAIN.begin_epoch", 1, "CLASS_AGNOSTIC", False, epochs=1)
    Path(cfg.output_path, "light_head_rcnn-0001.json").unlink()
    with pytest.raises(CheckpointError, match=r"bbox_pred_weight is \(8, 2048\) in the file, \(16, 2048\)"):
        TrainingRun(cfg, [mx.cpu()], logger)


def test_earlier_run_is_not_overwritten(whole, trained, logger):
    cfg = trained()
    with pytest.raises(TrainingError, match="light_head_rcnn-0002. To go on from it pass --resume"):
        TrainingRun(cfg, [mx.cpu()], logger)


def test_layout_of_checkpoints(configure, whole):
    base = Path(configure("whole").output_path, "light_head_rcnn")
    for epoch in (1, 2):
        arrays = mx.nd.load(f"{base}-{epoch:04d}.params")
        roles = {name: role for role, _, name in (name.partition(":") for name in arrays)}
        assert roles.pop("bbox_pred_weight_test") == roles.pop("bbox_pred_bias_test") == "arg"
        symbol = mx.sym.load(f"{base}-symbol.json")
        inputs = {"data", "im_info", "gt_boxes", "label", "bbox_target", "bbox_weight"}
        assert {name for name in roles if roles[name] == "arg"} == set(symbol.list_arguments()) - inputs
        assert {name for name in roles if roles[name] == "aux"} == set(symbol.list_auxiliary_states())
    stds = np.tile([0.1, 0.1, 0.2, 0.2], 2)[:, None]
    np.testing.assert_allclose(arrays["arg:bbox_pred_weight_test"].asnumpy(),
                               arrays["arg:bbox_pred_weight"].asnumpy() * stds, rtol=1e-6)
    assert set(mx.nd.load(f"{base}-0002.states")) == set(symbol.list_arguments()) - inputs
    with pytest.raises(ValueError):
        list(pickletools.genops(Path(f"{base}-0002.states").read_bytes()))
    assert "cfg" not in {key for node in json.loads(Path(f"{base}-symbol.json").read_text())["nodes"]
                         for key in node.get("attrs", {})}


def test_two_devices_share_a_batch(configure, logger):
    """Without batch statistics one step of two devices is that of one, whose losses are means over the batch."""
    options = ("network.NORM", "frozen", "TRAIN.end_epoch", 1, "TRAIN.lr", 0.0001)
    one = train(configure("one", *options), logger)
    two = train(configure("two", *options, "TRAIN.BATCH_IMAGES", 1), logger, [mx.cpu(0), mx.cpu(1)])
    np.testing.assert_allclose(losses(two[1])[0], losses(one[1])[0], rtol=1e-4)
    np.testing.assert_allclose(losses(two[1]), losses(one[1]), rtol=0.02, atol=0.05)
    assert two[0].trainer.total == 3


def test_learning_rate_is_that_of_the_schedule(configure, logger):
    cfg = configure("rate", "TRAIN.warmup", True, "TRAIN.warmup_lr", 0.0, "TRAIN.warmup_step", 3, "TRAIN.end_epoch", 1)
    training = TrainingRun(cfg, [mx.cpu()], logger)
    changes = []
    for batch in training.trainer.loader.epoch(0):
        before = parameters(training)["fc_new_1_weight"]
        training.trainer.train_step(batch)
        changes.append(bool((parameters(training)["fc_new_1_weight"] != before).any()))
    assert changes == [False, False, True]


def test_fixed_parameters_stay(configure, logger):
    words = ["conv1", "res2", "gamma", "beta"]
    cfg = configure("fixed", "network.FIXED_PARAMS", words, "TRAIN.end_epoch", 1)
    training = TrainingRun(cfg, [mx.cpu()], logger)
    before = parameters(training)
    training.run()
    for name, array in parameters(training).items():
        if "moving" not in name:
            assert (array == before[name]).all() == any(word in name for word in words), name
