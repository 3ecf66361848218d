"""Commands for detectors of given proposals, and for layers of low rank: test, detect, compress."""
import json
import shutil

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data.proposals import write_proposals
from light_head_rcnn.engine import config
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.networks import save_checkpoint
from light_head_rcnn.engine.folder_lock import lock_folder
from light_head_rcnn.experiments.commands import compress, data_show, detect, main, test

CLASSES = ("disc", "box")
BOXES = np.array([[8, 8, 37, 37], [0, 0, 63, 63], [20, 5, 50, 60]], np.float32)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """Folder with a COCO data set of three images, their proposals, and a checkpoint of random weights."""
    root = tmp_path_factory.mktemp("workshop")
    rng = np.random.RandomState(0)
    (root / "data" / "val").mkdir(parents=True)
    (root / "data" / "annotations").mkdir()
    names = [f"{number}.png" for number in range(1, 4)]
    for name in names:
        Image.fromarray(rng.randint(0, 256, (64, 64, 3)).astype(np.uint8)).save(root / "data/val" / name)
    (root / "data/annotations/instances_val.json").write_text(json.dumps({
        "info": {}, "images": [{"id": i, "file_name": name, "width": 64, "height": 64} for i, name in enumerate(names)],
        "annotations": [{"id": i + 1, "image_id": i, "category_id": 1, "bbox": [8, 8, 30, 30], "iscrowd": 0,
                         "area": 900} for i in range(3)],
        "categories": [{"id": 1, "name": CLASSES[0]}, {"id": 2, "name": CLASSES[1]}]}))
    write_proposals(str(root / "boxes.npz"), names, [(64, 64)] * 3, [3] * 3, [BOXES] * 3, None, "test")
    cfg = config.load_config(None, {
        "output_path": str(root / "out"), "SCALES": [64, 64], "CLASS_AGNOSTIC": False,
        "network.model": "fast_rcnn_xception_coco", "network.POOL_LEVELS": [2], "network.HEAD_UNITS": [32, 16],
        "network.NORM": "batch", "dataset.dataset": "coco", "dataset.dataset_path": str(root / "data"),
        "dataset.test_image_set": "val", "dataset.proposal": "file",
        "dataset.proposal_files": [str(root / "boxes.npz")],
        "TRAIN.ENABLE_OHEM": False, "TRAIN.BATCH_ROIS": 8, "TRAIN.model_prefix": "fast"})
    mx.random.seed(0)
    net = build_net(cfg, CLASSES)
    net.initialize(mx.init.Xavier())
    for layer in net.output_layers:
        layer.weight.set_data(mx.nd.random.normal(scale=0.5, shape=layer.weight.shape))
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd")
    save_checkpoint(config.checkpoint_prefix(cfg), net, trainer, 2, 20, {"config": config.saved_config(cfg)})
    return root


def test_testing_takes_the_proposals_of_the_configuration(workshop, tmp_path, capsys):
    words = ["--checkpoint", str(workshop / "out"), "--cpu", "--out", str(tmp_path)]
    assert test.main(words) == 0
    assert json.loads((tmp_path / "metrics.json").read_text())["images"] == 3
    assert test.main([*words, "dataset.proposal_files=[]"]) == 2
    assert "lhrcnn proposals" in capsys.readouterr().err


def test_mistakes_are_shown_with_the_proposals_of_the_checkpoint(workshop, tmp_path, capsys):
    assert data_show.main([str(workshop / "data"), "--set", "val", "--out", str(tmp_path), "--cpu", "--compare",
                           str(workshop / "out")]) == 0
    assert "coco val, 3 images" in capsys.readouterr().out


def test_detecting_with_boxes_of_a_file(workshop, tmp_path, capsys):
    photos = [str(workshop / "data/val" / name) for name in ("1.png", "2.png")]
    words = ["--checkpoint", str(workshop / "out"), "--cpu", "--out", str(tmp_path), "--threshold", "0"]
    assert detect.main([*words, *photos, "--proposals", str(workshop / "boxes.npz")]) == 0
    entries = json.loads((tmp_path / "detections.json").read_text())
    assert [entry["image"] for entry in entries] == photos and all(entry["detections"] for entry in entries)
    assert (tmp_path / "1.png").is_file()
    capsys.readouterr()
    assert detect.main([*words, *photos]) == 2
    assert "finds no proposals itself" in capsys.readouterr().err
    assert detect.main([*words, *photos, "--proposals", "nothing.npz"]) == 2
    assert "--proposals nothing.npz: there is no such file; the methods" in capsys.readouterr().err


