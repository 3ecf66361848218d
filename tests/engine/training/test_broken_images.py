"""Trainings whose images break while they run: they go on without them, or stop and can be resumed."""
import logging
import shutil
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.reporting.scalars import read_scalars
from light_head_rcnn.engine.training import run as runs
from light_head_rcnn.engine.training.api import run_training
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.errors import DataError
from light_head_rcnn.experiments.commands import test as test_command
from light_head_rcnn.experiments.commands import train as command

LOGGER = logging.getLogger("test")


@pytest.fixture
def configure(configuring, shapes, tmp_path):
    """Function from KEY, VALUE, ... to a configuration of a training on images of its own, which tests may break."""
    shutil.copytree(shapes, tmp_path / "set")
    configure = configuring(tmp_path, "network: {model: light_head_rcnn_xception_coco}\n")
    return lambda *overrides: configure("run", "dataset.dataset_path", tmp_path / "set", "TRAIN.end_epoch", 3,
                                        *overrides)


def spoil(cfg, *numbers, image_set="train", content=b"no image"):
    for number in numbers:
        (path,) = Path(cfg.dataset.dataset_path).glob(f"{image_set}/*{number}.png")
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)


def test_a_training_goes_on_without_images_that_break(configure, caplog):
    cfg = configure()
    training = TrainingRun(cfg, [mx.cpu()], LOGGER)
    spoil(cfg, 2, 5)
    with caplog.at_level(logging.INFO):
        training.run()
    lines = [line for line in read_scalars(cfg.output_path + "/losses.jsonl") if "loss" in line]
    assert len(lines) == 9 and np.isfinite([line["loss"] for line in lines]).all()
    assert len(training.failures) == 2 and training.trainer.loader.replaced == 6
    told = [message for message in caplog.messages if message.endswith("another image takes its place")]
    assert len(told) == 2 and sum("000002.png" in message for message in told) == 1
    assert "images that could not be read: 2; others took their places in batches 6 times" in caplog.messages
    assert training.dataset.report()["faults"]["image_unreadable"]["count"] == 2


@pytest.mark.parametrize("workers, content, kind", [(2, b"no image", "image_unreadable"), (0, None, "image_missing")])
def test_a_training_that_an_image_stopped_goes_on_once_it_may(configure, monkeypatch, workers, content, kind):
    cfg = configure("dataset.ON_ERROR", f"{{{kind}: error}}", "TRAIN.NUM_WORKERS", workers)
    training = TrainingRun(cfg, [mx.cpu()], LOGGER)
    after_epoch = runs.CheckpointHook.after_epoch

    def break_after_two_epochs(hook, trainer):
        after_epoch(hook, trainer)
        if trainer.epoch == 2:
            spoil(cfg, 1, 3, content=content)

    with monkeypatch.context() as patched:
        patched.setattr(runs.CheckpointHook, "after_epoch", break_after_two_epochs)
        with pytest.raises(DataError, match=rf"00000[13].png: .*ON_ERROR.*{kind}: drop.*--resume") as caught:
            training.run()
    assert caught.value.kind == kind
    with pytest.raises(DataError, match="00000[13].png"):
        TrainingRun(cfg, [mx.cpu()], LOGGER, resume=True)
    # The advice of the message. Four of six images are left, so that an epoch has two steps in place of three.
    resumed = TrainingRun(configure("dataset.ON_ERROR", f"{{{kind}: drop}}", "TRAIN.end_epoch", 5), [mx.cpu()], LOGGER,
                          resume=True)
    assert resumed.trainer.step == 6 and resumed.trainer.total == 10
    resumed.run()
    lines = [line for line in read_scalars(cfg.output_path + "/losses.jsonl") if "loss" in line]
    assert [line["step"] for line in lines] == list(range(1, 11))
    assert np.isfinite([line["loss"] for line in lines]).all()


@pytest.mark.slow
def test_exit_status_and_reports_tell_of_broken_images(configure, monkeypatch, tmp_path):
    words = ["--cfg", str(tmp_path / "cfg.yaml"), "--cpu", "dataset.dataset_path", str(tmp_path / "set"),
             "TRAIN.end_epoch=1"]
    assert command.main([*words, "--out", str(tmp_path / "whole")]) == 0

    def break_and_run(cfg, *arguments):
        run = TrainingRun.run
        monkeypatch.setattr(TrainingRun, "run", lambda self: (spoil(cfg, 1, image_set=broken_set), run(self))[1])
        try:
            return run_training(cfg, *arguments)
        finally:
            monkeypatch.setattr(TrainingRun, "run", run)

    monkeypatch.setattr("light_head_rcnn.engine.training.api.run_training", break_and_run)
    for broken_set, report in (("val", "test_set.json"), ("train", "train_set.json")):
        assert command.main([*words, "--out", str(tmp_path / broken_set)]) == 1
        assert "000001.png" in (tmp_path / broken_set / report).read_text()
    # Images that are broken from the start are left out before the training.
    monkeypatch.undo()
    assert command.main([*words, "--out", str(tmp_path / "again")]) == 1
    checkpoint = ["--cpu", "--checkpoint", str(tmp_path / "whole")]
    assert test_command.main([*checkpoint, "--out", str(tmp_path / "test")]) == 1
    assert test_command.main([*checkpoint, "--out", str(tmp_path / "test"), "dataset.test_image_set=train"]) == 1
    assert "000001.png" in (tmp_path / "test" / "dataset.json").read_text()
