"""Modes of images and kinds of arrays, as RGB; references are Pillow's conversions or the numbers that were stored."""
import logging
import struct
import zlib

import mxnet as mx
import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data.pictures import value_range
from PIL import Image

ROWS, COLUMNS = np.mgrid[:40, :60]
COLOURS = np.stack([COLUMNS * 4, ROWS * 6, ROWS + COLUMNS * 2], -1).astype(np.uint8)
ALPHA = (255 - ROWS * 6).astype(np.uint8)


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(value_range, "_said", set())


def on_white(colours, alpha):
    share = alpha[..., None] / 255
    return np.rint(colours * share + 255 * (1 - share))


def read(path, image, **options):
    image.save(path, **options)
    pixels = data.read_image(path)
    assert pixels.dtype == np.uint8 and pixels.flags["C_CONTIGUOUS"] and pixels.flags["WRITEABLE"]
    with Image.open(path) as image:
        assert np.array_equal(data.as_pixels(image), pixels)
    return pixels


@pytest.mark.parametrize("name, mode", [
    ("x.png", "L"), ("x.png", "1"), ("x.png", "P"), ("x.tif", "CMYK"), ("x.jpg", "CMYK"), ("x.jpg", "L"),
    ("x.tif", "1"), ("x.gif", "P"), ("x.bmp", "1"), ("x.bmp", "P"), ("x.bmp", "RGB")])
def test_modes_without_alpha_are_as_pillow_converts_them(tmp_path, name, mode):
    pixels = read(tmp_path / name, Image.fromarray(COLOURS).convert(mode))
    with Image.open(tmp_path / name) as image:
        assert np.array_equal(pixels, np.array(image.convert("RGB")))


def test_inverted_cmyk_of_adobe_is_not_a_negative(tmp_path):
    pixels = read(tmp_path / "x.jpg", Image.fromarray(COLOURS).convert("CMYK"), quality=95)
    assert b"Adobe" in (tmp_path / "x.jpg").read_bytes()
    assert np.abs(pixels.astype(int) - COLOURS).mean() < 4


@pytest.mark.parametrize("suffix, options", [(".png", {}), (".webp", {"lossless": True}), (".tif", {})])
def test_what_is_transparent_lies_on_white(tmp_path, suffix, options):
    pixels = read(tmp_path / ("x" + suffix), Image.fromarray(np.dstack([COLOURS, ALPHA])), **options)
    assert np.array_equal(pixels, on_white(COLOURS, ALPHA))
    gray = np.array(Image.fromarray(COLOURS).convert("L"))
    if suffix == ".png":
        pixels = read(tmp_path / "la.png", Image.fromarray(np.dstack([gray, ALPHA]), "LA"))
        assert np.array_equal(pixels, on_white(np.dstack([gray] * 3), ALPHA))


@pytest.mark.parametrize("suffix, transparency", [(".png", 3), (".gif", 3), (".png", bytes(range(0, 256, 17)))])
def test_transparent_colours_of_a_palette(tmp_path, suffix, transparency):
    pixels = read(tmp_path / ("x" + suffix), Image.fromarray(COLOURS).quantize(16), transparency=transparency)
    with Image.open(tmp_path / ("x" + suffix)) as image:
        colours = np.array(image.convert("RGBA"))
    assert (colours[..., 3] < 255).any()
    assert np.array_equal(pixels, on_white(colours[..., :3], colours[..., 3]))


def test_one_transparent_colour_of_an_rgb_png(tmp_path):
    pixels = read(tmp_path / "x.png", Image.fromarray(COLOURS), transparency=tuple(COLOURS[7, 9].tolist()))
    assert (pixels[7, 9] == 255).all() and np.array_equal(pixels[8], COLOURS[8])


