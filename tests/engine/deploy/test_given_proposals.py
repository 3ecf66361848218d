"""Exports of a detector on given proposals: for MXNet and in ONNX, loaded again, and the script without MXNet."""
import json
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data.proposals import write_proposals
from light_head_rcnn.engine.deploy.detectors import load_detector
from light_head_rcnn.engine.deploy.export import compare_detectors, export, noise_images
from light_head_rcnn.engine.deploy.onnx import detect as script
from light_head_rcnn.engine.deploy.onnx.calibration import CalibrationInputs
from light_head_rcnn.engine.deploy.sample_proposals import sample_boxes
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.given_rois import RoIPreparation
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import CheckpointError, UsageError
from light_head_rcnn.gluon_models import get_model


@pytest.fixture(scope="module")
def detector():
    """A small Fast R-CNN with random parameters and detections of all scores, for images of 64 to 96 pixels."""
    net = get_model("fast_rcnn_vovnetv2_19_slim_dw_voc", classes=("cup", "spoon", "plate"), hidden=(32, 24), nms=0.5,
                    max_per_image=15)
    mx.random.seed(0)  # of equal scores, engines may put another one first
    net.initialize(mx.init.Xavier(factor_type="in", magnitude=2))
    rng = np.random.RandomState(0)
    for layer, scale in zip(net.head.output_layers, (0.1, 0.3)):
        layer.weight.set_data(mx.nd.array(rng.normal(0, scale, layer.weight.shape)))
    how = InputPreparation(((64, 96),), (123.0, 117.0, 104.0), (58.0, 57.0, 57.5), 32)
    return Detector(net, net.classes, how, rois=RoIPreparation(40, 16))


@pytest.fixture(scope="module")
def photo():
    """An image of 150 x 110 pixels and boxes in it, also ones beyond its edges, twice or without area."""
    rng = np.random.RandomState(1)
    corners = rng.uniform(-0.1, 1.1, (60, 2, 2)) * [150, 110]
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    boxes[7], boxes[9, 2:] = boxes[3], boxes[9, :2]
    return rng.randint(0, 256, (110, 150, 3)).astype(np.uint8), boxes


@pytest.fixture(scope="module")
def onnx_folder(detector, tmp_path_factory):
    pytest.importorskip("onnx", reason="needs the package onnx")
    from light_head_rcnn.engine.deploy.onnx.export import export_onnx
    folder = tmp_path_factory.mktemp("given") / "cups"
    export_onnx(detector, folder)
    return folder


def check_equal(found, expected):
    assert len(expected.ids) > 3
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.05)


@pytest.mark.parametrize("options", [{}, {"onednn": False}, {"fuse": False, "onednn": False},
                                     {"static_shape": (64, 96)}], ids=str)
def test_for_mxnet(detector, photo, tmp_path, options):
    export(detector, tmp_path / "cups", **options)
    meta = json.loads((tmp_path / "cups-meta.json").read_text())
    assert (meta["proposals"], meta["proposal_limit"], meta["map_stride"]) == (True, 40, 16)
    again = load_detector(tmp_path)
    assert again.rois == detector.rois
    image, boxes = photo
    check_equal(again(image, boxes), detector(image, boxes))
    check_equal(again(image, boxes[:11]), detector(image, boxes[:11]))
    if "static_shape" not in options:  # this backbone averages over the whole map, padding included
        report = compare_detectors(detector, again, noise_images(0))
        assert report["detections"] > 10 and report["scores"] < 1e-4 and report["boxes"] < 0.05
    assert not len(again(image, boxes[:0]).ids)
    with pytest.raises(UsageError, match="finds no proposals itself"):
        again(image)


@pytest.mark.parametrize("change", [{"proposal_limit": 0}, {"map_stride": "x"}, {"proposal_limit": None}])
def test_a_description_that_is_none(detector, tmp_path, change):
    export(detector, tmp_path / "cups")
    meta = tmp_path / "cups-meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), **change}))
    with pytest.raises(CheckpointError, match="cups-meta.json does not describe an exported detector"):
        load_detector(tmp_path)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_in_onnx(detector, photo, onnx_folder, engine):
    pytest.importorskip(engine, reason=f"needs the package {engine}")
    again = load_detector(onnx_folder, engine=engine)
    image, boxes = photo
    check_equal(again(image, proposals=boxes), detector(image, proposals=boxes))
    assert not len(again(image, boxes[:0]).ids)
    with pytest.raises(UsageError, match="finds no proposals itself"):
        again(image)


