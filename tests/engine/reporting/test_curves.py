"""The picture of a training's scalars: which curves it has, in which panel, and at which steps."""
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from light_head_rcnn.engine.reporting import curves
from light_head_rcnn.engine.reporting.scalars import ScalarLog
from light_head_rcnn.errors import DataError


@pytest.fixture
def figure(monkeypatch):
    """Function from lines (step, values) to the panels that were drawn of them, by title."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kwargs: figures.append(self) or save(self, *args,
                                                                                                     **kwargs))

    def draw(tmp_path, lines):
        with ScalarLog(tmp_path / "losses.jsonl") as log:
            for step, values in lines:
                log.write(step, **values)
        curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "losses.png")
        return {panel.get_ylabel(): panel for panel in figures[-1].axes}

    return draw


def by_label(panel):
    """The labelled curves of a panel: (steps, values) by label."""
    return {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in panel.get_lines()
            if not line.get_label().startswith("_")}


def marks(panel):
    return sorted(line.get_xdata()[0] for line in panel.get_lines() if line.get_color() == "0.85")


def training(steps=30, epoch_length=10, **more):
    return [(step, dict(loss=2.0, rpn_cls=0.5 / step, RPNAcc=0.5, lr=0.1 / step, epoch=(step - 1) // epoch_length,
                        images_per_second=5.0, **more)) for step in range(1, steps + 1)]


def test_every_scalar_is_in_its_panel(tmp_path, figure):
    panels = figure(tmp_path, training())
    assert list(panels) == ["loss", "accuracy", "learning rate"]
    losses = by_label(panels["loss"])
    assert list(losses) == ["loss", "rpn_cls"] and list(by_label(panels["accuracy"])) == ["RPNAcc"]
    assert losses["loss"] == (list(range(1, 31)), [2.0] * 30)
    # Smoothed over three steps, two at the ends; drawn lightly as it came.
    assert losses["rpn_cls"][1][:2] == pytest.approx([(0.5 + 0.25) / 2, (0.5 + 0.25 + 0.5 / 3) / 3])
    raw = [line.get_ydata() for line in panels["loss"].get_lines() if line.get_alpha()]
    np.testing.assert_allclose(raw[1], [0.5 / step for step in range(1, 31)])
    rate, = (line for line in panels["learning rate"].get_lines() if line.get_color() == "black")
    np.testing.assert_allclose(rate.get_ydata(), [0.1 / step for step in range(1, 31)])
    assert rate.get_drawstyle() == "steps-post"


def test_epochs_are_marked_in_every_panel(tmp_path, figure):
    panels = figure(tmp_path, training())
    assert [marks(panel) for panel in panels.values()] == [[11, 21]] * 3
    assert panels["learning rate"].get_xlabel() == "step (vertical lines: epochs)"
    panels = figure(tmp_path, training(5))
    assert marks(panels["loss"]) == [] and panels["learning rate"].get_xlabel() == "step"


def test_tests_between_epochs_have_a_panel_of_their_own(tmp_path, figure):
    lines = training()
    lines[10:10] = [(10, dict(test_AP=0.1, test_AP50=0.3))]
    lines[21:21] = [(20, dict(test_AP=float("nan"), test_AP50=0.4))]
    lines += [(30, dict(test_AP=0.2, test_AP50=0.5)), (30, dict(test_AP=0.25))]
    panels = figure(tmp_path, lines)
    assert list(panels) == ["loss", "accuracy", "test", "learning rate"]
    # One point a test; the one that was not finite is left out, and of two at a step the last counts.
    assert by_label(panels["test"]) == {"AP": ([10, 30], [0.1, 0.25]), "AP50": ([10, 20, 30], [0.3, 0.4, 0.5])}
    assert panels["test"].get_ylim()[0] == 0
    # The lines of tests have no losses, learning rates and epochs: the other curves are whole, epochs are marked once.
    assert by_label(panels["loss"])["loss"] == (list(range(1, 31)), [2.0] * 30)
    assert marks(panels["test"]) == [11, 21]


def test_tests_alone_are_drawn_too(tmp_path, figure):
    assert list(figure(tmp_path, [(10, dict(test_AP=0.1))])) == ["test"]


def test_values_that_are_not_finite_are_left_out(tmp_path, figure):
    panels = figure(tmp_path, training(5, loss2=float("nan"), test_AP=float("nan")))
    assert list(panels) == ["loss", "accuracy", "learning rate"]
    assert list(by_label(panels["loss"])) == ["loss", "rpn_cls"]
    # Files of earlier versions have NaN where null stands today.
    with open(tmp_path / "losses.jsonl", "a") as file:
        file.write('{"step": 6, "loss": NaN}\n')
    curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "losses.png")


def test_large_first_losses_do_not_flatten_the_rest(tmp_path, figure):
    lines = training(400)
    lines[0][1]["loss"] = 1e6
    assert figure(tmp_path, lines)["loss"].get_ylim() == (0, pytest.approx(2.5, rel=0.1))


def test_the_picture_is_written_from_the_first_step_on(tmp_path):
    with ScalarLog(tmp_path / "losses.jsonl") as log:
        with pytest.raises(DataError, match=r"losses\.jsonl has no step"):
            curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "losses.png")
        log.write(1, epoch=0)
        with pytest.raises(DataError, match=r"losses\.jsonl has no step"):
            curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "losses.png")
        log.write(1, loss=1.0, epoch=0)
        curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "one.png")
        for step, values in training():
            log.write(step, **values)
    curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "losses.png")
    picture = np.array(Image.open(tmp_path / "losses.png").convert("L"))
    assert picture.shape[0] > 600 and picture.std() > 10
    assert {path.name for path in tmp_path.iterdir()} == {"losses.jsonl", "one.png", "losses.png"}


def test_smoothing_is_a_mean_over_a_window_that_is_cut_at_the_ends():
    np.testing.assert_allclose(curves._smooth(np.full(200, 3.0)), 3.0)
    values = np.random.RandomState(0).randn(400)
    # Six steps on each side.
    expected = [values[max(0, index - 6):index + 7].mean() for index in range(400)]
    np.testing.assert_allclose(curves._smooth(values), expected)
    assert curves._smooth(np.array([2.5])) == [2.5]