def png_of_16_bits(path, values):
    """Writes uint16 (H, W, channels) with 1 to 4 channels."""
    def chunk(name, content):
        return (struct.pack(">I", len(content)) + name + content
                + struct.pack(">I", zlib.crc32(name + content) & 0xFFFFFFFF))

    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_scaled_by_the_range_that_is_used(tmp_path, bits, channels, caplog):
    upper = np.dstack([COLOURS, 255 - ALPHA])[..., {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]]
    upper[0, 0] = 255
    # The bits below the upper eight are arbitrary.
    values = (upper.astype(np.uint16) << (bits - 8)) + np.random.RandomState(0).randint(0, 2 ** (bits - 8), upper.shape)
    png_of_16_bits(tmp_path / "x.png", values.astype(np.uint16))
    png_of_16_bits(tmp_path / "y.png", values.astype(np.uint16))
    with caplog.at_level(logging.INFO, "light_head_rcnn"):
        pixels = data.read_image(tmp_path / "x.png")
        assert np.array_equal(pixels, data.read_image(tmp_path / "y.png"))
    colours = np.repeat(upper[..., :1], 3, 2) if channels < 3 else upper[..., :3]
    expected = on_white(colours, upper[..., -1]) if channels in (2, 4) else colours
    assert np.abs(pixels - expected.astype(int)).max() <= (1 if channels in (2, 4) else 0)
    assert len(caplog.messages) == (bits > 8)
    if bits > 8:
        assert f"x.png: the image has values of up to 16 bits that use {bits} bits" in caplog.text


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_sixteen_bits_in_tiff(tmp_path, compression):
    values = COLOURS[..., 0].astype(np.uint16) * 16
    values[0, 0] = 4095
    pixels = read(tmp_path / "x.tif", Image.fromarray(values), compression=compression)
    assert np.array_equal(pixels, np.repeat(values[..., None] >> 4, 3, 2))


