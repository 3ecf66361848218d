"""Exporting and comparing, with a network of one layer."""
import json
import os

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

import light_head_rcnn as lh
from light_head_rcnn.engine.deploy.export import compare_detectors, export, noise_images
from light_head_rcnn.engine.deploy.exported import load_exported
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import CheckpointError, ModelError, UsageError


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
    return Detector(net, ("thing",), InputPreparation(((32, 64),), (1.0, 2.0, 3.0), (1.0, 1.0, 2.0), 16))


def test_a_network_that_was_never_run_exports(detector, tmp_path):
    images = noise_images(3)
    export(detector, tmp_path / "models" / "one", {"score": 0.5})
    again = load_exported(tmp_path / "models" / "one")
    assert again.classes == ("thing",) and again.preparation == detector.preparation
    assert again.source == str(tmp_path / "models" / "one")
    assert compare_detectors(detector, again, images) == {
        "images": 3, "detections": 3, "scores": 0.0, "boxes": 0.0}


@pytest.mark.parametrize("fuse", [True, False])
def test_a_failed_export_leaves_the_earlier_one(detector, tmp_path, monkeypatch, fuse):
    export(detector, tmp_path / "one", {}, fuse=fuse)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(path, *_, **__):
        open(path, "w").close()
        raise OSError("disk full")

    monkeypatch.setattr(mx.nd, "save", fail)
    monkeypatch.setattr(mx.gluon.block.ndarray, "save", fail)
    with pytest.raises(UsageError, match="one cannot be written: disk full"):
        export(detector, tmp_path / "one", {"nms": 0.25}, fuse=fuse)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_export_whose_files_could_not_all_be_replaced_is_not_loaded(detector, tmp_path, monkeypatch):
    export(detector, tmp_path / "one")
    replace = os.replace

    def fail_at_the_description(file, place):
        if place == tmp_path / "one-meta.json":
            raise OSError("disk full")
        replace(file, place)

    monkeypatch.setattr(os, "replace", fail_at_the_description)
    with pytest.raises(UsageError, match="disk full"):
        export(detector, tmp_path / "one")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one-0000.params", "one-symbol.json"]
    with pytest.raises(CheckpointError, match="not a whole one"):
        load_exported(tmp_path / "one")


def test_an_operator_that_no_export_has_is_told_before_files_are_replaced(tmp_path):
    class Odd(OneBox):
        def hybrid_forward(self, F, x, im_info):
            return super().hybrid_forward(F, F.arctan(x), im_info)

    net = Odd()
    net.initialize(mx.init.One())
    odd = Detector(net, ("thing",), InputPreparation(((32, 64),), (1.0, 2.0, 3.0), (1.0, 1.0, 2.0), 16))
    with pytest.raises(ModelError, match="cannot be exported: .* is the operator 'arctan', which no exported"):
        export(odd, tmp_path / "one", fuse=False)
    assert not list(tmp_path.iterdir())


def test_an_export_with_operators_of_onednn_is_not_exported_again(detector, tmp_path):
    export(detector, tmp_path / "one")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for source in (tmp_path / "one", load_exported(tmp_path / "one")):
        for format, target in (("mxnet", "one"), ("onnx", "two")):
            with pytest.raises(UsageError, match="one is an export, made for one engine, .*: export the"):
                lh.export(source, tmp_path / target, format=format)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("change, scores, boxes", [
    ((0, 0, 0), 0, 0), ((0, 0.25, 0), 0.25, 0), ((0, 0, 2), 0, 2), ((1, 0, 0), np.inf, np.inf),
    ((0, np.nan, 0), np.inf, 0), ((0, 0, np.nan), 0, np.inf)])
def test_differences_are_measured(detector, change, scores, boxes):
    def net(x, im_info):
        return [array + step for array, step in zip(detector.net(x, im_info), change)]

    other = Detector(net, detector.classes, detector.preparation)
    report = compare_detectors(detector, other, noise_images(0))
    assert report["scores"] == pytest.approx(scores, abs=1e-6) and report["boxes"] == boxes


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_difference_in_one_image_alone_is_measured(detector, place):
    images, calls = noise_images(0), []

    def net(x, im_info):
        calls.append(x)
        return [array + (0.5 if len(calls) == place + 1 and number == 1 else 0)
                for number, array in enumerate(detector.net(x, im_info))]

    report = compare_detectors(detector, Detector(net, detector.classes, detector.preparation), images)
    assert report["scores"] == pytest.approx(0.5, abs=1e-5) and report["boxes"] == 0


class InfoFirst(OneBox):
    """The same, but the graph uses im_info before the image, so that MXNet lists it first."""

    def hybrid_forward(self, F, x, im_info):
        height, width = (F.slice_axis(im_info, axis=1, begin=i, end=i + 1).expand_dims(1) for i in (0, 1))
        boxes = F.concat(width * 0, height * 0, width - 1, height - 1, dim=2)
        left = F.reshape(F.slice_axis(boxes, axis=2, begin=0, end=1), (-1, 1, 1, 1))
        score = F.reshape(F.mean(F.broadcast_add(x, left * 0), axis=(1, 2, 3)), (-1, 1, 1))
        return F.broadcast_add(F.sum(boxes * 0, axis=2, keepdims=True), score * 0), score, boxes


@pytest.mark.parametrize("with_names", [True, False])
def test_the_order_of_a_graphs_inputs_does_not_matter(detector, tmp_path, with_names):
    net = InfoFirst()
    net.initialize()
    one = Detector(net, detector.classes, detector.preparation)
    export(one, tmp_path / "one", fuse=False)
    symbol = mx.sym.load(str(tmp_path / "one-symbol.json"))
    assert [name for name in symbol.list_inputs() if name.startswith("data")] == ["data1", "data0"]
    if not with_names:  # as exports were before
        meta = json.loads((tmp_path / "one-meta.json").read_text())
        del meta["inputs"]
        (tmp_path / "one-meta.json").write_text(json.dumps(meta))
    report = compare_detectors(one, load_exported(tmp_path / "one"), noise_images(0))
    assert (report["detections"], report["scores"], report["boxes"]) == (3, 0, 0)


def test_a_prefix_that_is_a_folder_is_refused(detector, tmp_path):
    (tmp_path / "models").mkdir()
    for prefix in (tmp_path / "models", f"{tmp_path}/models/", f"{tmp_path}/new/"):
        with pytest.raises(UsageError, match="is a folder: name the start of .* in it, such as .*/detector"):
            export(detector, prefix)
    assert list(tmp_path.iterdir()) == [tmp_path / "models"]
