"""The command detect: what it hands on to the function that does the work."""
from types import SimpleNamespace

import pytest
from PIL import Image

from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.deploy import exported
from light_head_rcnn.engine.deploy.fusing import detector as fusing
from light_head_rcnn.engine.inference import detector, loading, pictures
from light_head_rcnn.experiments.commands import detect


@pytest.mark.parametrize("words, workers", [(["--checkpoint", "net"], 5), (["--exported", "net"], 2)])
@pytest.mark.parametrize("failures, status", [([], 0), (["x.jpg: not an image"], 1)])
def test_workers_read_and_failures_are_the_status(monkeypatch, tmp_path, words, workers, failures, status):
    given = []
    found = SimpleNamespace(source="net")
    monkeypatch.setattr(loading, "load_network",
                        lambda *args, **options: (None, load_config(None, {"TEST.NUM_WORKERS": 5}), "net"))
    monkeypatch.setattr(detector.Detector, "of", lambda *args: "plain")
    monkeypatch.setattr(fusing, "fused_detector", {"plain": found}.get)
    monkeypatch.setattr(exported, "load_exported", lambda *args: found)
    monkeypatch.setattr(pictures, "write_pictures", lambda *args: given.append(args) or failures)
    Image.new("RGB", (4, 4)).save(tmp_path / "x.png")
    assert detect.main([*words, "--cpu", "--out", str(tmp_path / "out"), str(tmp_path / "x.png")]) == status
    (arguments,) = given
    assert arguments[0] is found and arguments[1] == [(tmp_path / "x.png", arguments[1][0][1])]
    assert arguments[-1] == workers