def tiff_of_16_bits(path, values, order):
    """Writes uint16 (H, W, 3) as a TIFF file of one strip without compression."""
    height, width, _ = values.shape
    strip = values.astype(order + "u2").tobytes()
    tags = [(256, 4, width), (257, 4, height), (258, 3, None), (259, 3, 1), (262, 3, 2), (273, 4, 8), (277, 3, 3),
            (278, 4, height), (279, 4, len(strip))]
    directory, extra = b"", 8 + len(strip) + 2 + 12 * len(tags) + 4
    for tag, kind, value in tags:
        count, field = (3, struct.pack(order + "I", extra)) if value is None else (
            1, struct.pack(order + {3: "H2x", 4: "I"}[kind], value))
        directory += struct.pack(order + "HHI", tag, kind, count) + field
    path.write_bytes({"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8 + len(strip)) + strip
                     + struct.pack(order + "H", len(tags)) + directory + struct.pack(order + "I3H", 0, 16, 16, 16))


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_a_colour_in_tiff(tmp_path, order):
    values = COLOURS.astype(np.uint16) * 17 + 5
    values[0, 0] = 4095
    tiff_of_16_bits(tmp_path / "x.tif", values, order)
    assert np.array_equal(data.read_image(tmp_path / "x.tif"), values >> 4)


@pytest.mark.parametrize("values, expected, said", [
    (COLUMNS / np.float32(59), COLUMNS * 255 / 59, False),
    (COLUMNS * np.float32(4), COLUMNS * 4, False),
    (COLUMNS * np.float32(300) - 90, COLUMNS * 255 / 59, True),
    (np.full((4, 5), np.float32(-7)), np.zeros((4, 5)), True),
    (COLUMNS.astype(np.int32) * 4, COLUMNS * 4, False),
    (COLUMNS.astype(np.int32) * 1000, COLUMNS * 1000 >> 8, True),
    (COLUMNS.astype(np.int32) * 100000 - 5, COLUMNS * 255 / 59, True)])
def test_floats_and_32_bits_in_tiff(tmp_path, values, expected, said, caplog):
    with caplog.at_level(logging.INFO, "light_head_rcnn"):
        Image.fromarray(values).save(tmp_path / "x.tif")
        pixels = data.read_image(tmp_path / "x.tif")
    assert np.array_equal(pixels, np.repeat(np.rint(expected)[..., None], 3, 2)) and len(caplog.messages) == said


def test_a_file_with_nan_is_named(tmp_path):
    Image.fromarray(np.full((4, 5), np.nan, np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(data.DataError, match="x.tif: the image has values that are no finite numbers") as caught:
        data.read_image(tmp_path / "x.tif")
    assert caught.value.kind == "image_unreadable"


@pytest.mark.parametrize("array", [
    COLOURS, COLOURS.astype(np.int64), COLOURS / 255, COLOURS.astype(np.float16), (COLOURS / 255).astype(np.float32),
    np.dstack([COLOURS, np.full((40, 60), 255, np.uint8)]), COLOURS[:, ::-1][:, ::-1], np.asfortranarray(COLOURS),
    np.dstack([COLOURS / 255, np.ones((40, 60))]), mx.nd.array(COLOURS, dtype="uint8"), mx.nd.array(COLOURS),
    mx.np.array(COLOURS)])
def test_arrays_in_colour(array):
    pixels = data.as_pixels(array)
    assert pixels.dtype == np.uint8 and np.array_equal(pixels, COLOURS)


def test_gray_arrays():
    gray = COLOURS[..., 0]
    for array in (gray, gray[..., None], gray / 255, gray.astype(np.int32)):
        assert np.array_equal(data.as_pixels(array), np.dstack([gray] * 3))
    assert np.array_equal(data.as_pixels(gray > 99), np.dstack([(gray > 99) * 255] * 3))
    assert np.array_equal(data.as_pixels(np.zeros((4, 5))), np.zeros((4, 5, 3)))


def test_arrays_of_16_bits_and_with_alpha():
    deep = COLOURS.astype(np.uint16) * 16 + 15
    deep[0, 0] = 4095
    assert np.array_equal(data.as_pixels(deep), deep >> 4)
    with_alpha = np.dstack([COLOURS, ALPHA])
    assert np.array_equal(data.as_pixels(with_alpha), on_white(COLOURS, ALPHA))
    with_alpha = with_alpha.astype(np.uint16) * 257
    assert np.abs(data.as_pixels(with_alpha) - on_white(COLOURS, ALPHA)).max() <= 1


@pytest.mark.parametrize("image, message", [
    (np.zeros((3, 40, 60)), r"got \(3, 40, 60\), which looks like \(channels, height, width\): give image.transpose"),
    (np.zeros((1, 40, 60)), r"image.transpose\(1, 2, 0\)"),
    (np.zeros((2, 40, 60, 3)), r"list\(images\)"),
    (np.zeros((40, 60, 2)), r"got \(40, 60, 2\)$"),
    (np.zeros(7), r"got \(7,\)$"),
    (np.zeros((0, 60, 3)), r"got \(0, 60, 3\)$"),
    (np.full((4, 5, 3), np.inf), "no finite numbers"),
    (COLOURS.astype(float) - 99, "taken off"),
    (np.full((4, 5), 256.5), "these go from 256.5 to 256.5"),
    (COLOURS.astype(int) - 99, "whole numbers must lie from 0 to 65535, these go from -99 to"),
    (np.full((4, 5), "a"), "must consist of numbers"),
    (np.full((4, 5), 1j), "must consist of numbers, not of complex128"),
    ([[1, 2], [3, 4]], "got a list"),
    ("x.png", "got a str"),
    (Image.new("RGB", (0, 5)), "it has no pixels")])
def test_what_is_no_image_is_refused_in_one_sentence(image, message):
    with pytest.raises(data.DataError, match=message) as caught:
        data.as_pixels(image)
    assert caught.value.kind == "image_unreadable" and "\n" not in str(caught.value)


def test_a_picture_that_is_closed_or_cut_off_is_named(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as closed:
        pass
    (tmp_path / "y.png").write_bytes((tmp_path / "x.png").read_bytes()[:-60])
    for image in (closed, Image.open(tmp_path / "y.png")):
        with pytest.raises(data.DataError, match=r"[xy].png: not a readable image"):
            data.as_pixels(image)
