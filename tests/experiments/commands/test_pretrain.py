"""`lhrcnn pretrain`: folders and records, its answer, and what is wrong with a command line."""
import json

import mxnet as mx
import pytest
from PIL import Image

from light_head_rcnn.experiments.commands import pretrain

SHORT = ("--cpu", "--side", "32", "--epochs", "1", "--batch-size", "4", "--workers", "0", "--warmup-epochs", "0")


@pytest.fixture
def folders(tmp_path, make_picture):
    """DATA with train and validation, two classes of four images each."""
    for name in ("train", "validation"):
        for number, of_class in enumerate(("cat", "dog")):
            for index in range(4):
                make_picture(tmp_path / "data" / name / of_class / f"{index}.jpg", 10 * number + index)
    return tmp_path / "data"


@pytest.fixture
def records(tmp_path, make_picture):
    """DATA with train.rec and val.rec, four images of class 0 and of class 1."""
    for name in ("train", "val"):
        (tmp_path / "rec").mkdir(exist_ok=True)
        writer = mx.recordio.MXIndexedRecordIO(str(tmp_path / "rec" / f"{name}.idx"),
                                               str(tmp_path / "rec" / f"{name}.rec"), "w")
        for key in range(8):
            make_picture(tmp_path / "a.jpg", key)
            writer.write_idx(key, mx.recordio.pack(mx.recordio.IRHeader(0, key % 2, key, 0),
                                                   (tmp_path / "a.jpg").read_bytes()))
        writer.close()
    return tmp_path / "rec"


def test_folders(lhrcnn, folders, tmp_path):
    status, printed, error = lhrcnn("pretrain", folders, *SHORT, "--out", tmp_path / "out")
    file = tmp_path / "out" / "xception-best.params"
    assert status == 0 and file.is_file() and f"network.pretrained={file} network.PIXEL_MEANS=103.53," in printed
    assert "validation: 8 images of 2 classes, from 4 to 4 of a class" in error
    assert "8 images of 2 classes" in (tmp_path / "out" / "train.log").read_text()
    status, _, error = lhrcnn("pretrain", folders, *SHORT, "--out", tmp_path / "out")
    assert status == 2 and "--resume" in error
    assert lhrcnn("convert", file, "--to", tmp_path / "m" / "x.params")[0] == 0
    text = (tmp_path / "m" / "x.yaml").read_text()
    assert "light_head_rcnn_xception_coco" in text and "123.675" in text


def test_records(lhrcnn, records, tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    words = ["pretrain", "--train", records / "train.rec", "--val", records / "val.rec", *SHORT, "--out",
             tmp_path / "out"]
    assert lhrcnn(*words, "--classes", tmp_path / "names.txt")[0] == 0
    assert json.loads((tmp_path / "out" / "result.json").read_text())["classes"] == ["cat", "dog"]
    status, _, error = lhrcnn("pretrain", records, *SHORT, "--out", tmp_path / "out", "--resume")
    assert status == 2 and "classes: ['cat', 'dog'] in the checkpoint, ['0', '1'] now" in error


def test_a_broken_image_gives_status_1(lhrcnn, folders, tmp_path):
    (folders / "train" / "cat" / "2.jpg").write_bytes(b"x")
    status, _, error = lhrcnn("pretrain", folders, *SHORT, "--out", tmp_path / "out")
    assert status == 1 and "2.jpg" in error and "another image takes its place" in error


def test_mistakes_leave_nothing_behind(lhrcnn, folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def error_of(*words):
        status, _, error = lhrcnn("pretrain", *words, "--out", tmp_path / "out")
        assert status == 2 and not (tmp_path / "out").exists()
        return error

    assert "name the folder of the sets" in error_of(*SHORT)
    assert "there is no folder nowhere" in error_of("nowhere", *SHORT)
    assert ("has no folder train, with a folder for each class in it, and no such .rec file; name the set by --train "
            "PATH") in error_of(folders / "train", *SHORT)
    assert "--classes is for .rec files" in error_of(folders, *SHORT, "--classes", "x.txt")
    assert "a set of 8: choose a smaller batch size" in error_of(folders, *SHORT, "--batch-size", "9")
    assert "it reads 45x45 and larger" in error_of(folders, *SHORT, "--backbone", "vovnet27_slim")
    assert "--lr is 0.0; it must be above 0" in error_of(folders, *SHORT, "--lr", "0")
    assert "--seed is 99999999999; it must be at least 0 and below" in error_of(
        folders, *SHORT, "--seed", "99999999999")
    assert "--log-every is 0; it must be at least 1" in error_of(folders, *SHORT, "--log-every", "0")
    for option in ("--workers", "--keep", "--save-every-minutes"):
        assert f"{option} is -1" in error_of(folders, *SHORT, option, "-1")
    assert "--save-every-minutes is nan; it must be at least 0" in error_of(folders, *SHORT, "--save-every-minutes",
                                                                            "nan")
    assert "invalid choice: 'resnet'" in error_of(folders, *SHORT, "--backbone", "resnet")
    Image.new("RGB", (9, 9)).save(folders / "train" / "cat.jpg")
    (folders / "train" / "eel").mkdir()
    assert "these classes have no images: eel" in error_of(folders, *SHORT)


def test_help(lhrcnn):
    status, printed, _ = lhrcnn("pretrain", "--help")
    assert status == 0 and "lhrcnn pretrain imagenet/" in printed and "(default: 0.08)" in printed
    assert "--no-flip" in printed and pretrain.EXAMPLES.strip().splitlines()[0] in printed
