"""Where the cache lies, and files that are whole or not there."""
import pytest
from light_head_rcnn.data.cache.cache_folder import cache_folder, read_cached, write_cached


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder of the test's own, and no variable that names a folder."""
    for variable in ("LHRCNN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def read(path):
    with open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("variables, folder", [
    ({}, "{home}/.cache/light_head_rcnn"),
    ({"XDG_CACHE_HOME": ""}, "{home}/.cache/light_head_rcnn"),
    ({"XDG_CACHE_HOME": "{home}/c"}, "{home}/c/light_head_rcnn"),
    ({"XDG_CACHE_HOME": "relative"}, None),
    ({"LHRCNN_CACHE": "{home}/d", "XDG_CACHE_HOME": "{home}/c"}, "{home}/d"),
    ({"LHRCNN_CACHE": "~/d"}, "{home}/d"),
    ({"LHRCNN_CACHE": "off"}, None), ({"LHRCNN_CACHE": "OFF"}, None)])
def test_the_folder(home, monkeypatch, variables, folder):
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(home=home))
    assert cache_folder() == (folder and folder.format(home=home))
    assert write_cached("a/b.txt", lambda file: file.write(b"text")) == (folder is not None)
    assert read_cached("a/b.txt", read) == (b"text" if folder else None)


def test_a_file_is_whole_or_the_one_before(home):
    def fail(file):
        file.write(b"half")
        raise RuntimeError

    def fill_the_disk(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    assert read_cached("a", read) is None
    assert write_cached("a", lambda file: file.write(b"one"))
    with pytest.raises(RuntimeError):
        write_cached("a", fail)
    assert not write_cached("a", fill_the_disk)
    assert read_cached("a", read) == b"one"
    assert [path.name for path in (home / ".cache/light_head_rcnn").iterdir()] == ["a"]


def test_a_file_that_cannot_be_understood_is_not_there(home):
    def misread(path):
        raise ZeroDivisionError

    write_cached("a", lambda file: file.write(b"one"))
    assert read_cached("a", misread) is None
