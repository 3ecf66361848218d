"""Names and links of the images of a data set that is written."""
import os
import time

import numpy as np
import pytest
from light_head_rcnn.data import read_image
from light_head_rcnn.data.pictures.headers import read_header
from light_head_rcnn.data.writers import image_files
from light_head_rcnn.data.writers.image_files import ImageFiles, ImageNames
from light_head_rcnn.errors import UsageError
from PIL import Image


def test_names_that_are_taken_get_a_number():
    names = ImageNames()
    assert [names.name(path) for path in ("x/a.jpg", "y/a.jpg", "z/A.PNG", "x/a-2.jpg", "x/b.jpg")] == [
        "a.jpg", "a-2.jpg", "A-3.PNG", "a-2-2.jpg", "b.jpg"]


def test_many_images_of_one_name():
    names, start = ImageNames(), time.process_time()
    given = {names.name(f"scene_{scene}/{'rgb' if scene % 2 else 'RGB'}.png") for scene in range(10_000)}
    assert len(given) == 10_000 and {"RGB.png", "rgb-2.png", "rgb-10000.png"} <= given
    assert time.process_time() - start < 5  # about 0.05 on a machine that does nothing else


def test_names_that_a_text_file_cannot_hold_become_others():
    names = ImageNames()
    assert [names.name(path) for path in ("caf\xe9.jpg", "caf\udce9.jpg", "two\nlines.jpg", "two words\u3000.jpg")] == [
        "caf\xe9.jpg", "caf\xe9-2.jpg", "two_lines.jpg", "two words\u3000.jpg"]


def test_an_image_without_an_extension_gets_that_of_its_content(tmp_path, make_image):
    make_image(tmp_path / "photo.png", 60, 40)
    (tmp_path / "photo.png").rename(tmp_path / "v1.photo")
    assert ImageNames().name(str(tmp_path / "v1.photo")) == "v1.photo.png"
    assert ImageNames(as_they_are=True).name(str(tmp_path / "v1.photo")) == "v1.photo"


@pytest.mark.parametrize("name, kind, expected", [
    ("a.ppm", "PPM", "a.png"), ("a.PGM", "PPM", "a.png"), ("a.tga", "TGA", "a.png"), ("a.heic", "JPEG", "a.jpeg"),
    ("a.raw", "PPM", "a.raw.png"), ("a.jpg.ppm", "PPM", "a.jpg.png"), ("a.JPG", "PPM", "a.JPG")])
def test_the_extension_is_one_by_which_images_are_looked_for(tmp_path, name, kind, expected):
    Image.new("RGB", (4, 3)).save(tmp_path / name, kind)
    assert ImageNames().name(str(tmp_path / name)) == expected


@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_an_image_of_another_format_is_written_as_png(tmp_path, monkeypatch, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source, files = str(tmp_path / "a.data"), ImageFiles("link")
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (30, 40, 3), np.uint8)).save(source, "WEBP", exif=exif)
    headers = [read_header(source)]
    monkeypatch.setattr(image_files, "IMAGE_EXTENSIONS", (".png",))
    files.put(source, str(tmp_path / "b" / "a.png"))
    headers.append(read_header(tmp_path / "b" / "a.png"))
    assert [header.format for header in headers] == ["WEBP", "PNG"] and files.rewritten == 1
    assert headers[0]._replace(format="PNG") == headers[1] and headers[1].orientation == orientation
    np.testing.assert_array_equal(read_image(source), read_image(tmp_path / "b" / "a.png"))


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
