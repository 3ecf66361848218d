"""detect.py: pixels as in training, and the whole script without MXNet."""
import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data import read_image
from light_head_rcnn.data.batching.transforms import resize_image
from light_head_rcnn.engine.deploy.onnx import detect as script
from light_head_rcnn.errors import DataError

# Runs the script as in an environment that has neither MXNet nor this package.
RUN = """
import runpy, sys
sys.modules["mxnet"] = sys.modules["light_head_rcnn"] = sys.modules["cv2"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_it_is_short():
    with open(script.__file__, encoding="utf-8") as file:
        assert len(file.readlines()) <= 250


def noise(*shape):
    return np.random.RandomState(shape[0]).randint(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("size, new", [
    ((48, 64), (60, 80)), ((70, 90), (60, 77)), ((301, 500), (64, 106)), ((33, 500), (5, 80)), ((1, 5), (7, 9)),
    ((40, 60), (40, 60)), ((100, 75), (50, 38)), ((129, 999), (16, 124))])
def test_resized_pixels_are_those_of_training(size, new):
    image = noise(*size, 3)
    np.testing.assert_array_equal(script.resize(image, *new), resize_image(image, *new))


def saved(path, image, **options):
    image.save(path, **options)
    return path


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("name, mode, options", [
    ("a.png", "RGB", {}), ("a.jpg", "RGB", {}), ("a.png", "L", {}), ("a.png", "RGBA", {}), ("a.png", "LA", {}),
    ("a.png", "P", {"transparency": 3}), ("a.png", "1", {}), ("a.jpg", "CMYK", {}), ("a.gif", "P", {}),
    ("a.webp", "RGB", {}), ("a.bmp", "RGB", {}),
    ("a.tif", "RGB", {"exif": turned(6)}), ("a.jpg", "RGB", {"exif": turned(5)}), ("a.jpg", "L", {"exif": turned(8)})])
def test_files_are_read_as_in_training(name, mode, options, tmp_path):
    bands = len(Image.new(mode, (1, 1)).getbands())
    array = noise(20, 30, bands) if bands > 1 else noise(20, 30)
    image = Image.fromarray(array, mode) if bands > 1 else Image.fromarray(array).convert(mode)
    path = saved(tmp_path / name, image, **options)
    np.testing.assert_array_equal(script.read_image(path), read_image(path))


@pytest.mark.parametrize("largest", [200, 1023, 4000, 65535])
def test_sixteen_bits_are_read_as_in_training(largest, tmp_path):
    values = np.linspace(0, largest, 600).reshape(20, 30).astype(np.uint16)
    path = saved(tmp_path / "a.png", Image.fromarray(values))
    np.testing.assert_array_equal(script.read_image(path), read_image(path))


def test_files_that_are_cut_off(tmp_path, capsys):
    whole = saved(tmp_path / "whole.jpg", Image.fromarray(noise(200, 300, 3))).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[:len(whole) // 2])
    np.testing.assert_array_equal(script.read_image(tmp_path / "cut.jpg"), read_image(tmp_path / "cut.jpg"))
    assert "cut.jpg is cut off" in capsys.readouterr().err
    (tmp_path / "start.jpg").write_bytes(whole[:600])
    whole = saved(tmp_path / "whole.png", Image.fromarray(noise(200, 300, 3))).read_bytes()
    (tmp_path / "blank.png").write_bytes(whole[:60])
    (tmp_path / "text.jpg").write_text("no image")
    for name in ("start.jpg", "blank.png", "text.jpg", "gone.jpg"):
        with pytest.raises(DataError):
            read_image(tmp_path / name)
        with pytest.raises(script.Problem, match=rf"{name}: not a readable image \("):
            script.read_image(tmp_path / name)


@pytest.mark.parametrize("name, message", [("a.tif", "its values are floats"), ("a.eps", "cannot identify")])
def test_files_that_are_not_read(name, message, tmp_path):
    path = saved(tmp_path / name, Image.fromarray(noise(20, 30)).convert("F" if name == "a.tif" else "RGB"))
    with pytest.raises(script.Problem, match=rf"{name}: not a readable image \({message}"):
        script.read_image(path)


@pytest.fixture
def photos(tmp_path):
    """A folder with two photographs, one of them in a folder in it, and a broken file."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    Image.fromarray(noise(96, 128, 3)).resize((300, 200)).save(folder / "one.jpg", exif=turned(6))
    Image.fromarray(noise(70, 200, 3)).save(folder / "inner" / "two.png")
    (folder / "broken.jpg").write_text("no image")
    return folder


