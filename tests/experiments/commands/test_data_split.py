"""`lhrcnn data split`: lists that the finder and a configuration use, and what is refused."""
import os

import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.experiments.commands import data_split


def lists(folder):
    return {path.stem: path.read_text().split("\n")[:-1] for path in sorted(folder.iterdir())}


def use(printed, folder):
    """The image ids of each set of the configuration that was printed."""
    (folder / "printed.yaml").write_text(printed.split("use it:\n\n")[1])
    cfg = load_config(str(folder / "printed.yaml"))
    return [[record.image_id for record in build_dataset(cfg, name).records]
            for name in (cfg.dataset.image_set, cfg.dataset.test_image_set)]


def test_lists_are_written_and_used(lhrcnn, labelimg, tmp_path):
    before = sorted(os.listdir(labelimg))
    status, printed, error = lhrcnn("data", "split", labelimg)
    assert status == 0 and error == "" and "images: train 16, val 4" in printed
    rows = {line.split("  ")[0]: line.split() for line in printed.splitlines()}
    assert rows["cat"][1:] == ["16", "(16)", "4", "(4)"] and rows["dog"][1:] in (["6", "(6)", "2", "(2)"],
                                                                                 ["7", "(7)", "1", "(1)"])
    assert sorted(os.listdir(labelimg)) == sorted([*before, "splits"])
    written = lists(labelimg / "splits")
    assert sorted(written) == ["train", "val"]
    assert sorted(written["train"] + written["val"]) == [f"{index:02}.jpg" for index in range(20)]
    for name in ("train", "val"):
        dataset = load_dataset("auto", str(labelimg), name)
        assert [f"{record.image_id}.jpg" for record in dataset.records] == written[name]
    train, val = use(printed, tmp_path)
    assert [f"{image_id}.jpg" for image_id in val] == written["val"] and len(train) == 16


def test_a_seed_a_test_set_and_a_folder_elsewhere(lhrcnn, labelimg, tmp_path):
    words = ["--val", 0.25, "--test", 0.1, "--out"]
    results = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        status, printed, _ = lhrcnn("data", "split", labelimg, *words, tmp_path / folder, "--seed", seed)
        assert status == 0 and "images: train 13, val 5, test 2" in printed
        results.append(lists(tmp_path / folder))
    assert results[0] == results[1] != results[2]
    assert not (labelimg / "splits").exists()
    train, val = use(printed, tmp_path)
    assert [f"{image_id}.jpg" for image_id in val] == results[2]["val"] and len(train) == 13


def test_what_is_divided_already_is_refused_and_lists_are_replaced_by_force(lhrcnn, coco, labelimg):
    status, _, error = lhrcnn("data", "split", coco)
    assert status == 2 and "is divided already: train, val" in error and not (coco / "splits").exists()
    assert lhrcnn("data", "split", labelimg, "--test", 0.2)[0] == 0
    first = lists(labelimg / "splits")
    status, _, error = lhrcnn("data", "split", labelimg, "--seed", 1)
    assert status == 2 and "--force replaces the lists" in error and lists(labelimg / "splits") == first
    (labelimg / "splits" / "notes.md").write_text("mine")
    assert lhrcnn("data", "split", labelimg, "--seed", 1, "--force")[0] == 0
    second = lists(labelimg / "splits")
    assert sorted(second) == ["notes", "train", "val"] and len(second["train"] + second["val"]) == 20


def test_lists_elsewhere_are_not_replaced_without_force(lhrcnn, labelimg, tmp_path):
    (tmp_path / "train.txt").write_text("mine")
    status, _, error = lhrcnn("data", "split", labelimg, "--out", tmp_path)
    assert status == 2 and f"{tmp_path / 'train.txt'}: there already" in error
    assert (tmp_path / "train.txt").read_text() == "mine" and not (tmp_path / "val.txt").exists()


