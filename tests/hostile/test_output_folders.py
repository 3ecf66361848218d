"""Nothing is written outside the folder that a user names, whatever names a stranger has chosen."""
import json
import os

import pytest
from PIL import Image

from light_head_rcnn.data import load_dataset
from light_head_rcnn.data.finding.finder import find_sets
from light_head_rcnn.data.writers import write_dataset
from light_head_rcnn.data.writers.crops import write_crops
from light_head_rcnn.engine.files import atomic_write
from light_head_rcnn.engine.folder_lock import lock_folder
from light_head_rcnn.engine.reporting.logger import open_logger
from light_head_rcnn.errors import ConfigError, DataError, StorageError
from light_head_rcnn.engine.config import load_config

NAMES = ("..", "../../up", "a\0b", "\x1b[2J", "x" * 3000, "/etc/x")


@pytest.fixture
def record(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("RGB", (40, 30), (9, 200, 9)).save(folder / "a.png")
    (folder / "boxes.csv").write_text("filename,class,xmin,ymin,xmax,ymax\na.png,cat,1,2,20,22\n")
    return load_dataset("auto", str(folder), "all").records[0]


def files_outside(tmp_path, out):
    """Paths in the folder of a test that neither were there nor lie in its output folder."""
    return [path for path in tmp_path.rglob("*") if out not in (path, *path.parents)
            and tmp_path / "in" not in (path, *path.parents) and path != tmp_path / "deep"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_names_of_sets(tmp_path, record, layout, name):
    out = tmp_path / "deep" / "out"
    out.parent.mkdir()
    write_dataset(layout, str(out), {name: [record]}, ["cat"], images="copy")
    assert len([path for path in out.rglob("*.png")]) == 1 and files_outside(tmp_path, out) == []


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_of_classes_and_sets_of_crops(tmp_path, record, name):
    out = tmp_path / "deep" / "out"
    out.parent.mkdir()
    counts = write_crops(str(out), {name: [record]}, [name])
    assert counts.written[0][2] == 1 and files_outside(tmp_path, out) == []


@pytest.mark.parametrize("name", ["..", "."])
def test_a_set_of_coco_whose_name_leads_up(tmp_path, name):
    """instances_...json would be the set "..", of which the images would be written beside the folder."""
    (tmp_path / "set" / "annotations").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(tmp_path / "set" / "a.png")
    (tmp_path / "set" / "annotations" / f"instances_{name}.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}], "annotations": [],
        "categories": [{"id": 1, "name": "cat"}]}))
    for found in find_sets(str(tmp_path / "set")).sets:
        records = load_dataset("auto", str(tmp_path / "set"), found).records
        write_dataset("coco", str(tmp_path / "new" / "out"), {found: records}, ["cat"], images="copy")
    assert not list((tmp_path / "new").glob("*.png"))


def test_links_in_an_output_folder_are_not_written_through(tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("mine")
    for name in (".tmp-a.json", "train.log", ".lock"):
        os.symlink(own, tmp_path / name)
    with atomic_write(tmp_path / "a.json") as temporary, open(temporary, "w") as file:
        file.write("new")
    with pytest.raises(StorageError, match="train.log is a link"):
        open_logger(tmp_path)
    with pytest.raises(StorageError, match="lock is a link"), lock_folder(tmp_path):
        pass
    assert own.read_text() == "mine" and (tmp_path / "a.json").read_text() == "new"


@pytest.mark.parametrize("prefix", ["../x", "/x", "..", "a/b", ""])
def test_names_of_checkpoints_name_no_folder(prefix):
    with pytest.raises(ConfigError, match="model_prefix"):
        load_config(None, {"TRAIN.model_prefix": prefix})


def test_messages_that_quote_a_file_have_an_end():
    error = DataError("a.json: " + "x" * 10 ** 6 + " is none; mend it\nand\nso on")
    assert len(str(error)) < 3000 and str(error).startswith("a.json: xxx")
    assert str(error).endswith("xxx is none; mend it\nand\nso on") and str(DataError("short")) == "short"
