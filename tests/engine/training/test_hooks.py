"""When the curves of a training are drawn."""
from types import SimpleNamespace

import pytest

from light_head_rcnn.engine.training import hooks
from light_head_rcnn.engine.training.hook import StepReport
from light_head_rcnn.engine.training.hooks import ScalarsHook


@pytest.fixture
def training(tmp_path):
    """A hook that draws into a folder, and a trainer that has made no step yet."""
    trainer = SimpleNamespace(step=0, epoch=1)
    hook = ScalarsHook(tmp_path)
    hook.before_training(trainer)
    return hook, trainer


def step(hook, trainer):
    trainer.step += 1
    hook.after_step(trainer, StepReport(trainer.step, 0, {"loss": 1.0 / trainer.step}, 0.1, 2, 0.5))


def end(hook, trainer):
    hook.close(trainer)
    hook.after_close(trainer)


def test_a_picture_is_drawn_at_the_end_and_not_after_every_short_epoch(training, tmp_path):
    hook, trainer = training
    step(hook, trainer)
    hook.after_epoch(trainer)
    hook.after_test(trainer, {"AP": 0.5})
    assert not (tmp_path / "losses.png").exists()
    end(hook, trainer)
    assert (tmp_path / "losses.png").is_file()


@pytest.mark.parametrize("event", ["epoch", "test"])
def test_a_picture_is_drawn_again_once_the_last_one_is_old(training, tmp_path, monkeypatch, event):
    monkeypatch.setattr(hooks, "DRAW_SECONDS", 0)
    hook, trainer = training
    step(hook, trainer)
    if event == "epoch":
        hook.after_epoch(trainer)
    else:
        hook.after_test(trainer, {"AP": 0.5})
    assert (tmp_path / "losses.png").is_file()
    # Nothing has happened since: the end draws nothing again.
    (tmp_path / "losses.png").unlink()
    end(hook, trainer)
    assert not (tmp_path / "losses.png").exists()


def test_a_training_without_a_step_has_no_picture(training, tmp_path):
    end(*training)
    assert not (tmp_path / "losses.png").exists()


def test_the_end_draws_what_came_after_the_last_picture(training, tmp_path, monkeypatch):
    monkeypatch.setattr(hooks, "DRAW_SECONDS", 0)
    hook, trainer = training
    step(hook, trainer)
    hook.after_epoch(trainer)
    (tmp_path / "losses.png").unlink()
    step(hook, trainer)
    end(hook, trainer)
    assert (tmp_path / "losses.png").is_file()


def test_a_picture_that_cannot_be_written_does_not_end_a_training(training, tmp_path, caplog):
    (tmp_path / "losses.png").mkdir()
    hook, trainer = training
    step(hook, trainer)
    end(hook, trainer)
    assert "the curves are not drawn" in caplog.text
