"""Names and links of the images of a data set that is written."""
import os

import pytest
from light_head_rcnn.data.writers.image_files import ImageFiles, ImageNames
from light_head_rcnn.errors import UsageError


def test_names_that_are_taken_get_a_number():
    names = ImageNames()
    assert [names.name(path) for path in ("x/a.jpg", "y/a.jpg", "z/A.PNG", "x/a-2.jpg", "x/b.jpg")] == [
        "a.jpg", "a-2.jpg", "A-3.PNG", "a-2-2.jpg", "b.jpg"]


def test_an_image_without_an_extension_gets_that_of_its_content(tmp_path, make_image):
    make_image(tmp_path / "photo.png", 60, 40)
    (tmp_path / "photo.png").rename(tmp_path / "v1.photo")
    assert ImageNames().name(str(tmp_path / "v1.photo")) == "v1.photo.png"


def test_images_are_linked_copied_or_left_out(tmp_path):
    (tmp_path / "a").write_text("text")
    (tmp_path / "symbolic").symlink_to("a")
    for mode, links in (("link", 3), ("copy", 1)):
        files = ImageFiles(mode)
        for name in ("a", "symbolic"):
            files.put(str(tmp_path / name), str(tmp_path / mode / "inside" / name))
        for name in ("a", "symbolic"):
            target = tmp_path / mode / "inside" / name
            assert target.read_text() == "text" and not target.is_symlink()
            assert os.stat(target).st_nlink == links and files.copied == 0
    ImageFiles("none").put(str(tmp_path / "a"), str(tmp_path / "none" / "a"))
    assert not (tmp_path / "none").exists()


def test_files_that_cannot_be_linked_are_copied(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_text("text")
    files = ImageFiles("link")
    files.put(str(tmp_path / "a"), str(tmp_path / "b" / "a"))
    assert files.copied == 1 and (tmp_path / "b" / "a").read_text() == "text"


def test_another_mode():
    with pytest.raises(UsageError, match="link, copy, none, not 'move'"):
        ImageFiles("move")
