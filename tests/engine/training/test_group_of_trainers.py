"""A training as one of several: what all processes agree on, what each draws, and going on with another number."""
import numpy as np
import pytest

from light_head_rcnn.engine.config import load_config, saved_config
from light_head_rcnn.engine.parallel.group import Group
from light_head_rcnn.engine.training import resuming
from light_head_rcnn.engine.training.resuming import check_resumable
from light_head_rcnn.errors import TrainingError


class Two(Group):
    """A process of two, to whose sums the other one adds what the function `other` says of their lengths."""

    size = 2

    def __init__(self, rank=0, other=np.zeros):
        self.rank, self._other = rank, other

    def sum(self, values):
        return np.asarray(values, np.float32) + self._other(len(values))

    def step_divisor(self, devices):
        return devices * 2


@pytest.fixture
def toys(module_at):
    return module_at("engine/training/test_trainer.py")


def test_all_end_after_the_step_in_which_one_was_told_to(toys):
    """The other process votes for the end, with status 143, when it is asked for the fourth time: at step 3."""
    asked = []

    def other(length):
        asked.append(length)
        votes = np.zeros(length, np.float32)
        votes[-1] = 144 if len(asked) == 4 else 0
        return votes
    recorder = toys.Recorder()
    trainer = toys.make_trainer(recorder, epochs=9, group=Two(other=other))
    trainer.run()
    assert recorder.calls == ["before", 1, 2, 3, "epoch 1", "close"]
    assert (trainer.step, trainer.exit_status, trainer.stop_reason) == (3, 143, "process 1 was told to")


def test_all_give_up_the_test_after_the_epoch_in_whose_last_step_one_was_told_to_end(toys):
    def other(length):
        return np.eye(1, length, length - 1, dtype=np.float32)[0] * 144 * (length > 2)  # the votes of steps are longer

    tests, recorder = [], toys.Recorder()
    test = toys.TestHook(tests.append, every=1)
    trainer = toys.make_trainer(recorder, test, epochs=9, group=Two(other=other), step=2)
    trainer.run()
    assert recorder.calls == ["before", 3, "epoch 1", "close"] and trainer.exit_status == 143 and not tests


def test_a_process_that_is_told_to_end_waits_for_the_others(toys):
    class Told(toys.Recorder):
        def after_step(self, trainer, report):
            super().after_step(trainer, report)
            if report.step == 1:
                trainer.stop("a signal", 130)
    recorder = Told()
    trainer = toys.make_trainer(recorder, epochs=9, group=Two())
    trainer.run()
    assert recorder.calls == ["before", 1, 2, "close"]
    assert (trainer.stop_reason, trainer.exit_status) == ("a signal", 130)


def test_metrics_are_means_and_gradients_too(toys):
    """The other process has no loss and no gradient."""
    recorder = toys.Recorder()
    trainer = toys.make_trainer(recorder, epochs=2, group=Two())
    trainer.run()
    alone = toys.Recorder()
    toys.make_trainer(alone, epochs=2, rate=lambda step: 0.05).run()
    for ours, theirs in zip(recorder.reports, alone.reports):
        assert ours.metrics["loss"] == pytest.approx(theirs.metrics["loss"] / 2) and ours.images == 2 * theirs.images


def test_processes_draw_different_numbers(toys):
    trainers = [toys.make_trainer(group=Two(rank)) for rank in (0, 1)] + [toys.make_trainer()]
    for trainer in trainers:
        trainer.run()
    first, second, alone = (trainer.objective.draws for trainer in trainers)
    assert first == alone and not set(first) & set(second)


@pytest.fixture
def resume(monkeypatch):
    """Function from (devices, images of each) before and now to what `check_resumable` says."""
    def resume(before, now):
        cfgs = [load_config(None, ["TRAIN.BATCH_IMAGES", images]) for _, images in (before, now)]
        monkeypatch.setattr(resuming, "read_checkpoint", lambda base: {
            "step": 5, "devices": before[0], "steps_per_epoch": 12, "config": saved_config(cfgs[0])})
        facts = {"devices": now[0], "steps_per_epoch": 12 * before[0] * before[1] // (now[0] * now[1])}
        return check_resumable("run-0001", cfgs[1], facts, False)
    return resume


@pytest.mark.parametrize("now", [(1, 4), (2, 2), (4, 1)])
def test_another_number_of_devices_with_as_many_images(resume, now):
    assert resume((1, 4), now) == 5


@pytest.mark.parametrize("now, message", [
    ((2, 4), r"images of a step: 4 in the checkpoint \(4 on each of 1 devices\), 8 now \(4 on each of 2\); "
     "TRAIN.BATCH_IMAGES=2 keeps them"),
    ((3, 1), "3 devices cannot share 4 images equally"), ((1, 2), "TRAIN.BATCH_IMAGES: 4 in the checkpoint, 2 now")])
def test_other_numbers_of_images(resume, now, message):
    with pytest.raises(TrainingError, match=message) as caught:
        resume((1, 4), now)
    assert ("steps_per_epoch" in str(caught.value)) == (now == (1, 2))
