"""`lh.export` writes either format."""
import inspect

import pytest

import light_head_rcnn as lh
from light_head_rcnn.errors import UsageError


@pytest.mark.parametrize("format, module, name, options", [
    ("mxnet", "light_head_rcnn.engine.deploy.export", "export", {"fuse": False}),
    ("onnx", "light_head_rcnn.engine.deploy.onnx.export", "export_onnx", {"precision": "bfloat16"})])
def test_each_format_has_its_writer_and_its_options(format, module, name, options, monkeypatch):
    import importlib
    module = importlib.import_module(module)
    given, writer = {}, getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args, **more: given.update(
        inspect.signature(writer).bind(*args, **more).arguments) or ["a file"])
    assert lh.export("a detector", "models/x", {"nms": 0.3}, format=format, **options) == ["a file"]
    assert list(given.values()) == ["a detector", "models/x", {"nms": 0.3}, *options.values()]
    with pytest.raises(TypeError):
        lh.export("a detector", "models/x", format=format, odd=1)


def test_formats_that_there_are_not(tmp_path):
    with pytest.raises(UsageError, match="the formats of exports are mxnet and onnx, got 'tflite'"):
        lh.export("a detector", tmp_path / "x", format="tflite")
    assert not list(tmp_path.iterdir())
