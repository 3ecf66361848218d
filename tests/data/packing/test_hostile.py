"""Manifests and arrays from strangers: refused with one line that names the file, and nothing outside is opened."""
import io
import json
import zipfile

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.errors import DataError


@pytest.fixture
def packed(coco_tree, tmp_path, pack):
    pack(coco_tree.root, tmp_path / "packed")
    return tmp_path / "packed"


def refuse(folder, message):
    with pytest.raises(DataError, match=message) as caught:
        load_dataset("auto", folder, "train")
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("path, value", [
    (("sets",), {}), (("sets",), []), (("sets",), None), (("sets", "train", "shards", 0, "name"), "../x.rec"),
    (("sets", "train", "shards", 0, "name"), "/etc/passwd"), (("sets", "train", "records", "name"), ".."),
    (("sets", "train", "records", "bytes"), -1), (("sets", "train", "records", "images"), 1.5),
    (("sets", "train", "shards"), {}), (("sets", "train", "indices"), []), (("classes",), ["a", "a"]),
    (("classes",), [1]), (("classes",), 5), (("id_of_class",), []), (("id_of_class", "cat"), [1]),
    (("sets", "train", "rest"), None), (("sets", "train", "rest", "counts"), {"x": 1}), (("format",), "other"),
    (("version",), 2), (("made",), 3), (("sets", "train", "rest", "notes"), [{}])])
def test_manifests(packed, path, value):
    content = json.loads((packed / "packed_data_set.json").read_text())
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (packed / "packed_data_set.json").write_text(json.dumps(content))
    refuse(packed, "packed_data_set.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "\0"])
def test_manifests_that_are_none(packed, text):
    (packed / "packed_data_set.json").write_text(text)
    refuse(packed, "packed_data_set.json: not")


@pytest.mark.parametrize("name, change", [
    ("offset", lambda a: a + 2 ** 40), ("offset", lambda a: a - 1), ("offset", lambda a: a + 2 ** 63 - 1),
    ("length", lambda a: a * 0), ("length", lambda a: a + 2 ** 62), ("length", lambda a: a[:2]),
    ("shard", lambda a: a + 7), ("shard", lambda a: a - 1), ("shard", lambda a: a.astype(np.float64)),
    ("classes", lambda a: a + 2), ("classes", lambda a: a - 9), ("width", lambda a: a * 0),
    ("height", lambda a: a + 2 ** 40), ("boxes", lambda a: a * np.float32(np.nan)), ("areas", lambda a: a * np.inf),
    ("objects_of_image", lambda a: a * 2), ("objects_of_image", lambda a: a * 0 - 2 ** 62),
    ("path_lengths", lambda a: a + 2 ** 40), ("paths", lambda a: a * 0 + 255), ("ids", lambda a: a[:0]),
    ("regions", lambda a: np.array([{}], object)), ("crowd", None)], ids=lambda one: one if type(one) is str else "")
def test_arrays(packed, name, change):
    with np.load(packed / "train.npz") as file:
        arrays = dict(file)
    if change is None:
        del arrays[name]
    else:
        with np.errstate(all="ignore"):
            arrays[name] = change(arrays[name])
    np.savez(packed / "train.npz", **arrays)
    refuse(packed, "train.npz: the records of the packed data set are damaged")


def test_a_small_file_that_would_fill_the_memory(packed):
    with zipfile.ZipFile(packed / "train.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("width.npy", bytes(10 ** 8))
    refuse(packed, "its parts are larger than the file")


@pytest.mark.parametrize("shape", [(10 ** 12,), (2 ** 40, 2 ** 30), (-1,), (3, -2 ** 50)])
def test_headers_that_state_more_than_there_is(packed, shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": shape})
    with np.load(packed / "train.npz") as file:
        arrays = dict(file)
    del arrays["width"]
    np.savez(packed / "train.npz", **arrays)
    with zipfile.ZipFile(packed / "train.npz", "a") as archive:
        archive.writestr("width.npy", header.getvalue() + bytes(24))
    refuse(packed, "width.npy has another size than it states")


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", bytes(100)])
def test_files_that_are_no_arrays(packed, content):
    (packed / "train.npz").write_bytes(content)
    refuse(packed, "train.npz: the records of the packed data set are damaged")


def test_arrays_that_are_missing(packed):
    (packed / "train.npz").unlink()
    refuse(packed, "train.npz: there is no such file")
