"""SIGTERM and SIGINT end a training after its step, and a test at once."""
import logging
import os
import signal

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from light_head_rcnn.engine.parallel.group import ALONE, Group
from light_head_rcnn.engine.signals import SignalReceived, sigterm_raises
from light_head_rcnn.engine.training.hook import Hook
from light_head_rcnn.engine.training.hooks import TestHook as Tests
from light_head_rcnn.engine.training.objectives import Objective
from light_head_rcnn.engine.training import stopping
from light_head_rcnn.engine.training.stopping import SignalHook
from light_head_rcnn.engine.training.trainer import Trainer

EPOCH = 3


class Loader:
    def __init__(self, kill_in=None):
        self._kill_in = kill_in

    def __len__(self):
        return EPOCH

    def epoch(self, epoch, start=0):
        for number in range(start, EPOCH):
            if self._kill_in == epoch * EPOCH + number:
                os.kill(os.getpid(), signal.SIGTERM)
            yield (np.ones((1, 1), np.float32),)


class Square(Objective):
    """The square of a number."""

    def __init__(self):
        self.block = gluon.nn.Dense(1, in_units=1, use_bias=False)
        self.block.initialize(mx.init.One())

    def __call__(self, x):
        return [self.block(x) ** 2]

    def heads(self, outputs):
        return outputs

    def metrics(self, outputs, inputs):
        return {"loss": float(outputs[0][0].asscalar())}


class Recorder(Hook):
    """Notes what a training does; sends itself a signal after a step, or in the test after an epoch."""

    def __init__(self, after_step=None, number=signal.SIGTERM):
        self.seen, self._after_step, self._number = [], after_step, number

    def after_step(self, trainer, report):
        self.seen.append(report.step)
        if report.step == self._after_step:
            os.kill(os.getpid(), self._number)

    def after_epoch(self, trainer):
        self.seen.append("epoch")

    def close(self, trainer):
        self.seen.append(("closed", trainer.stop_reason, trainer.exit_status))


def train(*hooks, loader=None, group=ALONE):
    objective = Square()
    optimizer = gluon.Trainer(objective.block.collect_params(), "sgd", update_on_kvstore=False)
    trainer = Trainer(objective, loader or Loader(), optimizer, lambda step: 0.1, [SignalHook(), *hooks], epochs=2,
                      group=group)
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        trainer.run()
    finally:
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    return trainer


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_step_is_finished(number, status, capfd):
    recorder = Recorder(2, number)
    trainer = train(recorder)
    reason = f"{signal.Signals(number).name} asked it to end; the same command with --resume goes on from here"
    assert recorder.seen == [1, 2, ("closed", reason, status)]
    assert trainer.step == 2 and trainer.exit_status == status
    assert "the training ends after this step and saves; a second one ends it at once" in capfd.readouterr().err


def test_a_wait_for_a_batch_is_given_up():
    recorder = Recorder()
    assert train(recorder, loader=Loader(4)).exit_status == 143 and recorder.seen[:-1] == [1, 2, 3, "epoch", 4]


def test_an_epoch_is_whole_although_a_signal_came_in_its_last_step():
    recorder = Recorder(EPOCH)
    trainer = train(recorder, Tests(lambda folder: pytest.fail("it is tested"), 1))
    assert recorder.seen[:-1] == [1, 2, 3, "epoch"] and (trainer.step, trainer.exit_status) == (EPOCH, 143)


def test_a_test_is_given_up_and_none_is_begun():
    tests = []

    def test(folder):
        tests.append(folder)
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("the test goes on")

    assert train(Tests(test, 1)).step == EPOCH and tests == ["test-epoch-0001"]

    class Late(Hook):
        def after_epoch(self, trainer):
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(Late(), Tests(test, 1)).exit_status == 143 and tests == ["test-epoch-0001"]


class Twice(Hook):
    def after_step(self, trainer, report):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)


def test_signals_that_come_together_are_one():
    assert train(Twice()).exit_status == 143


def test_signals_that_come_together_are_one_while_the_training_saves():
    class Saver(Hook):
        saved = False

        def after_step(self, trainer, report):
            os.kill(os.getpid(), signal.SIGTERM)

        def close(self, trainer):
            os.kill(os.getpid(), signal.SIGTERM)
            self.saved = True

    saver = Saver()
    with sigterm_raises():
        assert train(saver).exit_status == 143 and saver.saved


class OfTwo(Group):
    """Rank 0 of two processes that agree after each step; the other one's votes and signals are played to it."""

    size, lockstep = 2, False

    def __init__(self, vote=0, signal_at=None):
        self._vote, self._signal_at, self._sums = vote, signal_at, 0

    def meets_after(self, step):
        return True

    def sum(self, values):
        self._sums += 1
        if self._sums == self._signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return values + np.array([0, self._vote], np.float32)

    def optimizer(self, *arguments):
        pytest.fail("the optimizer is given")


@pytest.mark.parametrize("vote, step, status", [(0, 6, 0), (1 + 143, 0, 143), (1, 0, 0)])
def test_processes_end_with_the_status_that_one_of_them_asks_for(vote, step, status):
    trainer = train(group=OfTwo(vote))
    assert (trainer.step, trainer.exit_status) == (step, status)


def test_a_signal_after_the_last_agreement_is_too_late():
    """The others end as a training that has come to its end, and so must this one. There are 1 + 6 + 2 agreements."""
    trainer = train(group=OfTwo(signal_at=9))
    assert (trainer.step, trainer.exit_status, trainer.stop_reason) == (6, 0, None)
    assert train(group=OfTwo(signal_at=5)).exit_status == 143


def test_an_early_stop_does_not_undo_a_signal():
    trainer = train()
    trainer.stop("SIGTERM asked it to end", 143)
    trainer.stop("AP has not risen")
    assert (trainer.exit_status, trainer.stop_reason) == (143, "SIGTERM asked it to end")


def test_a_second_signal_ends_the_process_as_it_would_without_a_training(monkeypatch):
    monkeypatch.setattr(stopping, "TOGETHER", 0)
    recorder = Recorder()
    with pytest.raises(KeyboardInterrupt) as caught:
        train(Twice(), recorder)
    assert not isinstance(caught.value, SignalReceived)
    assert recorder.seen[-1][:2] == ("closed", None)  # so that nothing more is saved


def test_signals_that_are_ignored_stay_ignored():
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        recorder = Recorder(2, signal.SIGINT)
        assert train(recorder).exit_status == 0 and len(recorder.seen) == 9
    finally:
        signal.signal(signal.SIGINT, earlier)


def test_a_test_that_is_owed_comes_before_the_first_step():
    tests = []
    train(Tests(tests.append, 0, is_owed=True))
    assert tests == ["test"]
    objective = Square()
    optimizer = gluon.Trainer(objective.block.collect_params(), "sgd", update_on_kvstore=False)
    hook = Tests(tests.append, 1, is_owed=True)
    Trainer(objective, Loader(), optimizer, lambda step: 0.1, [hook], epochs=3, step=EPOCH).run()
    assert tests == ["test", "test-epoch-0001", "test-epoch-0002", "test"]


def test_sigterm_ends_a_command_as_ctrl_c_does():
    with pytest.raises(SignalReceived) as caught, sigterm_raises():
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("it goes on")
    assert caught.value.exit_status == 143 and isinstance(caught.value, KeyboardInterrupt)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_run_that_is_stopped_elsewhere_tells_how_it_goes_on(caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyboardInterrupt), stopping.tells_of_resume(logging.getLogger("test")):
        raise KeyboardInterrupt
    assert "the same command with --resume goes on from the last checkpoint" in caplog.text
