"""Trainings that average their weights: what is tested, saved and restored, on a handful of small images."""
import logging
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.checkpoints.checkpoint_files import read_checkpoint
from light_head_rcnn.engine.evaluation.run import TestResult
from light_head_rcnn.engine.inference.loading import load_network
from light_head_rcnn.engine.training import run
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.engine.training.trainer import Trainer
from light_head_rcnn.errors import TrainingError

LOGGER = logging.getLogger("test")
NETWORKS = {"gluon": "network: {model: light_head_rcnn_xception_coco}\n", "graph": "symbol: xception_rfcn_light\n"}
AVERAGED = ("TRAIN.EMA_DECAY", 0.8, "TRAIN.BACKBONE_LR_MULT", 0.3, "TRAIN.lr_schedule", "cosine")


@pytest.fixture(params=NETWORKS)
def configure(configuring, tmp_path, request, monkeypatch):
    """Configurations of a Gluon model and of a graph; tests after the last epoch are left out."""
    monkeypatch.setattr(run, "test_network", lambda *arguments: TestResult(None, []))
    return configuring(tmp_path, NETWORKS[request.param])


def train(cfg, contexts=None, **options):
    training = TrainingRun(cfg, contexts or [mx.cpu()], LOGGER, **options)
    training.run()
    return training


def weights(objective):
    return {name: array.asnumpy() for name, array in objective.parameters().items()}


def averages(objective):
    return {name: array.asnumpy() for name, array in objective.averaged_parameters().items()}


def assert_equal(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def saved(cfg, tag):
    arrays = mx.nd.load(f"{cfg.output_path}/light_head_rcnn-{tag}.params")
    return {name.partition(":")[2]: array.asnumpy() for name, array in arrays.items() if not name.endswith("_test")}


@pytest.mark.slow
def test_an_interrupted_run_ends_like_an_unbroken_one(configure, monkeypatch):
    """Once it ends with an epoch, and once it is killed inside the next."""
    whole = train(configure("whole", *AVERAGED)).trainer.objective
    cfg = configure("broken", "TRAIN.CHECKPOINT_STEPS", 1, *AVERAGED)
    step = Trainer.train_step
    for last in (3, 5):
        def die(self, batch, last=last):
            if self.step == last:
                raise KeyboardInterrupt
            return step(self, batch)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "train_step", die)
            with pytest.raises(KeyboardInterrupt):
                train(cfg, resume=last != 3)
    resumed = TrainingRun(cfg, [mx.cpu()], LOGGER, resume=True)
    assert resumed.trainer.step == 5
    resumed.run()
    assert_equal(weights(resumed.trainer.objective), weights(whole))
    assert_equal(averages(resumed.trainer.objective), averages(whole))
    assert resumed.trainer.objective.average.updates == whole.average.updates == 6
    assert_equal(saved(cfg, "0002"), saved(configure("whole"), "0002"))


def test_the_average_changes_no_loss_and_is_what_is_saved_and_loaded(configure):
    plain = train(configure("plain", "TRAIN.end_epoch", 1)).trainer.objective
    cfg = configure("run", "TRAIN.end_epoch", 1, "TRAIN.EMA_DECAY", 0.8)
    training = train(cfg)
    objective = training.trainer.objective
    assert_equal(weights(objective), weights(plain))
    assert_equal(saved(cfg, "0001"), averages(objective))
    before, average = weights(objective), averages(objective)
    differing = [name for name, array in average.items() if (array != before[name]).any()]
    assert len(differing) > 0.9 * len(average)
    x, im_info = mx.nd.random.normal(shape=(1, 3, 64, 64)), mx.nd.array([[64, 64, 1]])
    loaded = load_network(cfg, [mx.cpu()]).net
    for found, expected in zip(loaded(x, im_info), training.net(x, im_info)):
        np.testing.assert_array_equal(found.asnumpy(), expected.asnumpy())
    assert_equal(weights(objective), before)


def test_another_decay_is_not_taken_in_silence(configure, caplog):
    caplog.set_level(logging.INFO)
    first = train(configure("run", "TRAIN.end_epoch", 1)).trainer.objective
    cfg = configure("run", "TRAIN.EMA_DECAY", 0.5)
    with pytest.raises(TrainingError, match="TRAIN.EMA_DECAY: 0.0 in the checkpoint, 0.5 now(.|\n)*--extend"):
        train(cfg, resume=True)
    training = TrainingRun(cfg, [mx.cpu()], LOGGER, extend=True)
    assert "holds no averaged weights: their average (TRAIN.EMA_DECAY) begins with its weights" in caplog.text
    assert_equal(averages(training.trainer.objective), weights(first))
    training.run()
    assert training.trainer.objective.average.updates == 3
    assert read_checkpoint(cfg.output_path + "/light_head_rcnn-0002")["average_updates"] == 3
    without = TrainingRun(configure("run", "TRAIN.end_epoch", 3), [mx.cpu()], LOGGER, extend=True)
    assert "goes on from the checkpoint's weights without their average" in caplog.text
    assert_equal(weights(without.trainer.objective), weights(training.trainer.objective))


def test_one_weight_that_is_not_a_number_is_not_saved(configure):
    """The losses do not show it, because training goes on from the weights without the average."""
    cfg = configure("run", "TRAIN.EMA_DECAY", 0.8, "TRAIN.end_epoch", 1)
    training = TrainingRun(cfg, [mx.cpu()], LOGGER)
    average = training.trainer.objective.average
    name = average.names[0]
    average._averages[name][0][:] = float("nan")
    with pytest.raises(TrainingError, match=f"not finite numbers: arg:{name}. No checkpoint"):
        training.run()
    assert not list(Path(cfg.output_path).glob("*.params"))


def test_two_devices(configure):
    cfg = configure("run", "TRAIN.end_epoch", 1, "TRAIN.BATCH_IMAGES", 1, "TRAIN.EMA_DECAY", 0.8)
    objective = train(cfg, [mx.cpu(0), mx.cpu(1)]).trainer.objective
    assert_equal(saved(cfg, "0001"), averages(objective))
    resumed = TrainingRun(cfg, [mx.cpu(0), mx.cpu(1)], LOGGER, resume=True).trainer.objective
    assert_equal(averages(resumed), averages(objective))
    assert_equal(weights(resumed), weights(objective))


def test_the_backbone_has_a_factor_of_its_own(configure):
    training = TrainingRun(configure("run", "TRAIN.BACKBONE_LR_MULT", 0.25), [mx.cpu()], LOGGER)
    factors = {name: parameter.lr_mult for name, parameter in training.trainer.objective.block.collect_params().items()
               if parameter.grad_req != "null"}
    new = ("rpn_", "conv_new_", "fc_new_", "cls_score", "bbox_pred")
    for name, factor in factors.items():
        assert factor == (0.25 if not name.startswith(new) else 3 if name.startswith("conv_new_") else 1), name
    assert sorted(set(factors.values())) == [0.25, 1, 3]
