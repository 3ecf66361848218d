"""`lhrcnn data pack`, and the other commands on what it wrote."""
import json
import os

import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.folder_lock import lock_folder


@pytest.fixture
def packed(lhrcnn, coco, tmp_path):
    assert lhrcnn("data", "pack", coco, "--out", tmp_path / "packed")[0] == 1  # a box outside was left out
    return tmp_path / "packed"


def test_what_it_says_and_writes(lhrcnn, coco, tmp_path):
    status, printed, _ = lhrcnn("data", "pack", coco, "--out", tmp_path / "packed", "--seed", 3, "--workers", 1)
    assert status == 1 and "faults in val" in printed and "box_outside" in printed
    assert "train 3 images in 1 shard," in printed and f"dataset_path: {tmp_path}/packed" in printed
    assert sorted(os.listdir(tmp_path / "packed")) == [
        "packed_data_set.json", "train-00000.idx", "train-00000.rec", "train.npz", "val-00000.idx", "val-00000.rec",
        "val.npz"]
    made = json.loads((tmp_path / "packed" / "packed_data_set.json").read_text())["made"]
    assert made["shuffled"] == ["train"] and made["seed"] == 3 and made["layout"] == "coco"


def test_checking_finds_damage(lhrcnn, packed, tmp_path):
    status, printed, _ = lhrcnn("data", "check", packed)
    assert status == 1 and "a packed data set; sets: train, val" in printed and "1 x boxes" not in printed
    assert "every file has the checksum that it was written with" in printed
    content = bytearray((packed / "val-00000.rec").read_bytes())
    content[200] ^= 16
    (packed / "val-00000.rec").write_bytes(content)
    status, printed, _ = lhrcnn("data", "check", packed, "--json", tmp_path / "check.json")
    assert status == 1 and "val-00000.rec: its checksum is another: it is damaged; 1 of its 2 images" in printed
    assert "val-00000.rec" in json.loads((tmp_path / "check.json").read_text())["damaged"][0]


def test_other_commands_read_it(lhrcnn, coco, packed, tmp_path):
    for folder, source in ((tmp_path / "a", coco), (tmp_path / "b", packed)):
        assert lhrcnn("data", "convert", source, "--to", "coco", folder)[0] == 1
    for name in ("train", "val"):
        first, second = ((tmp_path / folder / "annotations" / f"instances_{name}.json").read_text()
                         for folder in "ab")
        assert first == second
    assert lhrcnn("data", "show", packed, "--out", tmp_path / "look")[0] == 0
    assert lhrcnn("data", "crops", packed, tmp_path / "crops")[0] == 1
    assert lhrcnn("data", "anchors", packed, "--cfg", "shapes_s")[0] == 0
    status, _, errors = lhrcnn("data", "split", packed)
    assert status == 2 and "is packed" in errors and "before it is packed" in errors


def test_sets_sizes_and_order(lhrcnn, coco, labelimg, tmp_path):
    status, printed, _ = lhrcnn("data", "pack", coco, "--out", tmp_path / "a", "--sets", "val")
    assert "wrote" in printed and "train" not in os.listdir(tmp_path / "a")[0]
    status, printed, _ = lhrcnn("data", "pack", labelimg, "--out", tmp_path / "b", "--order", "kept", "--resize-short",
                                "30", "--shard-size", "0.1 MB")
    assert status == 0
    dataset = load_dataset("auto", tmp_path / "b", "all")
    assert dataset.records.storage_order().tolist() == list(range(20))
    assert {(record.width, record.height) for record in dataset.records} == {(40, 30)}
    status, printed, _ = lhrcnn("data", "check", tmp_path / "b")
    assert status == 0 and "Divide the data set by lhrcnn data split before it is packed" in printed


@pytest.mark.parametrize("words, message", [
    (["--shard-size", "12"], "--shard-size 12: name a size"), (["--shard-size", "x"], "--shard-size x"),
    (["--shard-size", "1TB"], "--shard-size 1TB"), (["--resize-short", "0"], "--resize-short is 0"),
    (["--workers", "0"], "--workers is 0"), (["--seed", "-1"], "--seed is -1"),
    (["--sets", "dev", "x"], "there is no image set 'x'")])
def test_mistakes_leave_nothing_behind(lhrcnn, coco, tmp_path, words, message):
    status, _, errors = lhrcnn("data", "pack", coco, "--out", tmp_path / "new", *words)
    assert status == 2 and message in errors and not (tmp_path / "new").exists()


def test_folders_that_cannot_be_used(lhrcnn, coco, packed, tmp_path):
    for folder, message in ((packed, "holds a packed data set already"), (coco / "in", "would become a part"),
                            (coco, "is not empty"), (coco / "train" / "0.jpg", "is a file")):
        status, _, errors = lhrcnn("data", "pack", coco, "--out", folder)
        assert status == 2 and message in errors
    with lock_folder(tmp_path / "busy"):
        status, _, errors = lhrcnn("data", "pack", coco, "--out", tmp_path / "busy")
    assert status == 2 and "another process" in errors
