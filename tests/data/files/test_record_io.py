"""Records are those that MXNet writes and reads, whatever bytes they hold."""
import struct

import light_head_rcnn  # noqa: F401  (comes before mxnet)
import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn.data.files import record_io
from light_head_rcnn.data.files.record_io import MAGIC, ImageRecord, frame, pack_image, unframe, unpack_image

MAGIC_BYTES = struct.pack("<I", MAGIC)
# Bytes among which the magic number is frequent, at multiples of four and elsewhere.
PIECES = st.lists(st.sampled_from([MAGIC_BYTES, b"\0", b"abcd", MAGIC_BYTES[:2], b"\xff" * 7]), max_size=12)


@settings(deadline=None)
@given(PIECES.map(b"".join))
def test_a_record_comes_back(content):
    stored = frame(content)
    assert unframe(stored) == content and len(stored) % 4 == 0
    # A reader that looks for the magic number at multiples of four finds the beginnings of parts alone.
    places = [place for place in range(0, len(stored), 4) if stored[place:place + 4] == MAGIC_BYTES]
    inside = sum(content[place:place + 4] == MAGIC_BYTES for place in range(0, len(content) - 3, 4))
    assert len(places) == 1 + inside


@pytest.mark.parametrize("content", [b"", b"a", b"abcd" * 3, MAGIC_BYTES, b"abcd" + MAGIC_BYTES * 2 + b"xy",
                                     b"a" + MAGIC_BYTES + b"xyz" + MAGIC_BYTES], ids=range(6))
def test_mxnet_reads_and_writes_the_same(tmp_path, content):
    image = ImageRecord(np.array([4, 5, 60, 40, 1, .1, .2, .3, .4], np.float32), 2 ** 40, 2 ** 32 - 1, content)
    ours, theirs = tmp_path / "ours.rec", tmp_path / "theirs.rec"
    ours.write_bytes(pack_image(image) * 2)
    reader = mx.recordio.MXRecordIO(str(ours), "r")
    for _ in range(2):
        header, found = mx.recordio.unpack(reader.read())
        assert found == content and (header.id, header.id2) == (2 ** 40, 2 ** 32 - 1)
        np.testing.assert_array_equal(header.label, image.labels)
    writer = mx.recordio.MXRecordIO(str(theirs), "w")
    for _ in range(2):
        writer.write(mx.recordio.pack(mx.recordio.IRHeader(0, image.labels, image.number, image.check), content))
    writer.close()
    assert theirs.read_bytes() == ours.read_bytes()
    found = unpack_image(theirs.read_bytes()[:len(pack_image(image))])
    assert found.content == content and found[1:3] == image[1:3]


@settings(deadline=None)
@given(PIECES.map(b"".join), st.data())
def test_what_is_cut_off_or_too_long_is_refused(content, data):
    stored = pack_image(ImageRecord(np.zeros(2, np.float32), 1, 2, content))
    with pytest.raises(ValueError):
        unpack_image(stored[:data.draw(st.integers(0, len(stored) - 1))])
    with pytest.raises(ValueError):
        unpack_image(stored + data.draw(st.binary(min_size=1, max_size=9)))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_record_or_refused(stored):
    try:
        unpack_image(stored)
    except ValueError:
        pass


def test_a_record_that_is_too_long(monkeypatch):
    monkeypatch.setattr(record_io, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="11 bytes are more than a record can have, 10"):
        frame(bytes(11))
