"""Pipes, devices and links without end in a data set, a model or beside a configuration: an error, soon."""
import os
import signal
import zipfile

import pytest
from PIL import Image

from light_head_rcnn import data
from light_head_rcnn.data.classification.image_folders import read_image_folder
from light_head_rcnn.data.finding.finder import find_sets
from light_head_rcnn.data.proposals import read_proposals
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.deploy.exported import load_exported
from light_head_rcnn.errors import CheckpointError, ConfigError, DataError, LightHeadError
from light_head_rcnn.gluon_models.weights import read_weights


@pytest.fixture(autouse=True)
def soon():
    """Ends a test that waits for a pipe."""
    def stop(*_):
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(8)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=["pipe", "zero", "loop"])
def special(request, tmp_path):
    """Function that puts such a file at a path."""
    def put(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.param == "pipe":
            os.mkfifo(path)
        else:
            os.symlink("/dev/zero" if request.param == "zero" else path.name, path)

    return put


@pytest.mark.parametrize("name", ["a.json", "a.xml", "annotations.xml", "a.csv", "a.txt", "data.yaml", "a.png"])
def test_in_a_data_set(special, tmp_path, name):
    Image.new("RGB", (40, 30)).save(tmp_path / "b.png")
    special(tmp_path / name)
    try:
        for one in find_sets(str(tmp_path)).sets:
            data.load_dataset("auto", str(tmp_path), one)
    except LightHeadError:
        pass


def test_as_annotation_file(special, tmp_path):
    special(tmp_path / "annotations" / "instances_train.json")
    with pytest.raises(DataError, match=r"instances_train.json|there is"):
        data.load_dataset("coco", str(tmp_path), "train")


def test_as_image(special, tmp_path):
    special(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="a.jpg"):
        data.read_image(tmp_path / "a.jpg")


def test_as_base_of_a_configuration(special, tmp_path):
    special(tmp_path / "base.yaml")
    (tmp_path / "a.yaml").write_text("_BASE_: base.yaml\n")
    with pytest.raises(ConfigError, match="base.yaml"):
        load_config(tmp_path / "a.yaml")


def test_as_weights_proposals_and_models(special, tmp_path):
    for name in ("w.params", "one-meta.json", "one-symbol.json", "one-0000.params"):
        special(tmp_path / name)
    for read, path in ((read_weights, "w.params"), (load_exported, "one"), (read_proposals, "w.params")):
        with pytest.raises((CheckpointError, DataError)):
            list(read(str(tmp_path / path)))


def test_links_to_folders_around_them_end(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "1.png")
        for number in range(6):
            os.symlink(tmp_path, tmp_path / name / f"again{number}")
    assert len(read_image_folder(str(tmp_path)).images) == 4
    with pytest.raises(DataError):
        find_sets(str(tmp_path))


@pytest.mark.parametrize("header", ["{'descr': '<f4', 'fortran_order': False, 'shape': (", "(" * 3000,
                                    "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 4), }",
                                    "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"])
def test_archives_of_numpy_whose_headers_lie(tmp_path, header):
    text = header.encode() + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\x80\x04N."
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", member)
    for read in (read_weights, read_proposals):
        with pytest.raises(LightHeadError, match="a.npz"):
            list(read(str(tmp_path / "a.npz")))
