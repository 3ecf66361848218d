"""`lhrcnn data check`: what it finds in folders, and that the lines it prints work."""
import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.config import load_config


def configuration(printed, folder):
    """The configuration of the lines that were printed."""
    lines = printed.split("use it:\n\n")[1]
    (folder / "printed.yaml").write_text(lines)
    assert set(yaml.safe_load(lines)) == {"dataset"}
    return load_config(str(folder / "printed.yaml"))


def test_a_folder_that_is_not_divided(lhrcnn, labelimg, tmp_path):
    status, printed, error = lhrcnn("data", "check", labelimg)
    assert status == 0 and error == ""
    assert "Pascal VOC's XML; sets: all" in printed
    rows = {line.split("  ")[0]: line.split() for line in printed.splitlines()}
    assert rows["images"][-1] == "20" and rows["boxes"][-1] == "28"
    assert rows["cat"][-2:] == ["20", "(20)"] and rows["dog"][-2:] == ["8", "(8)"]
    assert f"lhrcnn data split '{labelimg}'" in printed
    cfg = configuration(printed, tmp_path)
    assert cfg.dataset.test_image_set == ""
    dataset = build_dataset(cfg, cfg.dataset.image_set)
    assert len(dataset) == 20 and dataset.classes == ("cat", "dog")


def test_what_is_left_out_gives_status_one(lhrcnn, coco, tmp_path):
    status, printed, error = lhrcnn("data", "check", coco)
    assert status == 1 and error == ""
    assert "sets: train, val" in printed and "lies outside the image" in printed
    assert "data split" not in printed
    rows = {line.split("  ")[0] or line.split("  ")[1]: line.split() for line in printed.splitlines() if line.strip()}
    assert rows["without boxes"][-2:] == ["0", "1"] and rows["crowd"][-2:] == ["1", "1"]
    assert "classes with fewer than 10 boxes" in printed and "cow (4)" in printed
    cfg = configuration(printed, tmp_path)
    assert len(build_dataset(cfg, cfg.dataset.image_set)) == 3
    assert len(build_dataset(cfg, cfg.dataset.test_image_set)) == 2


def test_images_above_the_limit_of_pixels_are_a_fault(lhrcnn, coco):
    """They have 80 x 60 pixels."""
    status, printed, error = lhrcnn("data", "check", coco, "--max-megapixels", "0.004")
    assert status == 2 and "80 x 60 pixels are" in printed + error and "--max-megapixels" in printed + error
    assert "80 x 60 pixels are" not in lhrcnn("data", "check", coco, "--max-megapixels", "0.005")[1]


def test_a_set_that_cannot_be_used_does_not_hide_the_others(lhrcnn, coco):
    (coco / "annotations" / "instances_val.json").write_text('{"images": [], "annotations": []')
    status, printed, _ = lhrcnn("data", "check", coco)
    assert status == 2 and "instances_val.json, line 1" in printed and "train: boxes" in printed


def test_images_that_were_added_after_the_split_are_counted(lhrcnn, make_picture, labelimg):
    assert lhrcnn("data", "split", labelimg)[0] == 0
    assert "in none of the sets" not in lhrcnn("data", "check", labelimg)[1]
    make_picture(labelimg / "new.jpg", 99)
    shutil.copy(labelimg / "00.xml", labelimg / "new.xml")
    printed = lhrcnn("data", "check", labelimg)[1]
    assert "1 images of the set all are in none of the sets above" in printed and "new.jpg" in printed


def test_images_that_no_part_has_are_counted(lhrcnn, make_picture, coco):
    assert "in none of the sets" not in lhrcnn("data", "check", coco)[1]
    # As in an export of CVAT: the set without a name has images of its own.
    make_picture(coco / "images" / "x.jpg", 7)
    content = {"images": [{"id": 1, "file_name": "x.jpg"}], "annotations": [],
               "categories": [{"id": 1, "name": "cow"}]}
    (coco / "annotations" / "instances_default.json").write_text(json.dumps(content))
    assert "1 images of the set all are in none of the sets above" in lhrcnn("data", "check", coco)[1]
    content["images"][0]["file_name"] = "y.jpg"
    (coco / "annotations" / "instances_default.json").write_text(json.dumps(content))
    assert "the set all cannot be used: " in lhrcnn("data", "check", coco)[1]


def test_annotations_that_are_not_seen_are_named(lhrcnn, make_picture, tmp_path):
    make_picture(tmp_path / "set" / "1.png", 1)
    shapes = [{"label": label, "points": points, "shape_type": kind} for label, kind, points in (
        ("cat", "rectangle", [[1, 2], [30, 40]]), ("nose", "point", [[5, 5]]))]
    (tmp_path / "set" / "1.json").write_text(json.dumps({"version": "5", "shapes": shapes, "imagePath": "1.png"}))
    status, printed, _ = lhrcnn("data", "check", tmp_path / "set")
    assert status == 0 and "all: annotations of other classes, which are not seen: 1 of nose" in printed


