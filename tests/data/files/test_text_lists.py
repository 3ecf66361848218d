import codecs

import pytest
from light_head_rcnn.data.files.text_lists import (
    open_text,
    read_image_list,
    read_list,
    read_names,
    read_text,
    readable_name,
)
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


def test_a_list_of_images_keeps_the_bytes_that_are_not_utf8(tmp_path):
    (tmp_path / "list.txt").write_bytes("é.jpg\n# comment\n".encode() + b" \xe9.jpg \n\x83\\\n\x81")
    lines = read_image_list(tmp_path / "list.txt")
    assert lines == [(1, "é.jpg"), (3, "\udce9.jpg"), (4, "\udc83\\"), (5, "\udc81")]
    assert [readable_name(line) for _, line in lines] == ["é.jpg", "é.jpg", "ƒ\\", "\x81"]
    (tmp_path / "list.txt").write_text("é.jpg", encoding="utf-16")
    assert read_image_list(tmp_path / "list.txt") == [(1, "é.jpg")]
    with pytest.raises(DataError, match="nothing.txt: the file cannot be read"):
        read_image_list(tmp_path / "nothing.txt")


def test_leaves_out_comments_but_no_image_that_is_called_so(tmp_path):
    (tmp_path / "list.txt").write_text("# of the first day\n# 1.jpg\n#2\n")
    assert read_list(tmp_path / "list.txt") == [(2, "# 1.jpg"), (3, "#2")]


def test_an_empty_list_has_no_lines(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"")
    assert read_list(tmp_path / "list.txt") == []


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(DataError, match="nothing.txt: the file cannot be read"):
        read_list(tmp_path / "nothing.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_large_text_is_read_piece_by_piece(tmp_path, encoding):
    text = "Caf\u00e9,1\r\n" * 20000
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    with open_text(tmp_path / "a.csv") as stream:
        assert stream.read(4) == "Caf\u00e9" and stream.read() == text[4:]
    assert read_text(tmp_path / "a.csv") == text


def test_bytes_of_another_encoding_are_replaced(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"Caf\xe9,1\n")
    with open_text(tmp_path / "a.csv") as stream:
        assert stream.read() == "Caf\ufffd,1\n"


def test_a_missing_text_is_named(tmp_path):
    with pytest.raises(DataError, match="gone.csv: the file cannot be read"):
        open_text(tmp_path / "gone.csv")


def test_numbered_names_keep_their_numbers(tmp_path):
    (tmp_path / "classes.txt").write_text("# of our birds\r\n\r\ntit\r\n\r\n owl \r\n\r\n")
    assert read_names(tmp_path / "classes.txt") == ["tit", "1", "owl"]
    (tmp_path / "classes.txt").write_text("\n")
    assert read_names(tmp_path / "classes.txt") == []