def test_the_script_takes_proposals_of_a_file(detector, photo, onnx_folder, tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    image, boxes = photo
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(image).save(photos / "one.png")
    Image.fromarray(image[:90]).save(photos / "two.png")
    write_proposals(str(tmp_path / "ours.npz"), ["photos/one.png", "two.png"], [(150, 110), (150, 90)], [60, 0],
                    [boxes, boxes[:0]], None, "test")
    np.savez(tmp_path / "plain.npz", one=np.concatenate([boxes, np.ones((60, 1))], axis=1), two=boxes[:0])
    np.savez(tmp_path / "lacking.npz", one=boxes)

    def run(*words):
        words = [onnx_folder / "detect.py", photos, "--threshold", 0, "--out", tmp_path / "out", *words]
        return subprocess.run([sys.executable, *map(str, words)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    expected = detector(image, boxes)
    for name in ("ours.npz", "plain.npz", "lacking.npz"):
        done = run("--proposals", tmp_path / name)
        assert done.returncode < 2, done.stderr
        entries = json.loads((tmp_path / "out" / "detections.json").read_text())
        assert [found["class"] for found in entries[0]["detections"]] == [detector.classes[i] for i in expected.ids]
        np.testing.assert_allclose([found["score"] for found in entries[0]["detections"]], expected.scores, atol=1e-4)
        np.testing.assert_allclose([found["box"] for found in entries[0]["detections"]], expected.boxes, atol=0.05)
        if name == "lacking.npz":
            assert done.returncode == 1 and "lacking.npz has no proposals for two.png" in done.stderr
        else:
            assert done.returncode == 0 and entries[1]["detections"] == []
    for words, message in [((), "finds no proposals itself, it classifies given ones: name a file"),
                           (("--proposals", photos / "one.png"), "one.png: not a file of proposals")]:
        done = run(*words)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


def test_images_of_one_name_have_the_proposals_of_their_folder(tmp_path):
    path = tmp_path / "p.npz"
    write_proposals(str(path), ["a/1.jpg", "deep/b/1.jpg", "2.jpg"], [(50, 50)] * 3, [1, 2, 3],
                    [np.float32([[number] * 4] * number) for number in (1, 2, 3)], None, "test")
    boxes = script.read_proposals(str(path))
    of = {name: script.proposals_of(tmp_path / name, boxes, "p.npz")
          for name in ("a/1.jpg", "deep/b/1.jpg", "c/2.jpg")}
    assert [len(found) for found in of.values()] == [1, 2, 3]
    for name, message in [("b/1.jpg", "p.npz has no proposals for 1.jpg"), ("3.jpg", "p.npz has no proposals for 3")]:
        with pytest.raises(script.Problem, match=message):
            script.proposals_of(tmp_path / name, boxes, "p.npz")


def test_the_script_has_the_rois_of_the_detector(detector, photo):
    image, boxes = photo[0], photo[1].copy()
    meta = {"proposal_limit": 20, "map_stride": 16}
    boxes[5] = boxes[2]
    expected = Detector(detector.net, detector.classes, detector.preparation, rois=RoIPreparation(20, 16))
    _, im_info, rois = (array.asnumpy() for array in expected.prepare(image, boxes))
    found = script.rois(boxes, meta, im_info[0, 2], 110, 150)
    assert 10 < found.shape[1] < 20
    np.testing.assert_array_equal(found[0], rois[0, :found.shape[1]])
    assert (rois[0, found.shape[1]:] == -1).all()


def test_boxes_that_stand_in_for_proposals():
    boxes = sample_boxes(60, 80)
    np.testing.assert_array_equal(boxes[0], [0, 0, 79, 59])
    assert boxes.dtype == np.float32 and 50 < len(boxes) < 1000 and boxes.min() >= 0
    assert (boxes[:, 2] <= 79).all() and (boxes[:, 3] <= 59).all() and (boxes[:, 2:] > boxes[:, :2]).all()


def test_images_to_calibrate_on_bring_proposals_along(detector):
    inputs, = CalibrationInputs(detector, [np.zeros((64, 80, 3), np.uint8)])
    assert set(inputs) == {"images", "im_info", "proposals"} and inputs["proposals"].shape[::2] == (1, 4)
