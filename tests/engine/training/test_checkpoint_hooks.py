"""Which checkpoints are written and which go."""
import logging
from types import SimpleNamespace

import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints.checkpoint_files import Content, list_checkpoints, read_checkpoint
from light_head_rcnn.engine.parallel.group import ALONE
from light_head_rcnn.engine.training import checkpoint_hooks
from light_head_rcnn.engine.training.checkpoint_hooks import BestHook, CheckpointHook
from light_head_rcnn.errors import StorageError, TrainingError

LOGGER = logging.getLogger("test")


class Objective:
    def __init__(self, **arrays):
        self._arrays = arrays or {"arg:a": mx.nd.ones(1)}

    def share_statistics(self, group):
        pass

    def content(self, optimizer):
        return Content(self._arrays, {}, {}, ("a",))


def stand_in(step, steps=4, objective=None, stop_reason=None):
    """What the hooks see of a trainer after a step."""
    return SimpleNamespace(step=step, epoch=step // steps, steps_per_epoch=steps, objective=objective or Objective(),
                           optimizer=None, stop_reason=stop_reason, group=ALONE)


def train(prefix, epochs, steps=4, figures=(), **options):
    """Goes through the steps of a training whose checkpoints are written; returns the tags after each epoch."""
    hook, best = CheckpointHook(str(prefix), LOGGER, {"config": {}}, **options), BestHook(str(prefix), "AP", LOGGER)
    after_epochs = []
    for step in range(1, epochs * steps + 1):
        trainer = stand_in(step, steps)
        hook.after_step(trainer, SimpleNamespace(step=step))
        if step % steps == 0:
            assert f"step{step:08d}" not in [checkpoint.tag for checkpoint in list_checkpoints(str(prefix))]
            hook.after_epoch(trainer)
            if figures:
                best.after_test(trainer, {"AP": figures[step // steps - 1]})
            after_epochs.append([checkpoint.tag for checkpoint in list_checkpoints(str(prefix))])
        elif options.get("every_steps"):
            tags = [checkpoint.tag for checkpoint in list_checkpoints(str(prefix)) if not checkpoint.ends_epoch]
            assert tags == ([f"step{step - step % 2:08d}"] if step % steps >= 2 else [])
    return after_epochs


@pytest.mark.parametrize("keep, expected", [
    (0, [["0001"], ["0001", "0002"], ["0001", "0002", "0003"]]), (1, [["0001"], ["0002"], ["0003"]]),
    (2, [["0001"], ["0001", "0002"], ["0002", "0003"]])])
@pytest.mark.parametrize("every_steps", [0, 2])
def test_what_is_kept(tmp_path, keep, expected, every_steps):
    assert train(tmp_path / "net", 3, keep=keep, every_steps=every_steps) == expected


@pytest.mark.parametrize("every_steps", [0, 2])
@pytest.mark.parametrize("keep", [3, 4, 5, 9])
def test_none_goes_while_there_are_fewer_than_are_kept(tmp_path, keep, every_steps):
    tags = [f"{epoch:04d}" for epoch in range(1, 7)]
    assert train(tmp_path / "net", 6, keep=keep, every_steps=every_steps) == [
        tags[max(epoch - keep, 0):epoch] for epoch in range(1, 7)]


def test_weights_that_are_not_numbers_take_no_good_checkpoints_place(tmp_path):
    train(tmp_path / "net", 1)
    hook = CheckpointHook(str(tmp_path / "net"), LOGGER, {"config": {}}, keep=1)
    objective = Objective(**{"arg:a": mx.nd.ones(2), "aux:b": mx.nd.array([1, float("nan")])})
    with pytest.raises(TrainingError, match="after step 8 parameters are not finite numbers: aux:b. No check"):
        hook.after_epoch(stand_in(8, objective=objective))
    assert [checkpoint.tag for checkpoint in list_checkpoints(str(tmp_path / "net"))] == ["0001"]


def test_another_runs_checkpoints_stay(tmp_path):
    train(tmp_path / "net-big", 3)
    train(tmp_path / "net", 3, keep=1)
    assert len(list_checkpoints(str(tmp_path / "net-big"))) == 3


def test_the_best_is_copied(tmp_path):
    nan = float("nan")
    tags = train(tmp_path / "net", 5, figures=[nan, 0.4, 0.6, 0.6, None], keep=1)
    assert [sorted(found) for found in tags] == [["0001"], ["0002", "best"], ["0003", "best"], ["0004", "best"],
                                                 ["0005", "best"]]
    state = read_checkpoint(str(tmp_path / "net-best"))
    assert (state["epoch"], state["test"]) == (3, {"AP": 0.6})


def test_the_best_by_another_metric_is_compared_by_the_new_one(tmp_path):
    prefix = str(tmp_path / "net")
    for epoch, metric, figures in ((1, "AP", {"AP": 0.4, "AP50": 0.6, "AP75": float("nan")}),
                                   (2, "AP50", {"AP": 0.5, "AP50": 0.59}), (3, "AP50", {"AP": 0.3, "AP50": 0.61})):
        CheckpointHook(prefix, LOGGER).after_epoch(stand_in(4 * epoch))
        BestHook(prefix, metric, LOGGER).after_test(stand_in(4 * epoch), figures)
        state = read_checkpoint(prefix + "-best")
        assert state["epoch"] == (3 if epoch == 3 else 1)
    assert (state["test"], state["other_metrics"]) == ({"AP50": 0.61}, {"AP": 0.3})


def test_the_best_is_the_one_that_was_tested_where_later_ones_are_there(tmp_path):
    train(tmp_path / "net", 4)
    train(tmp_path / "net", 2, figures=[0.3, 0.5])
    assert read_checkpoint(str(tmp_path / "net-best"))["epoch"] == 2


def test_checkpoints_of_later_epochs_stay_when_a_training_goes_on_from_an_earlier_one(tmp_path):
    train(tmp_path / "net", 4)
    assert train(tmp_path / "net", 2, keep=1) == [["0001", "0002", "0003", "0004"], ["0002", "0003", "0004"]]


@pytest.mark.parametrize("reason, tags", [("enough", ["0001", "step00000006"]), (None, ["0001"])])
def test_a_training_that_a_hook_ends_inside_an_epoch_keeps_its_last_steps(tmp_path, reason, tags):
    train(tmp_path / "net", 1)
    hook = CheckpointHook(str(tmp_path / "net"), LOGGER, {"config": {}})
    hook.close(stand_in(6, stop_reason=reason))
    assert [checkpoint.tag for checkpoint in list_checkpoints(str(tmp_path / "net"))] == tags


def tags_of(prefix):
    return [checkpoint.tag for checkpoint in list_checkpoints(str(prefix))]


def test_a_training_that_ends_with_an_epoch_saves_that_and_nothing_twice(tmp_path):
    hook = CheckpointHook(str(tmp_path / "net"), LOGGER)
    hook.before_training(stand_in(4))
    hook.close(stand_in(4, stop_reason="before the first step"))
    assert tags_of(tmp_path / "net") == []
    hook.close(stand_in(8, stop_reason="after the last step of an epoch"))
    assert tags_of(tmp_path / "net") == ["0002"]
    (tmp_path / "net-0002.json").unlink()
    hook.close(stand_in(8, stop_reason="again"))
    assert tags_of(tmp_path / "net") == []


def test_minutes_are_counted_by_a_clock_that_no_one_sets(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(checkpoint_hooks.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint_hooks.time, "time", lambda: pytest.fail("the clock on the wall may be set back"))
    hook = CheckpointHook(str(tmp_path / "net"), LOGGER, every_minutes=2)
    hook.before_training(stand_in(0, 100))
    seen = []
    for step in range(1, 9):
        now[0] += 50
        hook.after_step(stand_in(step, 100), SimpleNamespace(step=step))
        seen.append(tags_of(tmp_path / "net"))
    assert seen == [[], [], ["step00000003"], ["step00000003"], ["step00000003"], ["step00000006"],
                    ["step00000006"], ["step00000006"]]


def test_a_full_disk_says_what_to_go_on_from(tmp_path, monkeypatch):
    train(tmp_path / "net", 1)

    def fail(*arguments):
        raise StorageError("net-0002.json cannot be written (No space left on device): make room there")

    monkeypatch.setattr(checkpoint_hooks, "write_checkpoint", fail)
    with pytest.raises(StorageError, match="make room there. The same command with --resume goes on from .*net-0001$"):
        CheckpointHook(str(tmp_path / "net"), LOGGER).after_epoch(stand_in(8))
    with pytest.raises(StorageError, match="make room there$"):
        CheckpointHook(str(tmp_path / "other"), LOGGER).after_epoch(stand_in(8))