def test_a_photo_without_an_entry_is_reported_and_the_others_are_done(workshop, tmp_path, capsys):
    Image.new("RGB", (64, 64)).save(tmp_path / "other.png")
    (tmp_path / "broken.png").write_text("no image")
    words = ["--checkpoint", str(workshop / "out"), "--cpu", "--out", str(tmp_path / "out"), "--proposals",
             str(workshop / "boxes.npz")]
    assert detect.main([*words, str(tmp_path / "other.png"), str(tmp_path / "broken.png"),
                        str(workshop / "data/val/1.png")]) == 1
    printed = capsys.readouterr().err
    assert "other.png; --proposals selective_search finds" in printed and "broken.png: not a readable" in printed
    assert len(json.loads((tmp_path / "out" / "detections.json").read_text())) == 1
    assert detect.main([*words, str(tmp_path / "broken.png")]) == 1
    assert "broken.png: not a readable" in capsys.readouterr().err


def test_proposals_are_found_by_a_method(workshop, tmp_path, monkeypatch):
    """A stand-in for OpenCV's methods, which are an extra."""
    from light_head_rcnn.engine.inference import photo_proposals

    class Finder:
        def __init__(self, method, limit):
            assert (method, limit) == ("edge_boxes", 2000)

        def find(self, image):
            assert image.shape == (64, 64, 3) and image.dtype == np.uint8
            return type("Found", (), {"boxes": BOXES})

    monkeypatch.setattr(photo_proposals, "ProposalFinder", Finder)
    words = ["--checkpoint", str(workshop / "out"), "--cpu", "--threshold", "0", str(workshop / "data/val/1.png")]
    found = []
    for source in ("edge_boxes", str(workshop / "boxes.npz")):
        assert detect.main([*words, "--out", str(tmp_path), "--proposals", source]) == 0
        found.append(json.loads((tmp_path / "detections.json").read_text()))
    assert found[0] == found[1]


def test_compressing_prints_before_and_after(workshop, tmp_path, capsys):
    model = str(workshop / "out")
    assert compress.main([model, "--cpu", "--rank", "fc6=8,fc7=4", "--out", str(tmp_path / "small")]) == 0
    printed = capsys.readouterr().err
    head = 32 * 576 * 4 + 32 + 16 * 32 + 16 + 3 * 16 + 3 + 12 * 16 + 12
    small = head - 32 * 576 * 4 + 8 * (32 + 576 * 4) - 16 * 32 + 4 * (32 + 16)
    assert f"{head:,}" in printed and f"{small:,}" in printed and "milliseconds of the head, 2000 RoIs" in printed
    assert "\nAP " in printed and "\nAP50 " in printed
    assert test.main(["--checkpoint", str(tmp_path / "small"), "--cpu", "--out", str(tmp_path / "tested")]) == 0
    metrics = [json.loads((tmp_path / name / "metrics.json").read_text())["coco"]["AP"]
               for name in ("small/test", "tested")]
    assert metrics[0] == metrics[1]
    assert detect.main(["--checkpoint", str(tmp_path / "small"), "--cpu", "--out", str(tmp_path / "pictures"),
                        "--proposals", str(workshop / "boxes.npz"), str(workshop / "data/val/1.png")]) == 0


@pytest.mark.parametrize("command", [["compress", "MODEL", "--energy", "1"], ["svm", "--checkpoint", "MODEL"]])
def test_the_folder_of_another_training_is_refused(workshop, tmp_path, capsys, command):
    for end in ("json", "params", "states"):
        shutil.copy(workshop / f"out/fast-0002.{end}", tmp_path / f"fast-0002.{end}")
    words = [str(workshop / "out") if word == "MODEL" else word for word in command]
    assert main.main([*words, "--cpu", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path} holds other checkpoints, such as {tmp_path}/fast-0002: name" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 3


def test_another_process_is_kept_out_and_an_earlier_result_replaced(workshop, tmp_path, capsys):
    words = [str(workshop / "out"), "--cpu", "--no-test", "--rank", "fc6=8", "--out", str(tmp_path)]
    with lock_folder(tmp_path):
        assert compress.main(words) == 2
    assert "another process" in capsys.readouterr().err
    assert compress.main(words) == compress.main(words) == 0
    assert {path.stem for path in tmp_path.iterdir()} == {"fast-0000"}


def test_ranks_that_save_nothing_are_told(workshop, tmp_path, capsys):
    """32 x 2304 numbers in place of (32 + 2304) * rank, 16 x 32 in place of (16 + 32) * rank."""
    assert compress.main([str(workshop / "out"), "--cpu", "--no-test", "--rank", "fc6=32,fc7=10", "--out",
                          str(tmp_path)]) == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert warnings == ["warning: at rank 32, the two layers in place of fc6 have no fewer parameters than its 32 x "
                        "2304; below rank 32 they have"]


@pytest.mark.parametrize("words, fault", [
    (["--rank", "fc9=2"], "no hidden layer fc9"), (["--rank", "fc6=99"], "the rank of fc6 is 99"),
    (["--energy", "1.5"], "the energy is 1.5"), (["--energy", "0.9", "--out", "."], "name another folder")])
def test_what_cannot_be_compressed_is_said(workshop, tmp_path, capsys, monkeypatch, words, fault):
    monkeypatch.chdir(workshop / "out")
    assert compress.main([".", "--cpu", "--no-test", *words]) == 2
    assert fault in capsys.readouterr().err