def test_json_has_what_is_printed(lhrcnn, coco, tmp_path):
    file = coco / "train" / "0.jpg"
    status, _, error = lhrcnn("data", "check", coco, "--json", file / "check.json")
    assert status == 2 and error.endswith("0.jpg is not a folder: name another by --json\n")
    assert lhrcnn("data", "check", coco, "--json", tmp_path / "new" / "check.json")[0] == 1
    content = json.loads((tmp_path / "new" / "check.json").read_text())
    assert content["layout"] == "coco" and content["classes"] == ["cow"] and content["errors"] == {}
    assert content["sets"]["train"]["boxes_of_class"] == {"cow": 3}
    assert content["sets"]["val"]["faults"]["box_outside"]["count"] == 1
    assert {one["kind"] for one in content["odd"]} == {"class_with_few_boxes"}


def test_decoding_finds_broken_pictures(lhrcnn, coco):
    path = coco / "train" / "1.jpg"
    content = bytearray(path.read_bytes())
    start = content.rindex(b"\xff\xda")
    content[start:] = content[start:start + 12] + b"\xff\xd9"  # the end is there, the pixels are not
    path.write_bytes(content)
    before, after = (lhrcnn("data", "check", coco, *words) for words in ((), ("--decode",)))
    assert before[0] == after[0] == 1 and "damaged" not in before[1] and f"{path} is damaged" in after[1]
    left_out = lhrcnn("data", "check", coco, "--decode", "--on-error", "image_truncated: drop")
    assert [line.split() for line in left_out[1].splitlines() if line.startswith("images")] == [["images", "2", "2"]]


def test_a_picture_that_is_cut_off_is_counted_once(lhrcnn, coco):
    path = coco / "train" / "1.jpg"
    path.write_bytes(path.read_bytes()[:-40])
    for words in ((), ("--decode",)):
        assert "  image_truncated        1  keep " in lhrcnn("data", "check", coco, *words)[1]


def test_a_single_file_and_its_images(lhrcnn, coco, tmp_path):
    file, moved = coco / "annotations" / "instances_train.json", tmp_path / "elsewhere"
    (coco / "train").rename(moved)
    shutil.rmtree(coco / "val")
    status, printed, _ = lhrcnn("data", "check", file, "--image-root", moved)
    assert status == 0
    cfg = configuration(printed, tmp_path)
    assert len(build_dataset(cfg, cfg.dataset.image_set)) == 3
    advice = shlex.split(printed.split("To divide it: lhrcnn ")[1].splitlines()[0])
    assert advice == ["data", "split", str(file), "--image-root", str(moved), "--out", "lists"]
    status, _, error = lhrcnn("data", "check", file)
    assert status == 2 and "0.jpg" in error


def test_names_that_yaml_would_misread_are_quoted(lhrcnn, labelimg, tmp_path):
    labelimg = labelimg.rename(labelimg.with_name("my: #photos [1]"))
    status, printed, _ = lhrcnn("data", "check", labelimg)
    assert status == 0 and configuration(printed, tmp_path).dataset.dataset_path == str(labelimg)


def test_a_reader_that_has_seen_enough_is_no_error(labelimg):
    code = "import sys; from light_head_rcnn.experiments.commands import main; sys.exit(main.main(sys.argv[1:]))"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", code, "data", "check", str(labelimg)], stdout=writing,
                          stderr=subprocess.PIPE, universal_newlines=True)
    os.close(writing)
    assert done.returncode == 0 and "Error" not in done.stderr


@pytest.mark.realdata
@pytest.mark.parametrize("name, sets, classes", [
    ("kangaroo", "train, test", ("kangaroo",)), ("facemask", "train (custom_train), val (custom_val)", None),
    ("bccd", "train, val, test, trainval", ("Platelets", "RBC", "WBC"))])
def test_photographs(lhrcnn, shared_data, name, sets, classes):
    status, printed, _ = lhrcnn("data", "check", shared_data(name))
    assert status == 0 and f"sets: {sets}" in printed
    if classes:
        assert load_dataset("auto", shared_data(name), "test").classes == classes
    # The set trainval joins others, which is not odd.
    assert "trainval)" not in printed.split("odd,")[-1]


def test_data_sets_side_by_side_are_named(lhrcnn, labelimg, tmp_path):
    for project in ("A", "B"):
        for name in ("train", "val"):
            shutil.copytree(labelimg, tmp_path / "both" / project / name)
    for command in (["check"], ["show", "--out", tmp_path / "x"], ["anchors"], ["split"]):
        status, _, error = lhrcnn("data", command[0], tmp_path / "both", *command[1:])
        assert status == 2 and "it holds 2 data sets side by side: A, B; name the folder of one of them" in error
    assert lhrcnn("data", "check", tmp_path / "both" / "A")[0] == 0
