"""Exporting and comparing, with a network of one layer."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from light_head_rcnn.engine.deploy import export
from light_head_rcnn.engine.inference.detector import Detector


class OneBox(gluon.HybridBlock):
    """One detection an image: class 0, the mean colour as score, the whole image as box."""

    def __init__(self):
        super().__init__(prefix="")
        with self.name_scope():
            self.score = gluon.nn.Conv2D(1, 1, in_channels=3, prefix="score_")

    def hybrid_forward(self, F, x, im_info):
        score = F.mean(self.score(x), axis=(2, 3)).expand_dims(1)
        height, width = (F.slice_axis(im_info, axis=1, begin=i, end=i + 1).expand_dims(1) for i in (0, 1))
        return score * 0, score, F.concat(width * 0, height * 0, width - 1, height - 1, dim=2)


@pytest.fixture
def detector():
    net = OneBox()
    net.initialize(mx.init.One())
    return Detector(net, ("thing",), 32, 64, (1.0, 2.0, 3.0), (1.0, 1.0, 2.0), 16, mx.cpu())


def test_a_network_that_was_never_run_exports(detector, tmp_path):
    images = export.noise_images(3)
    export.export_detector(detector, tmp_path / "models" / "one", {"score": 0.5})
    again = export.load_exported(tmp_path / "models" / "one")
    assert (again.classes, again.means, again.stds) == (("thing",), (1.0, 2.0, 3.0), (1.0, 1.0, 2.0))
    assert (again.short_edge, again.long_edge, again.stride) == (32, 64, 16)
    assert export.compare_detectors(detector, again, images) == {
        "images": 3, "detections": 3, "scores": 0.0, "boxes": 0.0}


def test_a_failed_export_leaves_no_whole_one(detector, tmp_path, monkeypatch):
    export.export_detector(detector, tmp_path / "one", {})

    def fail(path, epoch):
        open(path + "-symbol.json", "w").close()
        raise OSError("disk full")

    monkeypatch.setattr(detector.net, "export", fail)
    with pytest.raises(OSError, match="disk full"):
        export.export_detector(detector, tmp_path / "one", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one-0000.params", "one-symbol.json"]
    with pytest.raises(export.CheckpointError, match="not a whole one"):
        export.load_exported(tmp_path / "one")


@pytest.mark.parametrize("change, scores, boxes", [
    ((0, 0, 0), 0, 0), ((0, 0.25, 0), 0.25, 0), ((0, 0, 2), 0, 2), ((1, 0, 0), np.inf, np.inf)])
def test_differences_are_measured(detector, change, scores, boxes):
    def net(x, im_info):
        return [array + step for array, step in zip(detector.net(x, im_info), change)]

    other = Detector(net, *(getattr(detector, key) for key in export._KEYS), ctx=mx.cpu())
    report = export.compare_detectors(detector, other, export.noise_images(0))
    assert report["scores"] == pytest.approx(scores, abs=1e-6) and report["boxes"] == boxes
