"""Decoding: pixels, modes, orientation, and files that cannot be read."""
import mxnet as mx
import numpy as np
import pytest
from PIL import Image, ImageFile

from light_head_rcnn import data
from light_head_rcnn.data import IMAGE_EXTENSIONS, image_size, make_record


def record_of(path, width=60, height=40):
    return make_record("x", str(path), width, height, [])


def test_pixels_are_those_of_mxnet(tmp_path, make_image):
    make_image(tmp_path / "x.jpg", 61, 43)
    pixels = data.read_image(tmp_path / "x.jpg")
    reference = mx.image.imdecode((tmp_path / "x.jpg").read_bytes(), to_rgb=True).asnumpy()
    assert pixels.dtype == np.uint8 and pixels.shape == (43, 61, 3)
    assert np.abs(pixels.astype(int) - reference).max() <= 2


@pytest.mark.parametrize("suffix", IMAGE_EXTENSIONS)
def test_every_extension_is_read(tmp_path, make_image, suffix):
    make_image(tmp_path / ("x" + suffix), 6, 4)
    assert data.read_image(tmp_path / ("x" + suffix)).shape == (4, 6, 3)
    assert image_size(tmp_path / ("x" + suffix)) == (6, 4)


def test_extensions():
    assert {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"} <= set(IMAGE_EXTENSIONS)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(str(path))
    pixels = data.read_image(path)
    assert pixels.shape == (4, 5, 3) and pixels.min() >= 250


def test_sixteen_bits_are_scaled(tmp_path):
    Image.fromarray(np.full((4, 5), 128 * 256, np.uint16)).save(str(tmp_path / "x.png"))
    assert (data.read_image(tmp_path / "x.png") == 128).all()


def turned_image(path, orientation):
    """60 x 40 pixels on disk, the left half white."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = 255
    Image.fromarray(pixels).save(str(path), exif=exif)
    return pixels


def test_quarter_turn_is_applied_when_the_record_says_so(tmp_path):
    path = tmp_path / "x.png"
    pixels = turned_image(path, 6)
    assert data.read_image(path).shape == (60, 40, 3) and image_size(path) == (60, 40)
    assert np.array_equal(data.read_image(record_of(path, 60, 40)), pixels)
    upright = data.read_image(record_of(path, 40, 60))
    assert upright.shape == (60, 40, 3) and (upright[:30] == 255).all() and (upright[30:] == 0).all()


def test_half_turn_is_for_viewers_only(tmp_path):
    path = tmp_path / "x.png"
    pixels = turned_image(path, 3)
    assert np.array_equal(data.read_image(path), pixels[::-1, ::-1])
    assert np.array_equal(data.read_image(record_of(path, 60, 40)), pixels)


BREAKS = {"gone": None, "empty": lambda content: b"", "text": lambda content: b"not an image",
          "cut": lambda content: content[:len(content) // 2]}


def break_file(path, how):
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(BREAKS[how](path.read_bytes()))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("how", sorted(BREAKS))
def test_unreadable_image_is_named(tmp_path, make_image, suffix, how):
    path = tmp_path / f"x.{suffix}"
    make_image(path, 60, 40)
    break_file(path, how)
    kind = "image missing" if how == "gone" else "image unreadable"
    for source, message in ((path, f"x.{suffix}"), (record_of(path), f"x.{suffix}.*entry 'x'")):
        with pytest.raises(data.DataError, match=message) as caught:
            data.read_image(source)
        assert caught.value.kind == kind


@pytest.mark.parametrize("how", ["gone", "empty", "text"])
def test_size_of_an_unreadable_image(tmp_path, make_image, how):
    make_image(tmp_path / "x.jpg", 60, 40)
    break_file(tmp_path / "x.jpg", how)
    with pytest.raises(data.DataError, match="x.jpg: not a readable image") as caught:
        image_size(tmp_path / "x.jpg")
    assert caught.value.kind == "image unreadable"


def test_images_cut_off_are_broken_whatever_other_packages_set(tmp_path, make_image, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as GluonCV does when it is imported
    make_image(tmp_path / "x.jpg", 60, 40)
    break_file(tmp_path / "x.jpg", "cut")
    with pytest.raises(data.DataError, match="x.jpg: not a readable image"):
        data.read_image(tmp_path / "x.jpg")


def test_size_that_differs_is_named(tmp_path, make_image):
    make_image(tmp_path / "x.jpg", 60, 40)
    message = "x.jpg: the image is 60 x 40 pixels, its entry 'x' says 61 x 40"
    with pytest.raises(data.DataError, match=message) as caught:
        data.read_image(record_of(tmp_path / "x.jpg", 61, 40))
    assert caught.value.kind == "image size differs"
