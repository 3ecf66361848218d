"""Images that say to be larger than they are, or hold another image."""
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn import data
from light_head_rcnn.data.files.image_bytes import image_source
from light_head_rcnn.data.pictures import pixels
from light_head_rcnn.errors import DataError


def chunk(name, content, length=None):
    size = len(content) if length is None else length
    return struct.pack(">I", size) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width, height, packed, length=None):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(
        b"IDAT", packed, length) + chunk(b"IEND", b"")


def test_a_bomb_is_told_before_it_is_unpacked(tmp_path):
    (tmp_path / "a.png").write_bytes(png(60000, 60000, zlib.compress(bytes(1000))))
    with pytest.raises(DataError, match="a.png: 60000 x 60000 pixels are 3600 million, and the limit") as caught:
        data.read_image(tmp_path / "a.png")
    assert caught.value.kind == "image_too_large"


@pytest.mark.parametrize("length", [2 ** 31 - 1, 2 ** 32 - 1])
def test_a_chunk_of_gigabytes_takes_no_memory(tmp_path, length):
    (tmp_path / "a.png").write_bytes(png(8, 8, zlib.compress(bytes(72)), length))
    with image_source(str(tmp_path / "a.png")) as file:
        assert len(file.read(length)) == len((tmp_path / "a.png").read_bytes())
    try:
        data.read_image(tmp_path / "a.png")
    except DataError as error:
        assert "a.png" in str(error)


@pytest.mark.parametrize("kind", ["ICO", "ICNS"])
def test_icons_are_refused(tmp_path, kind):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png", kind)
    with pytest.raises(DataError, match=f"a.png: {kind} files are not read"):
        data.read_image(tmp_path / "a.png")


@pytest.mark.parametrize("width, height", [(1, 20000), (20000, 1)])
def test_thin_images(tmp_path, width, height):
    Image.new("RGB", (width, height)).save(tmp_path / "a.png")
    x, _, _ = data.preprocess(data.read_image(tmp_path / "a.png"), 60, 100, (0, 0, 0), (1, 1, 1))
    assert max(x.shape) == 100 and min(x.shape[1:]) >= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "CMYK", "1"])
def test_strips_are_what_the_whole_is(mode, monkeypatch):
    rng = np.random.RandomState(0)
    image = Image.fromarray(rng.randint(0, 256, (37, 23, 4)).astype(np.uint8), "RGBA").convert("RGB" if mode in (
        "P", "CMYK") else mode if mode != "LA" else "RGBA").convert(mode)
    whole = pixels.rgb_pixels(image, "a")
    monkeypatch.setattr(pixels, "_AT_ONCE", 50)
    np.testing.assert_array_equal(pixels.rgb_pixels(image, "a"), whole)


def test_texts_in_an_image_are_not_unpacked_without_end(tmp_path):
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000), 9))
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "PNG")
    content = stream.getvalue()
    (tmp_path / "a.png").write_bytes(content[:33] + bomb + content[33:])
    try:
        assert data.read_image(tmp_path / "a.png").shape == (8, 8, 3)
    except DataError as error:
        assert "a.png" in str(error)