def run(folder, *words):
    return subprocess.run([sys.executable, "-c", RUN, str(folder / "detect.py"), *map(str, words)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_script_finds_what_mxnet_finds(engine, export, small_detector, photos, tmp_path):
    pytest.importorskip(engine, reason=f"needs the package {engine}")
    done = run(export, photos, "--engine", engine, "--out", tmp_path / "out", "--threshold", 0.05, "--threads", 1)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1 and "broken.jpg: not a readable image" in done.stderr
    entries = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert [entry["picture"] for entry in entries] == ["0002-two.jpg", "0003-one.jpg"]
    for entry in entries:
        pixels = read_image(entry["image"])
        ids, scores, boxes = small_detector(pixels)
        kept = scores >= 0.05
        assert kept.sum() == len(entry["detections"]) > 0
        assert [found["class"] for found in entry["detections"]] == [small_detector.classes[i] for i in ids[kept]]
        np.testing.assert_allclose([found["score"] for found in entry["detections"]], scores[kept], atol=1e-4)
        np.testing.assert_allclose([found["box"] for found in entry["detections"]], boxes[kept], atol=0.05)
        with Image.open(tmp_path / "out" / entry["picture"]) as picture:
            assert picture.size == pixels.shape[1::-1]
            assert (np.asarray(picture.convert("RGB")) != pixels).any()


def test_calls_that_can_do_nothing(export, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    for words, message in [((tmp_path / "empty",), "there is no image in"),
                           ((photos, "--engine", "tensorrt"), "invalid choice")]:
        done = run(export, *words, "--out", tmp_path / "out")
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage, message", [
    (lambda folder: (folder / "model.onnx").write_bytes(b"a model"), "model.onnx was cut short or changed"),
    (lambda folder: (folder / "model.onnx").unlink(), "not a whole one: .*model.onnx"),
    (lambda folder: (folder / "meta.json").unlink(), "not a whole one: .*meta.json"),
    (lambda folder: (folder / "meta.json").write_text("[" * 100000), "not a whole one"),
    (lambda folder: (folder / "meta.json").write_text("[]"), "not a whole one"),
    (lambda folder: (folder / "meta.json").write_bytes(b"\xff{}"), "not a whole one"),
    (lambda folder: (folder / "meta.json").write_text(json.dumps({"kind": script.KIND, "format": 9})),
     "does not describe a detector in format 1, which this version reads")])
def test_damaged_folders(damage, message, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"model of no meaning")
    checksum = hashlib.sha256(b"model of no meaning").hexdigest()
    meta = {"kind": script.KIND, "format": 1, "sha256": checksum}
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    assert script.read_meta(tmp_path) == meta
    damage(tmp_path)
    with pytest.raises(script.Problem, match=message):
        script.read_meta(tmp_path)


def test_a_model_that_an_engine_refuses(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(script.Problem, match="onnxruntime cannot run .*model.onnx: "):
        script.open_model(tmp_path, "onnxruntime")


def test_onnxruntime_has_no_bfloat16(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    with pytest.raises(script.Problem, match="onnxruntime cannot run .*: it has no bfloat16 .*--engine openvino has"):
        script.open_model(tmp_path, "onnxruntime", precision="bfloat16")


def test_an_engine_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(script.Problem, match="openvino cannot be imported .*: pip install openvino"):
        script.open_model(tmp_path, "openvino")
