"""The loop on a network of one number: its steps, what hooks are told, seeds, speed, and how it ends."""
import time

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from light_head_rcnn.engine.training.hook import Hook
from light_head_rcnn.engine.training.hooks import EarlyStoppingHook, TestHook
from light_head_rcnn.engine.training.objectives import Objective
from light_head_rcnn.engine.training.trainer import Trainer
from light_head_rcnn.errors import TrainingError

# Not a test class, whatever its name says.
TestHook.__test__ = False


class Distance(Objective):
    """The squared distance of one number, which begins at 0, from those of a batch."""

    def __init__(self):
        self.number = gluon.Parameter("number", shape=(1,), init="zeros")
        self.number.initialize()
        self.draws = []

    def __call__(self, targets):
        self.draws.append(float(mx.nd.random.uniform().asscalar()))
        return [mx.nd.mean((self.number.data() - targets) ** 2)]

    def named_parameters(self):
        return {"number": self.number}

    def heads(self, outputs):
        return outputs

    def metrics(self, outputs, inputs):
        return {"loss": float(outputs[0][0].asscalar())}


class Batches:
    """Three batches an epoch, each of two equal numbers: the number of the epoch."""

    def __len__(self):
        return 3

    def epoch(self, epoch, start=0):
        return iter([(np.full((2, 1), epoch, np.float32),)] * (3 - start))


class Recorder(Hook):
    """Keeps what it is told."""

    def __init__(self):
        self.calls, self.reports = [], []

    def before_training(self, trainer):
        self.calls.append("before")

    def after_step(self, trainer, report):
        self.calls.append(report.step)
        self.reports.append(report)

    def after_epoch(self, trainer):
        self.calls.append(f"epoch {trainer.epoch}")

    def after_test(self, trainer, metrics):
        self.calls.append(metrics)

    def close(self, trainer):
        self.calls.append("close")


def make_trainer(*hooks, epochs=2, rate=lambda step: 0.1, **options):
    objective = Distance()
    optimizer = gluon.Trainer([objective.number], "sgd", {"learning_rate": 1.0}, update_on_kvstore=False)
    return Trainer(objective, Batches(), optimizer, rate, hooks, epochs, **options)


def number(trainer):
    return trainer.objective.number.data().asscalar()


def test_steps_by_hand():
    trainer = make_trainer(rate=lambda step: 0.1 * step)
    trainer.run()
    expected = 0.0
    for step in range(1, 7):
        expected -= 0.1 * step * 2 * (expected - (step > 3))
    assert number(trainer) == pytest.approx(expected, rel=1e-5)
    assert (trainer.step, trainer.total, trainer.epoch, trainer.steps_per_epoch) == (6, 6, 2, 3)


def test_hooks_are_told_in_order():
    recorder = Recorder()
    make_trainer(TestHook(lambda folder: {"AP": folder}, every=1), recorder, epochs=2).run()
    assert recorder.calls == ["before", 1, 2, 3, {"AP": "test-epoch-0001"}, "epoch 1", 4, 5, 6, {"AP": "test"},
                              "epoch 2", "close"]
    assert [report.epoch for report in recorder.reports] == [0, 0, 0, 1, 1, 1]
    assert all(report.images == 2 and report.learning_rate == 0.1 for report in recorder.reports)


@pytest.mark.parametrize("every, expected", [(0, ["test"]), (2, ["test-epoch-0002", "test"])])
def test_how_often_is_tested(every, expected):
    folders = []
    make_trainer(TestHook(folders.append, every), epochs=3).run()
    assert folders == expected


def test_draws_depend_on_the_seed_and_the_step_alone():
    whole, part, other = make_trainer(seed=3), make_trainer(seed=3, step=4), make_trainer(seed=4)
    for trainer in (whole, part, other):
        trainer.run()
    assert whole.objective.draws[4:] == part.objective.draws
    assert not set(whole.objective.draws) & set(other.objective.draws)
    assert len(set(whole.objective.draws)) == 6


def test_training_leaves_the_generator_of_numpy_alone():
    np.random.seed(5)
    expected = np.random.rand(2)
    np.random.seed(5)
    found = [np.random.rand()]
    make_trainer().run()
    np.testing.assert_array_equal(found + [np.random.rand()], expected)


def test_seconds_are_from_one_step_to_the_next():
    class Slow(Recorder):
        def after_step(self, trainer, report):
            super().after_step(trainer, report)
            time.sleep(1)

    slow = Slow()
    make_trainer(slow, epochs=1).run()
    assert [report.seconds >= 1 for report in slow.reports] == [False, True, True]


def test_a_loss_that_is_not_finite_ends_the_training_and_closes_the_hooks():
    recorder = Recorder()
    with pytest.raises(TrainingError, match="the loss is (nan|inf) at step [0-9]+.*What helps: lower TRAIN.lr"):
        make_trainer(recorder, rate=lambda step: 1e30 if step > 0 else 0, epochs=3).run()
    assert recorder.calls[-1] == "close"


def test_a_hook_ends_the_training_after_its_step():
    class Stop(Hook):
        def after_step(self, trainer, report):
            if report.step == 2:
                trainer.stop("enough")

    recorder = Recorder()
    trainer = make_trainer(Stop(), recorder)
    trainer.run()
    assert (trainer.step, trainer.stop_reason) == (2, "enough") and recorder.calls[-2:] == [2, "close"]


@pytest.mark.parametrize("figures, steps", [([1, 2, 3, 4, 5], 15), ([3, 1, 4, 2, 3], 15), ([3, 1, 2], 9),
                                            ([2, 2, 2], 9), ([1, float("nan"), 2, 1, 0], 15)])
def test_early_stopping(figures, steps):
    values = iter(figures)
    test = TestHook(lambda folder: {"AP": next(values)}, every=1)
    trainer = make_trainer(test, EarlyStoppingHook("AP", patience=2), epochs=5)
    trainer.run()
    assert trainer.step == steps


def test_timed_steps_train():
    trainer = make_trainer()
    times = list(trainer.time_steps(4))
    assert len(times) == 4 and all(wall > 0 for wall, _ in times) and number(trainer) > 0