def test_equal_names_in_different_folders(lhrcnn, labelimg, tmp_path):
    root = tmp_path / "both"
    root.mkdir()
    labelimg.rename(root / "a")
    for path in (root / "a").iterdir():
        (root / "b").mkdir(exist_ok=True)
        (root / "b" / path.name).write_bytes(path.read_bytes() + b"\n" * path.name.endswith("jpg"))
    assert lhrcnn("data", "split", root)[0] == 0
    written = lists(root / "splits")
    assert sorted(written["train"] + written["val"]) == [f"{folder}/{i:02}.jpg" for folder in "ab" for i in range(20)]
    for name in ("train", "val"):
        dataset = load_dataset("auto", str(root), name)
        assert [os.path.relpath(record.path, root) for record in dataset.records] == written[name]


def test_the_only_set_may_have_a_name(lhrcnn, coco):
    (coco / "annotations" / "instances_val.json").unlink()
    status, printed, _ = lhrcnn("data", "split", coco, "--val", 0.34)
    assert status == 0 and "images: train 2, val 1" in printed
    assert len(load_dataset("auto", str(coco), "train")) == 2 and len(load_dataset("auto", str(coco), "val")) == 1


def test_a_single_file(lhrcnn, coco, tmp_path):
    file = coco / "annotations" / "instances_train.json"
    status, _, error = lhrcnn("data", "split", file)
    assert status == 2 and "--out FOLDER" in error
    status, printed, _ = lhrcnn("data", "split", file, "--out", tmp_path / "lists", "--val", 0.34)
    assert status == 0
    assert [len(ids) for ids in use(printed, tmp_path)] == [2, 1]


@pytest.mark.parametrize("words, message", [
    (["--val", "1"], "--val is 1"), (["--val", "-0.1"], "--val is -0.1"),
    (["--val", "0.6", "--test", "0.5"], "leave no"), (["--val", "0"], "nothing to divide"),
    (["--out", "{root}/00.xml"], "cannot take files")])
def test_mistakes_of_the_command_line(lhrcnn, labelimg, words, message):
    status, _, error = lhrcnn("data", "split", labelimg, *[word.format(root=labelimg) for word in words])
    assert status == 2 and message in error and not (labelimg / "splits").exists()


@pytest.mark.parametrize("lies_in_the_data_set", [False, True])
def test_images_that_lie_elsewhere(lhrcnn, labelimg, tmp_path, monkeypatch, lies_in_the_data_set):
    """--image-root is relative to the working folder, or else to the data set."""
    around = labelimg if lies_in_the_data_set else tmp_path / "work"
    (around / "photos").mkdir(parents=True)
    for path in labelimg.glob("*.jpg"):
        path.rename(around / "photos" / path.name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere" if lies_in_the_data_set else around)
    status, printed, error = lhrcnn("data", "split", labelimg, "--image-root", "photos")
    assert status == 0, error
    train, val = use(printed, tmp_path)
    assert (len(train), len(val)) == (16, 4) and not set(train) & set(val)
    assert "train" in lhrcnn("data", "check", labelimg, "--image-root", "photos")[1].split("sets: ")[1].splitlines()[0]


def test_names_that_are_not_utf8(lhrcnn, labelimg):
    for extension in (".jpg", ".xml"):
        os.rename(labelimg / f"00{extension}", labelimg / f"caf\udce9{extension}")
        os.rename(labelimg / f"01{extension}", labelimg / f"café{extension}")
    assert lhrcnn("data", "split", labelimg)[0] == 0
    written = b"".join((labelimg / "splits" / f"{name}.txt").read_bytes() for name in ("train", "val")).split(b"\n")
    assert b"caf\xe9.jpg" in written and "café.jpg".encode() in written
    listed = [os.path.basename(record.path) for name in ("train", "val")
              for record in load_dataset("auto", str(labelimg), name, on_error="raise").records]
    assert sorted(map(os.fsencode, listed)) == sorted(filter(None, written))


def test_a_failure_leaves_the_old_lists(lhrcnn, labelimg, monkeypatch):
    def fail(record, root):
        if len(written) == 19:
            raise OSError(28, "No space left on device")
        written.append(record)
        return line(record, root)

    assert lhrcnn("data", "split", labelimg, "--test", 0.2)[0] == 0
    before, line, written = lists(labelimg / "splits"), data_split._line, []
    monkeypatch.setattr(data_split, "_line", fail)
    status, _, error = lhrcnn("data", "split", labelimg, "--seed", 1, "--force")
    assert status == 2 and "No space left" in error and lists(labelimg / "splits") == before
