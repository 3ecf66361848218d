import codecs

import pytest
from light_head_rcnn.data.files.text_lists import read_list
from light_head_rcnn.errors import DataError

LINES = [(1, "Bär (1).jpg"), (3, "été.jpg")]
TEXT = "Bär (1).jpg\r\n \r\n été.jpg\t\r\n"


@pytest.mark.parametrize("content", [
    TEXT.encode("utf-8"),
    TEXT.replace("\r\n", "\n").encode("utf-8"),
    TEXT.replace("\r\n", "\r").encode("utf-8"),
    TEXT.encode("utf-8-sig"),
    TEXT.encode("utf-16"),
    codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    TEXT.encode("utf-16-le"),
    TEXT.encode("utf-16-be"),
    TEXT.encode("utf-32"),
    TEXT.encode("cp1252"),
], ids=["UTF-8", "line feeds", "carriage returns", "UTF-8 with mark", "UTF-16", "UTF-16 BE", "UTF-16 LE without mark",
        "UTF-16 BE without mark", "UTF-32", "Windows"])
def test_reads_every_encoding(tmp_path, content):
    (tmp_path / "list.txt").write_bytes(content)
    assert read_list(tmp_path / "list.txt") == LINES


def test_reads_bytes_that_no_encoding_has(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"a\x81.jpg\n")
    assert read_list(tmp_path / "list.txt") == [(1, "a\x81.jpg")]


def test_leaves_out_comments_but_no_image_that_is_called_so(tmp_path):
    (tmp_path / "list.txt").write_text("# of the first day\n# 1.jpg\n#2\n")
    assert read_list(tmp_path / "list.txt") == [(2, "# 1.jpg"), (3, "#2")]


def test_an_empty_list_has_no_lines(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"")
    assert read_list(tmp_path / "list.txt") == []


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(DataError, match="nothing.txt: the file cannot be read"):
        read_list(tmp_path / "nothing.txt")
