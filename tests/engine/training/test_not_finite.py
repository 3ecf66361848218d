"""Steps that are not finite: what ends the training, what is skipped, and what the message names."""
import logging
import math
import re
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from light_head_rcnn.engine.reporting.scalars import read_scalars
from light_head_rcnn.engine.training.finite import all_finite, is_finite
from light_head_rcnn.engine.training.hook import Hook
from light_head_rcnn.engine.training.hooks import LOSSES_FILE
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.errors import TrainingError

LOGGER = logging.getLogger("light_head_rcnn")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_number_among_many(value):
    arrays = [mx.nd.ones((3, 50)), mx.nd.ones((7,), dtype="float16"), mx.nd.full((200,), 3e38)]
    assert all_finite(arrays) and is_finite(mx.nd.arange(5, dtype="int32"))
    for number in range(3):
        broken = arrays[number].copy()
        broken.reshape(-1)[-1:] = value
        assert not is_finite(broken) and not all_finite([*arrays, broken])


def with_harm(run, harm, steps):
    """Lets `harm(trainer, batch)` change the batch of some steps; counted from 1."""
    trainer = run.trainer
    train_step = trainer.train_step
    trainer.train_step = lambda batch: train_step(harm(trainer, batch) if trainer.step + 1 in steps else batch)
    return run


def broken_images(trainer, batch):
    return (np.where(np.arange(batch[0].shape[3]) == 5, np.float32(np.nan), batch[0]), *batch[1:])


def bright_images(trainer, batch):
    return (batch[0] * np.float32(1e36), *batch[1:])


def broken_boxes(trainer, batch):
    boxes = batch[2].copy()
    boxes[:, 0, 2] = np.inf
    return (*batch[:2], boxes, *batch[3:])


def broken_weight(trainer, batch):
    name = next(name for name in trainer.objective.named_parameters() if name.endswith("rpn_cls_score_weight"))
    trainer.objective.named_parameters()[name].data()[0] = np.nan
    return batch


def broken_gradient(trainer, batch):
    heads = trainer.objective.heads
    trainer.objective.heads = lambda outputs: [head * 1e38 * 1e38 for head in heads(outputs)]
    return batch


GLUON = ("symbol", "", "network.model", "light_head_rcnn_xception_coco", "network.NORM", "batch")


def start(configure, name, *options, **more):
    return TrainingRun(configure(name, "dataset.test_image_set", "", "TRAIN.NUM_WORKERS", 0, *options), [mx.cpu()],
                       LOGGER, **more)


def arrays_of(run):
    return {name: array.asnumpy() for name, array in run.trainer.objective.parameters().items()}


def assert_equal(found, expected):
    for name, array in expected.items():
        np.testing.assert_array_equal(array, found[name], err_msg=name)


@pytest.mark.parametrize("harm, place, advice", [
    (broken_images, "the batch itself holds numbers that are not finite, in data", "look at these images"),
    (broken_boxes, "the batch itself holds numbers that are not finite, in gt_boxes", "look at these images"),
    (bright_images, r"the first output that is not finite is that of the layer \w+[\w.]+", "lower TRAIN.lr"),
    (broken_weight, r"before the step, parameters were not finite already: \w*rpn_cls_score_weight\.", "go on from"),
    (broken_gradient, r"all outputs of the network are finite, but the gradients of \d+ of \d+ parameters are not; the "
                      r"nearest to the losses is that of \w+", "lower TRAIN.lr")])
@pytest.mark.parametrize("model", [GLUON, ()])
def test_the_message_names_the_images_and_where_it_begins(configure, model, harm, place, advice):
    if harm in (broken_gradient, broken_boxes) and not model:
        pytest.skip("the losses of a graph have gradients of their own, and its targets pass over such a box")
    weights = {}

    def harm_and_keep(trainer, batch):
        batch = harm(trainer, batch)
        weights.update(arrays_of(run))
        return batch
    run = with_harm(start(configure, "stopped", *model), harm_and_keep, {2})
    images = run.trainer.loader.images_of(0, 1)
    with pytest.raises(TrainingError) as error:
        run.trainer.hooks = []
        run.run()
    text = str(error.value)
    assert re.search(rf"at step 2\b.*its images: {re.escape(', '.join(images))}\. Where it begins: {place}", text), text
    assert f"What helps: {advice}" in text and "TRAIN.ON_NAN=skip leaves such a batch out" in text
    assert_equal(arrays_of(run), {name: array for name, array in weights.items() if "moving" not in name})


@pytest.mark.parametrize("model", [GLUON, ()])
def test_a_skipped_batch_changes_nothing(configure, model, caplog):
    seen = []

    def look(trainer):
        seen.append({**arrays_of(run), **{f"average of {name}": array.asnumpy()
                                          for name, array in trainer.objective.average.arrays().items()}})

    def harm(trainer, batch):
        look(trainer)
        return broken_images(trainer, batch)

    class After(Hook):
        def after_step(self, trainer, report):
            if report.step == 2:
                look(trainer)
    run = start(configure, f"skipped-{len(model)}", *model, "TRAIN.ON_NAN", "skip", "TRAIN.EMA_DECAY", 0.9,
                "TRAIN.end_epoch", 1)
    with_harm(run, harm, {2}).trainer.hooks = [After()]
    run.run()
    assert_equal(*seen)
    (line,) = caplog.messages[-1:]
    assert "its images: " in line and line.endswith(". The batch is skipped, the 1. of at most 20")


def test_resuming_with_skipped_batches_is_as_if_unbroken(configure):
    options = (*GLUON, "TRAIN.ON_NAN", "skip", "TRAIN.optimizer", "adam", "TRAIN.end_epoch")
    whole = start(configure, "whole", *options, 2)
    last = len(whole.trainer.loader)
    with_harm(whole, broken_images, {2, last + 1}).run()
    with_harm(start(configure, "part", *options, 1), broken_images, {2}).run()
    resumed = with_harm(start(configure, "part", *options, 2, resume=True), broken_images, {last + 1})
    assert resumed.trainer.on_nan.skipped == 1
    resumed.run()
    assert_equal(arrays_of(resumed), arrays_of(whole))
    of_both = [[{key: value for key, value in line.items() if key != "images_per_second"}
                for line in read_scalars(Path(run._cfg.output_path) / LOSSES_FILE)] for run in (whole, resumed)]
    assert of_both[0] == of_both[1]
    assert [(line["step"], line["skipped"]) for line in of_both[0] if "skipped" in line] == [(2, 1), (last + 1, 2)]
    assert all(line["loss"] is not None for line in of_both[0] if "skipped" not in line)


def test_so_many_skipped_batches_end_the_training(configure):
    run = with_harm(start(configure, "most", *GLUON, "TRAIN.ON_NAN", "skip", "TRAIN.MAX_SKIPPED_BATCHES", 2),
                    broken_boxes, set(range(99)))
    with pytest.raises(TrainingError, match="at step 3.*2 batches were skipped before, as many as TRAIN.MAX_SKIPPED"):
        run.run()
