"""COCO's layout, as pycocotools reads it."""
import json

from light_head_rcnn.data.writers import write_dataset
from pycocotools.coco import COCO


def read(folder, image_set):
    return COCO(str(folder / "annotations" / f"instances_{image_set}.json"))


def test_pycocotools_reads_what_was_written(sets, classes, tmp_path):
    notes = write_dataset("coco", str(tmp_path / "new"), sets, classes, category_ids=(9, 2, 5))
    assert [note.split(":")[0] for note in notes] == ["1 x ignored object",
                                                      "1 x place without known labels"]
    train, val = read(tmp_path / "new", "train"), read(tmp_path / "new", "val")
    assert {c["id"]: c["name"] for c in train.loadCats(train.getCatIds())} == dict(zip((9, 2, 5), classes))
    assert [image["file_name"] for image in train.dataset["images"]] == ["1.jpg", "1-2.jpg", "two words.png"]
    assert [image["id"] for image in train.dataset["images"]] == [7, 9, 3]
    assert all((image["width"], image["height"]) == (60, 40) for image in train.dataset["images"])
    first = train.loadAnns(train.getAnnIds(7))
    assert [(a["category_id"], a["bbox"], a["area"]) for a in first] == [
        (9, [0, 0, 60, 40], 2400), (5, [1.5, 2.25, 9.375, 9.8735], 50.5)]
    marks = [(a["iscrowd"], a.get("difficult", 0)) for a in train.loadAnns(train.getAnnIds(9))]
    assert marks == [(0, 1), (0, 0), (1, 0), (0, 1)]
    assert train.getAnnIds(3) == [] and sorted(train.getAnnIds()) == [1, 2, 3, 4, 5, 6]
    assert [image["file_name"] for image in val.dataset["images"]] == ["1.jpg", "3.jpg"]
    for image_set in ("train", "val"):
        for image in read(tmp_path / "new", image_set).dataset["images"]:
            assert (tmp_path / "new" / image_set / image["file_name"]).is_file()


def test_ids_that_are_not_whole_or_not_different_are_numbered_anew(sets, classes, tmp_path):
    write_dataset("coco", str(tmp_path / "new"), {"all": sets["train"] + sets["val"]}, classes)
    everything = read(tmp_path / "new", "all")
    assert sorted(everything.imgs) == [1, 2, 3, 4, 5] and sorted(everything.cats) == [1, 2, 3]
    assert [len(everything.getAnnIds(image_id)) for image_id in (1, 2, 3, 4, 5)] == [2, 4, 0, 2, 1]


def test_letters_are_written_as_they_are(sets, classes, tmp_path):
    write_dataset("coco", str(tmp_path / "new"), sets, classes, images="none")
    text = (tmp_path / "new" / "annotations" / "instances_val.json").read_text(encoding="utf-8")
    assert "café & bar" in text and json.loads(text)
    assert not (tmp_path / "new" / "val").exists()
