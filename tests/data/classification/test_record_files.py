"""Files of records: labels from their headers, pixels as they were written, and what is wrong with files."""
import pickle

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.data.classification import matched_sets, read_record_file
from light_head_rcnn.data.classification.record_files import RecordReader
from light_head_rcnn.errors import DataError


def test_labels_and_pixels(make_records, tmp_path):
    path = make_records(tmp_path / "train.rec", [2, 0, 2, 1])
    found = read_record_file(str(path))
    assert found.classes == ("0", "1", "2") and not found.named
    assert [(image.key, image.label) for image in found.images] == [(0, 2), (1, 0), (2, 2), (3, 1)]
    reader = RecordReader()
    for _ in range(2):
        for image in reversed(found.images):
            pixels = reader.read(image.path, image.key)
            assert pixels.shape == (30, 40, 3) and (pixels == [image.key, 0, 0]).all()
        reader = pickle.loads(pickle.dumps(reader))  # for another process
    assert found.images[1].name == f"{path}, record 1"


def test_names_of_classes(make_records, tmp_path):
    path, names = make_records(tmp_path / "train.rec", [1, 0]), tmp_path / "names.txt"
    names.write_text("n01440764 tench\nn01443537 goldfish\n")
    assert read_record_file(str(path), str(names)).classes == ("n01440764 tench", "n01443537 goldfish")
    names.write_text("one\n")
    with pytest.raises(DataError, match="names 1 classes, but .* has images of class 1"):
        read_record_file(str(path), str(names))
    names.write_text("one\none\n")
    with pytest.raises(DataError, match="has a name twice"):
        read_record_file(str(path), str(names))


def test_a_set_may_lack_the_last_classes(make_records, tmp_path):
    train = read_record_file(str(make_records(tmp_path / "train.rec", [0, 1, 2])))
    test = read_record_file(str(make_records(tmp_path / "val.rec", [0])))
    assert [one.classes for one in matched_sets(train, test)] == [("0", "1", "2")] * 2


def test_wrong_labels(make_records, tmp_path):
    path = make_records(tmp_path / "a.rec", [0.5])
    with pytest.raises(DataError, match="record 0 has the label 0.5"):
        read_record_file(str(path))
    writer = mx.recordio.MXIndexedRecordIO(str(tmp_path / "b.idx"), str(tmp_path / "b.rec"), "w")
    writer.write_idx(7, mx.recordio.pack(mx.recordio.IRHeader(0, np.array([4, 5, 1, 2, 3]), 7, 0), b"x"))
    writer.close()
    with pytest.raises(DataError, match="record 7 has 5 numbers for a label.*with boxes"):
        read_record_file(str(tmp_path / "b.rec"))


def test_missing_and_damaged_files(make_records, tmp_path):
    path = make_records(tmp_path / "a.rec", [0, 1])
    index = path.with_suffix(".idx")
    with pytest.raises(DataError, match="there is no file"):
        read_record_file(str(tmp_path / "b.rec"))
    lines = index.read_text()
    for text, words in ((lines + "2\t99999\n", "no record at byte 99999"), ("0\t4\n", "no record at byte 4"),
                        ("zero\n", "line 1: 'zero' is not"), ("", "is empty")):
        index.write_text(text)
        with pytest.raises(DataError, match=words):
            read_record_file(str(path))
    index.unlink()
    with pytest.raises(DataError, match="there is no index .*a.idx"):
        read_record_file(str(path))


def test_an_image_that_is_none(tmp_path):
    path = tmp_path / "a.rec"
    writer = mx.recordio.MXIndexedRecordIO(str(tmp_path / "a.idx"), str(path), "w")
    writer.write_idx(0, mx.recordio.pack(mx.recordio.IRHeader(0, 0, 0, 0), b"no picture"))
    writer.close()
    with pytest.raises(DataError, match="record 0: not a readable image"):
        RecordReader().read(str(path), 0)
