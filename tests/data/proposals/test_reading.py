"""Files of proposals are told apart by their content, and others are refused by name."""
import io

import numpy as np
import pytest

from light_head_rcnn.data.proposals import read_proposals
from light_head_rcnn.errors import DataError


def npy():
    stream = io.BytesIO()
    np.save(stream, np.zeros((3, 4)))
    return stream.getvalue()


@pytest.mark.parametrize("content, message", [
    (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n", "version 7.3 .* is not read.*-v7"),
    (b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "version 7.3"), (npy(), "does not say which image"),
    (b"\x80\x04\x95", "a pickle of Python can run code"), (b"", "no file of proposals. JSON, NumPy's"),
    (b"x1,y1,x2,y2\n1,2,3,4\n", "no file of proposals"), (b"\xff\xd8\xff\xe0JFIF", "no file of proposals"),
    (b"\0" * 200, "no file of proposals"), (b"PK\3\4 and nothing more", "archive is damaged"),
])
def test_what_is_refused(tmp_path, content, message):
    file = tmp_path / "boxes"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        list(read_proposals(file))
    assert str(caught.value).startswith(f"{file}: ")


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="nothing.npz: there is no such file of proposals; lhrcnn proposals --method "):
        read_proposals(tmp_path / "nothing.npz")
    with pytest.raises(DataError, match="cannot be read"):
        read_proposals(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_of_other_encodings(tmp_path, encoding):
    (tmp_path / "a.json").write_text('\n {"ü.jpg": [[1, 2, 3, 4]]}', encoding=encoding)
    entry, = read_proposals(tmp_path / "a.json")
    assert entry.name == "ü.jpg"
