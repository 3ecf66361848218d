"""Curves of losses."""
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.reporting import curves
from light_head_rcnn.engine.reporting.scalars import ScalarLog


def test_loss_curves(tmp_path):
    with ScalarLog(tmp_path / "losses.jsonl") as log:
        with pytest.raises(ValueError, match=r"losses\.jsonl has no step"):
            curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "losses.png")
        log.write(1, loss=1.0, epoch=0)
        curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "one.png")
        for step in range(2, 30):
            log.write(step, loss=1 / step, rpn_cls=0.5 / step, rpn_acc=0.5, lr=0.1, epoch=step // 10,
                      images_per_second=5.0)
    curves.plot_losses(tmp_path / "losses.jsonl", tmp_path / "losses.png")
    picture = np.array(Image.open(tmp_path / "losses.png").convert("L"))
    assert picture.shape[0] > 600 and picture.std() > 10
    assert {path.name for path in tmp_path.iterdir()} == {"losses.jsonl", "one.png", "losses.png"}


def test_smoothing_keeps_level_and_passes_gaps():
    values = np.full(200, 3.0)
    values[50] = np.nan
    np.testing.assert_allclose(curves._smoothed(values), 3.0)
    noisy = np.random.RandomState(0).randn(400)
    assert curves._smoothed(noisy).std() < 0.5 * noisy.std()
    assert np.isnan(curves._smoothed(np.array([np.nan, np.nan, 1.0]))[0])
