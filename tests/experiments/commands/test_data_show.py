"""`lhrcnn data show`: pictures of ground truth, and of ground truth and detections with the worst images first."""
import json
import os

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine import config
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.networks import save_checkpoint
from light_head_rcnn.engine.evaluation import write_results
from light_head_rcnn.engine.files import write_json
from light_head_rcnn.experiments.commands import data_sets


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_pictures_contact_sheets_and_a_list(lhrcnn, labelimg, tmp_path):
    status, printed, error = lhrcnn("data", "show", labelimg, "--out", tmp_path / "look", "--count", 15)
    assert status == 0 and error == "" and "15 of 20 images" in printed
    found = names(tmp_path / "look")
    assert len(found) == 18 and found[0].startswith("0001-") and found[-3:] == ["images.txt", "sheet-01.jpg",
                                                                                "sheet-02.jpg"]
    with Image.open(tmp_path / "look" / found[0]) as picture:
        assert max(picture.size) == 800
    lines = (tmp_path / "look" / "images.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == found[:15]
    assert all(line.split("\t")[2] == "80 x 60" and "1 cat" in line for line in lines)


def test_names_that_are_not_utf8(lhrcnn, labelimg, tmp_path):
    for extension in (".jpg", ".xml"):
        os.rename(labelimg / f"03{extension}", labelimg / f"caf\udce9{extension}")
    assert lhrcnn("data", "show", labelimg, "--out", tmp_path / "look")[0] == 0
    lines = (tmp_path / "look" / "images.txt").read_bytes().splitlines()
    assert lines[-1].startswith(b"0020-caf\xe9.jpg\t") and b"/caf\xe9.jpg\t" in lines[-1]
    assert "0020-caf\udce9.jpg" in names(tmp_path / "look")


def test_a_seed_and_a_class_choose(lhrcnn, labelimg, tmp_path):
    def chosen(out, *words):
        assert lhrcnn("data", "show", labelimg, "--out", tmp_path / out, "--count", 5, *words)[0] == 0
        return [name.split("-")[1] for name in names(tmp_path / out) if name[0] == "0"]

    assert chosen("a") == chosen("b", "--seed", 0) != chosen("c", "--seed", 1)
    dogs = chosen("d", "--class", "dog")
    assert len(dogs) == 5 and all(int(name[:2]) % 5 < 2 for name in dogs)


def test_mistakes_of_the_command_line(lhrcnn, labelimg, coco, tmp_path):
    def error_of(*words):
        status, _, error = lhrcnn("data", "show", *words)
        assert status == 2
        return error

    assert "--out" in error_of(labelimg)
    error = error_of(labelimg, "--out", tmp_path / "x", "--class", "cow")
    assert "'cow' is no class of voc all; its classes: cat, dog" in error
    assert "there is no image set 'tset'" in error_of(coco, "--out", tmp_path / "x", "--set", "tset")
    assert "--count is 0" in error_of(coco, "--out", tmp_path / "x", "--count", 0)
    assert "is not empty" in error_of(coco, "--out", labelimg)
    assert "cannot take files" in error_of(coco, "--out", labelimg / "00.xml")
    assert "become a part of the data set" in error_of(coco, "--out", coco / "look")
    assert not (tmp_path / "x").exists() and not (coco / "look").exists()
    assert lhrcnn("data", "show", coco, "--out", labelimg, "--force")[0] == 0


def test_a_picture_that_cannot_be_read_does_not_end_the_others(lhrcnn, coco, tmp_path, monkeypatch):
    def read_and_remove(*words):
        dataset = read_set(*words)
        (coco / "train" / "1.jpg").unlink()
        return dataset

    read_set = data_sets.read_set
    monkeypatch.setattr(data_sets, "read_set", read_and_remove)
    status, printed, error = lhrcnn("data", "show", coco, "--out", tmp_path / "look")
    assert status == 1 and "2 of 3 images" in printed and "train/1.jpg" in error
    assert names(tmp_path / "look") == ["0001-0.jpg", "0003-2.jpg", "images.txt", "sheet-01.jpg"]


@pytest.fixture
def tested(labelimg, tmp_path):
    """A folder of a training with a test: image 03 has a wrong detection and nothing found, all others are right."""
    dataset = load_dataset("auto", str(labelimg), "all", classes=("dog", "cat"))
    detections = []
    for record in dataset.records:
        found = record.classes, np.full(len(record.boxes), 0.9), record.boxes.astype(float)
        if record.image_id == "03":
            found = np.array([0, 1]), np.array([0.8, 0.3]), np.array([[1, 1, 9, 9], [5, 5, 39, 39]], float)
        detections.append(found)
    write_results(tmp_path / "run" / "test" / "results.json", dataset, detections)
    write_json(tmp_path / "run" / "test" / "dataset.json", dataset.report())
    return tmp_path / "run"


@pytest.mark.parametrize("place", ["", "test", "test/results.json"])
def test_the_worst_image_comes_first(lhrcnn, labelimg, tested, tmp_path, place):
    status, printed, error = lhrcnn("data", "show", labelimg, "--out", tmp_path / "look", "--compare", tested / place,
                                    "--count", 3)
    assert status == 0 and error == ""
    # The classes are in the order that they had in the test.
    assert "27 objects found, 1 missed, 1 false detections" in printed
    assert names(tmp_path / "look")[0] == "0001-03.jpg" and len(names(tmp_path / "look")) == 5
    lines = [line.split("\t") for line in (tmp_path / "look" / "mistakes.txt").read_text().splitlines()]
    assert lines[0] == ["1", "2 mistakes", "1 missed", "1 false", "0 found", str(labelimg / "03.jpg")]
    assert len(lines) == 20 and lines[1][1] == "0 mistakes"


def test_a_threshold_and_a_class(lhrcnn, labelimg, tested, tmp_path):
    def printed(out, *words):
        status, text, _ = lhrcnn("data", "show", labelimg, "--out", tmp_path / out, "--compare", tested, *words)
        assert status == 0
        return text

    assert "28 objects found, 0 missed, 1 false" in printed("a", "--threshold", 0.2)
    assert "8 objects found, 0 missed, 1 false" in printed("b", "--class", "dog")
    assert "19 objects found, 1 missed, 0 false" in printed("c", "--class", "cat")


def test_the_set_is_that_of_the_test(lhrcnn, coco, tmp_path):
    dataset = load_dataset("auto", str(coco), "train")
    write_results(tmp_path / "results.json", dataset, [([], [], np.zeros((0, 4)))] * 3)
    words = ["data", "show", coco, "--compare", tmp_path / "results.json"]
    assert "coco val, 2 images" in lhrcnn(*words, "--out", tmp_path / "a")[1]
    write_json(tmp_path / "dataset.json", dataset.report())
    assert "coco train, 3 images" in lhrcnn(*words, "--out", tmp_path / "b")[1]
    assert "coco val, 2 images" in lhrcnn(*words, "--out", tmp_path / "c", "--set", "val")[1]


def test_results_of_another_set(lhrcnn, coco, tested, tmp_path):
    status, _, error = lhrcnn("data", "show", coco, "--out", tmp_path / "look", "--compare", tested, "--set", "val")
    assert status == 2 and "the detections are those of another set" in error and not (tmp_path / "look").exists()
    status, _, error = lhrcnn("data", "show", coco, "--out", tmp_path / "look", "--compare", tmp_path / "nowhere")
    assert status == 2 and "nowhere" in error


def test_the_detector_of_a_checkpoint_is_run(lhrcnn, coco, tmp_path, monkeypatch):
    read_set = data_sets.read_set
    (tmp_path / "row.yaml").write_text(f"""
output_path: {tmp_path / "out"}
SCALES: [64, 96]
network: {{model: light_head_rcnn_xception_coco, NORM: batch, ANCHOR_SCALES: [1, 2]}}
dataset: {{dataset_path: {coco}}}
TRAIN: {{model_prefix: row}}
TEST: {{RPN_POST_NMS_TOP_N: 20}}
""")
    cfg = config.load_config(tmp_path / "row.yaml")
    net = build_net(cfg, ("horse", "cow"))
    net.initialize(mx.init.Xavier())
    save_checkpoint(config.checkpoint_prefix(cfg), net, mx.gluon.Trainer(net.collect_params(), "sgd"), 2, 20,
                    {"config": config.saved_config(cfg)})
    for number, run in enumerate((tmp_path / "out", tmp_path / "out" / "row-0002")):
        status, printed, error = lhrcnn("data", "show", coco, "--out", tmp_path / f"look{number}", "--compare", run,
                                        "--threshold", 0, "--cpu")
        assert status == 0, error
        assert "row-0002.params" in printed and "coco val, 2 images" in printed
        assert "mistakes.txt" in names(tmp_path / f"look{number}")
    assert json.loads((coco / "annotations" / "instances_val.json").read_text())  # nothing was written to the data set
    assert names(coco) == ["annotations", "train", "val"]
    # The objects of an image that breaks before the detector reads it are not counted as missed.
    monkeypatch.setattr(data_sets, "read_set", lambda *words: (read_set(*words), (coco / "val" / "0.jpg").unlink())[0])
    status, printed, error = lhrcnn("data", "show", coco, "--out", tmp_path / "look2", "--compare", tmp_path / "out",
                                    "--threshold", 1, "--cpu")
    assert status == 1 and "coco val, 1 images" in printed and ", 0 missed, " in printed
    assert error.count("error:") == 1 and "val/0.jpg" in error
