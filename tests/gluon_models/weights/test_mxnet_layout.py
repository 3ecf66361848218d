"""Files of arrays that lie about their sizes, in all versions of the format."""
import struct

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models.weights.mxnet_files import load_arrays
from light_head_rcnn.gluon_models.weights.mxnet_layout import check_layout

V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA


def array(version, shape, kind=0, device=(1, 0), storage=0, values=None):
    """The bytes of an array that says to have this shape."""
    head = b"" if version == 0 else struct.pack("<I", version)
    if version in (V2, V3):
        head += struct.pack("<i", storage)
    head += struct.pack(f"<i{len(shape)}{'q' if version else 'I'}", len(shape), *shape)
    return head + struct.pack("<iii", *device, kind) + (np.ones(shape, "<f4").tobytes() if values is None else values)


def write(path, *arrays, names=("arg:w",), counts=None):
    first, second = counts or (len(arrays), len(names))
    path.write_bytes(struct.pack("<QQQ", 0x112, 0, first) + b"".join(arrays) + struct.pack("<Q", second) + b"".join(
        struct.pack("<Q", len(name)) + name.encode() for name in names))
    return str(path)


@pytest.mark.parametrize("version", [0, V1, V2])
def test_versions_that_mxnet_reads(tmp_path, version):
    loaded = load_arrays(write(tmp_path / "a.params", array(version, (2, 3))))
    np.testing.assert_array_equal(loaded["arg:w"].asnumpy(), np.ones((2, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int32", "int8", "int64"])
def test_what_mxnet_writes_passes(tmp_path, dtype):
    mx.nd.save(str(tmp_path / "a.params"), {"a": mx.nd.ones((2, 3), dtype=dtype), "b": mx.nd.ones((1,))})
    check_layout(str(tmp_path / "a.params"))


def test_bfloat16_becomes_float32(tmp_path):
    values = np.array([[1.5, -2.25, 3.0]], "float32")
    upper = (values.view("<u4") >> 16).astype("<u2").tobytes()
    loaded = load_arrays(write(tmp_path / "a.params", array(V2, (1, 3), kind=12, values=upper)))
    assert loaded["arg:w"].dtype == np.float32
    np.testing.assert_array_equal(loaded["arg:w"].asnumpy(), values)


@pytest.mark.parametrize("bad, message", [
    (array(V2, (2 ** 40,), values=b"1234"), "ends early: array 1"),
    (array(V2, (2 ** 32, 2 ** 32), values=b""), "ends early"),
    (array(V2, (2 ** 63 - 1, 2, 2), values=b""), "ends early"), (array(V1, (2 ** 40,), values=b""), "ends early"),
    (array(0, (2 ** 31, 2 ** 31), values=b""), "ends early"), (array(V2, (-1, 4), values=b""), "has the shape"),
    (array(V2, (0, 4), values=b""), "has the shape"), (array(V2, (2,), kind=99), "unknown type 99"),
    (array(V2, (2,), kind=-1), "unknown type"), (array(V2, (2,), device=(2, 10 ** 6)), "on a device"),
    (array(V2, (2,), device=(77, 0)), "on a device"), (array(V2, (2,), storage=1), "not dense"),
    (struct.pack("<Iii", V2, 0, 0), "holds nothing"), (struct.pack("<I", 0), "holds nothing"),
    (struct.pack("<Iii", V3, 0, -1), "holds nothing"),
    (struct.pack("<Iii", V2, 0, 2 ** 31 - 1), "axes"), (struct.pack("<Iii", V2, 0, -5), "axes"),
    (struct.pack("<I", 0xF993FACB), "axes")])
def test_lies_are_told_before_memory_is_taken(tmp_path, bad, message):
    with pytest.raises(CheckpointError, match=f"a.params cannot be read as an MXNet parameter file: .*{message}"):
        load_arrays(write(tmp_path / "a.params", bad))


@pytest.mark.parametrize("counts", [(2 ** 40, 1), (2 ** 63, 1), (1, 2 ** 62), (1, 5), (0, 1)])
def test_counts_that_are_too_large(tmp_path, counts):
    with pytest.raises(CheckpointError, match="a.params"):
        load_arrays(write(tmp_path / "a.params", array(V2, (1,)), counts=counts))


def test_a_name_of_many_bytes(tmp_path):
    path = write(tmp_path / "a.params", array(V2, (1,)), names=("x",))
    data = (tmp_path / "a.params").read_bytes()
    (tmp_path / "a.params").write_bytes(data[:-9] + struct.pack("<Q", 2 ** 40) + b"x")
    with pytest.raises(CheckpointError, match="the name of array 1"):
        load_arrays(path)


def test_a_file_cut_at_every_length(tmp_path):
    data = (tmp_path / "a").write_bytes(b"") or open(write(tmp_path / "a", array(V2, (2, 2))), "rb").read()
    for end in range(len(data)):
        (tmp_path / "a").write_bytes(data[:end])
        with pytest.raises(CheckpointError):
            load_arrays(str(tmp_path / "a"))
