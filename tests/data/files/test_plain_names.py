"""Names of strangers as names of files, and on the screen."""
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from light_head_rcnn.data.files.plain_names import PrintableStream, plain_name, printable, without_controls


@pytest.mark.parametrize("name", ["train", "val2017", "a b", "é", "x.y", "cat-1_2", "人"])
def test_sound_names_stay(name):
    assert plain_name(name) == printable(name) == without_controls(name) == name


@pytest.mark.parametrize("name, plain", [
    ("..", "_."), (".", "_"), ("", "_"), ("birds/train", "birds_train"), ("../../x", "_._.._x"), ("a\\b", "a_b"),
    ("a\0b\n", "a_b_"), (".hidden", "_hidden"), ("\x1b[2J", "_[2J")])
def test_others_change(name, plain):
    assert plain_name(name) == plain


@given(st.text(st.characters(), max_size=600))
def test_any_name_is_one_of_a_file_in_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp() / "names"
    folder.mkdir(exist_ok=True)
    path = folder / plain_name(name)
    path.write_text("")
    assert path.parent.resolve() == path.resolve().parent == folder.resolve()
    path.unlink()


def test_what_is_printed_moves_no_cursor():
    text = "a\x1b[31mb\x9b\u202ec\ud800\n\td"
    assert printable(text) == "a\\x1b[31mb\\x9b\\u202ec\\ud800\n\td"
    assert without_controls("a\x1b[31m\nb") == "a\ufffd[31m b"
    stream = io.StringIO()
    print("\x1b]0;title\x07", file=PrintableStream(stream))
    assert stream.getvalue() == "\\x1b]0;title\\x07\n" and not PrintableStream(stream).isatty()
