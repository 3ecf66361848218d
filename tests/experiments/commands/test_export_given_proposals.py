"""lhrcnn export of a detector on given proposals: for MXNet and in ONNX, compared with its source, and tested."""
import json

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data.proposals import write_proposals
from light_head_rcnn.engine import config
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.networks import save_checkpoint
from light_head_rcnn.experiments.commands import detect, export, test

BOXES = np.array([[8, 8, 37, 37], [0, 0, 63, 63], [20, 5, 50, 60]], np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The folder of a checkpoint of random weights, beside a COCO data set of an image and its proposals."""
    root = tmp_path_factory.mktemp("workshop")
    (root / "data" / "val").mkdir(parents=True)
    (root / "data" / "annotations").mkdir()
    pixels = np.random.RandomState(0).randint(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(root / "data" / "val" / "1.png")
    (root / "data" / "annotations" / "instances_val.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "1.png", "width": 64, "height": 64}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [8, 8, 30, 30], "iscrowd": 0, "area": 900}],
        "categories": [{"id": 1, "name": "disc"}, {"id": 2, "name": "box"}]}))
    write_proposals(str(root / "boxes.npz"), ["1.png"], [(64, 64)], [3], [BOXES], None, "test")
    cfg = config.load_config(None, {
        "output_path": str(root / "out"), "SCALES": [64, 64], "CLASS_AGNOSTIC": False, "TRAIN.model_prefix": "fast",
        "network.model": "fast_rcnn_xception_coco", "network.POOL_LEVELS": [2, 1], "network.HEAD_UNITS": [32, 16],
        "dataset.dataset": "coco", "dataset.dataset_path": str(root / "data"), "dataset.test_image_set": "val",
        "dataset.proposal": "file", "dataset.proposal_files": [str(root / "boxes.npz")], "TRAIN.ENABLE_OHEM": False,
        "TRAIN.BATCH_ROIS": 8})
    mx.random.seed(0)
    net = build_net(cfg, ("disc", "box"))
    net.initialize(mx.init.Xavier())
    for layer, scale in zip(net.output_layers, (0.05, 0.3)):
        layer.weight.set_data(mx.nd.random.normal(scale=scale, shape=layer.weight.shape))
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd")
    save_checkpoint(config.checkpoint_prefix(cfg), net, trainer, 2, 20, {"config": config.saved_config(cfg)})
    return root / "out"


@pytest.mark.parametrize("words", [[], ["--no-fuse"], ["--static-shape", "64x64"]], ids=["fused", "as it is", "static"])
def test_for_mxnet(checkpoint, tmp_path, words, capsys):
    assert export.main(["--checkpoint", str(checkpoint), "--cpu", "--out", str(tmp_path), *words]) == 0
    meta = json.loads((tmp_path / "fast-meta.json").read_text())
    assert meta["proposals"] is True and meta["proposal_limit"] == 2000 and meta["map_stride"] == 16
    photo, boxes = (str(checkpoint.parent / name) for name in ("data/val/1.png", "boxes.npz"))
    found = ["--exported", str(tmp_path), photo, "--out", str(tmp_path / "found"), "--threshold", "0"]
    assert detect.main([*found, "--proposals", boxes]) == 0
    assert json.loads((tmp_path / "found" / "detections.json").read_text())[0]["detections"]
    assert detect.main(found) == 2 and "finds no proposals itself" in capsys.readouterr().err


def test_in_onnx(checkpoint, tmp_path):
    pytest.importorskip("onnx", reason="needs the package onnx")
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    words = ["--checkpoint", str(checkpoint), "--cpu", "--format", "onnx", "--out", str(tmp_path / "model")]
    assert export.main(words) == 0
    answers = {}
    for name, path in (("mxnet", checkpoint), ("onnx", tmp_path / "model")):
        engine = ["--engine", "onnxruntime"] if name == "onnx" else ["--cpu"]
        files = [f"dataset.dataset_path={checkpoint.parent / 'data'}",
                 f"dataset.proposal_files=[{checkpoint.parent / 'boxes.npz'}]"]
        assert test.main(["--checkpoint", str(path), *engine, "--out", str(tmp_path / name), *files]) == 0
        answers[name] = json.loads((tmp_path / name / "results.json").read_text())
    assert len(answers["mxnet"]) == len(answers["onnx"]) > 2
    for one, other in zip(answers["mxnet"], answers["onnx"]):
        assert one["category_id"] == other["category_id"] and one["score"] == pytest.approx(other["score"], abs=1e-4)
        np.testing.assert_allclose(one["bbox"], other["bbox"], atol=0.05)
