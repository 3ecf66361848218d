"""The command detect: what it hands on to the function that does the work."""
from types import SimpleNamespace

import pytest
from PIL import Image

from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.deploy import exported
from light_head_rcnn.engine.deploy.fusing import detector as fusing
from light_head_rcnn.engine.inference import detector, loading, pictures
from light_head_rcnn.engine.inference.video import clips, targets
from light_head_rcnn.experiments.commands import detect


@pytest.mark.parametrize("words, workers", [(["--checkpoint", "net"], 5), (["--exported", "net"], 2)])
@pytest.mark.parametrize("failures, status", [([], 0), (["x.jpg: not an image"], 1)])
def test_workers_read_and_failures_are_the_status(monkeypatch, tmp_path, words, workers, failures, status):
    given = []
    found = SimpleNamespace(source="net", rois=None)
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
    assert arguments[5] == workers and arguments[6] is None


@pytest.fixture
def given(monkeypatch, tmp_path):
    """What the functions that do the work were called with, for a command line whose detector is not loaded."""
    calls = {"pictures": [], "clips": []}
    monkeypatch.setattr(targets, "import_av", lambda: None)
    monkeypatch.setattr(exported, "load_exported", lambda *args: SimpleNamespace(source="net", rois=None))
    monkeypatch.setattr(pictures, "write_pictures", lambda *args: calls["pictures"].append(args) or [])
    monkeypatch.setattr(clips, "write_clips", lambda *args: calls["clips"].append(args) or [
        f"{target.source}: no video" for target in args[1] if target.source.stem == "bad"])
    Image.new("RGB", (4, 4)).save(tmp_path / "x.png")
    for name in ("a.mp4", "bad.mov"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return calls


@pytest.mark.parametrize("words, out, status", [
    (["a.mp4", "--out", "b.mp4"], ["b.mp4"], 0), (["a.mp4", "x.png"], ["output/detections/a.mp4"], 0),
    (["a.mp4", "bad.mov", "--out", "b"], ["b/a.mp4", "b/bad.mov"], 1)])
def test_videos_and_images_part(given, words, out, status):
    assert detect.main(["--exported", "net", "--cpu", "--every", "3", *words]) == status
    (_, found, threshold, _, every), = given["clips"]
    assert [str(target.video) for target in found] == out and (threshold, every) == (0.5, 3)
    assert [str(call[1][0][0]) for call in given["pictures"]] == (["x.png"] if "x.png" in words else [])


@pytest.mark.parametrize("words, has_pictures", [([], True), (["--no-pictures"], False)])
def test_pictures_can_be_left_out(given, words, has_pictures):
    assert detect.main(["--exported", "net", "--cpu", *words, "x.png"]) == 0
    (call,) = given["pictures"]
    assert call[7] is has_pictures


@pytest.mark.parametrize("words, message", [
    (["a.mp4", "--out", "a.mp4"], "would be overwritten"),
    (["a.mp4", "--no-pictures"], "leave --no-pictures out"),
    (["x.png", "--out", "b.mp4"], "no video among the inputs"),
    (["no.mp4"], "there is no video no.mp4"), (["a.mp4", "--out", "x.png/b.mp4"], "x.png is not a folder")])
def test_what_cannot_be_done_is_said_before_a_detector_is_loaded(given, capsys, words, message):
    assert detect.main(["--exported", "net", "--cpu", *words]) == 2
    assert message in capsys.readouterr().err and not given["clips"] and not given["pictures"]


def test_every_is_a_positive_whole_number(given, capsys):
    for word in ("0", "x"):
        with pytest.raises(SystemExit):
            detect.main(["a.mp4", "--every", word])
    assert "0 is not at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["x.png", "--out", "."], ["photos", "--out", "photos"], ["x.png", "--out", "link"]])
def test_no_picture_takes_the_place_of_a_photograph(given, tmp_path, capsys, words):
    (tmp_path / "photos" / "inner").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "inner" / "y.jpg")
    (tmp_path / "link").symlink_to(tmp_path)
    assert detect.main(["--exported", "net", "--cpu", *words]) == 2 and not given["pictures"]
    assert "would take the place of the image" in capsys.readouterr().err
    assert detect.main(["--exported", "net", "--cpu", "--no-pictures", *words]) == 0
    assert detect.main(["--exported", "net", "--cpu", "photos", "x.png", "--out", "photos/found"]) == 0
