"""Images by class, as folders and as files of records."""
from io import BytesIO

import mxnet as mx
import numpy as np
import pytest
from PIL import Image


def write_folder(root, counts, size=(40, 30)):
    """Writes `counts[name]` images for each class below a folder; those of the n-th class have the gray value 60 n."""
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", size, (60 * number, index, 0)).save(root / name / f"{index}.png")
    return root


def write_records(path, labels, size=(40, 30)):
    """Writes a file of records and its index, as im2rec does: image n has the red value n and the label `labels[n]`."""
    writer = mx.recordio.MXIndexedRecordIO(str(path.with_suffix(".idx")), str(path), "w")
    for key, label in enumerate(labels):
        content = BytesIO()
        Image.new("RGB", size, (key, 0, 0)).save(content, "PNG")
        writer.write_idx(key, mx.recordio.pack(mx.recordio.IRHeader(0, label, key, 0), content.getvalue()))
    writer.close()
    return path


@pytest.fixture
def make_folder():
    """write_folder(root, counts, size=(40, 30))"""
    return write_folder


@pytest.fixture
def make_records():
    """write_records(path, labels, size=(40, 30))"""
    return write_records


@pytest.fixture
def noise():
    """Function that draws pixels, uint8 (height, width, 3)."""
    def draw(height, width, seed=0):
        return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)

    return draw
