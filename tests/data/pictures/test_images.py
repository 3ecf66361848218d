"""Reading of image files: formats, orientation, files that are cut off, parts of the size."""
import logging

import mxnet as mx
import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data import IMAGE_EXTENSIONS, make_record
from light_head_rcnn.data.batching import resize_image
from light_head_rcnn.data.pictures import images
from PIL import Image, ImageOps


def record_of(path, width=60, height=40, upright=True):
    return make_record("x", str(path), width, height, [], upright=upright)


def noise(height=40, width=60, seed=0):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


def test_pixels_are_those_of_mxnet(tmp_path, make_image):
    make_image(tmp_path / "x.jpg", 61, 43)
    pixels = data.read_image(tmp_path / "x.jpg")
    reference = mx.image.imdecode((tmp_path / "x.jpg").read_bytes(), to_rgb=True).asnumpy()
    assert pixels.dtype == np.uint8 and pixels.shape == (43, 61, 3)
    assert np.abs(pixels.astype(int) - reference).max() <= 2


@pytest.mark.parametrize("suffix", IMAGE_EXTENSIONS)
def test_every_extension_is_read(tmp_path, make_image, suffix):
    path = tmp_path / ("x" + suffix)
    make_image(path, 6, 4)
    with Image.open(path) as image:
        assert np.array_equal(data.read_image(path), np.array(image.convert("RGB")))
    assert data.image_size(path) == (6, 4)


def test_extensions():
    assert {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"} <= set(IMAGE_EXTENSIONS)


@pytest.mark.parametrize("content, name", [("JPEG", "x.png"), ("PNG", "x.jpg"), ("WEBP", "x.jpg"), ("BMP", "x")])
def test_the_content_decides_not_the_extension(tmp_path, content, name):
    Image.fromarray(noise()).save(tmp_path / name, format=content)
    assert data.read_image(tmp_path / name).shape == (40, 60, 3)


@pytest.mark.parametrize("suffix", [".gif", ".tif", ".png", ".webp"])
def test_of_several_frames_or_pages_the_first_is_read(tmp_path, suffix):
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue", "lime")]
    options = {".webp": {"lossless": True}}.get(suffix, {})
    frames[0].save(tmp_path / ("x" + suffix), save_all=True, append_images=frames[1:], **options)
    assert (data.read_image(tmp_path / ("x" + suffix)) == (255, 0, 0)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_images_are_as_viewers_show_them_unless_a_record_says_otherwise(tmp_path, suffix, orientation):
    path, stored, exif = tmp_path / ("x" + suffix), noise(), Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(path, exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
    with Image.open(path) as image:
        upright = np.array(ImageOps.exif_transpose(image))
        assert np.array_equal(data.as_pixels(image), upright)
    with Image.open(path) as image:
        assert np.array_equal(data.as_pixels(image), upright)
    height, width = upright.shape[:2]
    assert data.image_size(path) == (width, height)
    assert np.array_equal(data.read_image(path), upright)
    assert np.array_equal(data.read_image(record_of(path, width, height)), upright)
    assert np.array_equal(data.read_image(record_of(path, upright=False)), stored)


@pytest.mark.parametrize("orientation, upright, said", [(1, True, "60 x 40 pixels, its record says 61 x 40"),
                                                        (6, True, "40 x 60 pixels as viewers show it"),
                                                        (6, False, "60 x 40 pixels, its record")])
def test_a_file_of_another_size_than_its_record_is_named(tmp_path, orientation, upright, said):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise()).save(tmp_path / "x.jpg", exif=exif)
    with pytest.raises(data.DataError, match=rf"x.jpg: the image is {said}.*\(entry 'x'\)") as caught:
        data.read_image(record_of(tmp_path / "x.jpg", 61, 40, upright))
    assert caught.value.kind == "image_unreadable"


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * share)])


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".gif"])
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path, suffix, caplog, monkeypatch):
    monkeypatch.setattr(images, "_warned", set())
    path = tmp_path / ("x" + suffix)
    Image.fromarray(noise()).save(path, **({"interlace": 0} if suffix == ".gif" else {}))
    whole = data.read_image(path)
    cut(path, 0.7)
    there = slice(24, 40) if suffix == ".bmp" else slice(0, 14)  # BMP begins with the lowest row
    with caplog.at_level(logging.WARNING, "light_head_rcnn"):
        for source in (path, path, record_of(path)):
            pixels = data.read_image(source)
            assert np.array_equal(pixels[there], whole[there]) and not np.array_equal(pixels, whole)
    assert [f"{path}: the image file is cut off or damaged; the missing part is blank"] == caplog.messages
    with pytest.raises(data.DataError, match="not a readable image") as caught:
        data.read_image(path, allow_truncated=False)
    assert caught.value.kind == "image_unreadable"


@pytest.mark.parametrize("suffix, share", [(".jpg", 0.1), (".png", 0.02), (".bmp", 0.007), (".webp", 0.5)])
def test_a_file_of_which_nothing_is_there_is_not_readable(tmp_path, suffix, share):
    Image.fromarray(noise()).save(tmp_path / ("x" + suffix))
    cut(tmp_path / ("x" + suffix), share)
    for source in (tmp_path / ("x" + suffix), record_of(tmp_path / ("x" + suffix))):
        with pytest.raises(data.DataError, match=rf"x\{suffix}: not a readable image") as caught:
            data.read_image(source)
        assert caught.value.kind == "image_unreadable"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".gif", ".bmp"])
def test_whatever_is_damaged_there_are_pixels_or_an_error_with_the_name(tmp_path, suffix):
    path, random = tmp_path / ("x" + suffix), np.random.RandomState(0)
    Image.fromarray(noise(20, 30)).save(path)
    good = np.frombuffer(path.read_bytes(), np.uint8)
    outcomes = set()
    for _ in range(80):
        content = good.copy()
        places = random.randint(0, random.choice([40, 400, len(content)]), random.choice([1, 4]))
        content[places] = random.randint(0, 256, len(places))
        path.write_bytes(content.tobytes())
        try:
            header = data.read_header(path, max_megapixels=1)
            pixels = data.read_image(path, max_megapixels=1)
            assert pixels.dtype == np.uint8 and pixels.shape == (*header.upright_size[::-1], 3)
            outcomes.add("pixels")
        except data.DataError as error:
            assert str(path) in str(error)
            outcomes.add("error")
    assert outcomes == {"pixels", "error"}


def test_damage_within_the_text_of_a_png_does_not_matter(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(noise()).save(path, exif=b"Exif\0\0II*\0" + bytes(20))
    content = bytearray(path.read_bytes())
    content[content.index(b"eXIf") + 9] ^= 255  # its checksum is now wrong
    path.write_bytes(content)
    assert np.array_equal(data.read_image(path), noise())


def test_records_have_no_limit_of_pixels(tmp_path):
    Image.fromarray(noise()).save(tmp_path / "x.png")
    assert np.array_equal(data.read_image(record_of(tmp_path / "x.png"), max_megapixels=0.001), noise())
    with pytest.raises(data.DataError, match="60 x 40 pixels are 0 million, and the limit is 0 million"):
        data.read_image(tmp_path / "x.png", max_megapixels=0.001)


def smooth(height, width):
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / a) + np.cos(y / b) for a, b in ((19, 61), (43, 24), (51, 18))]
    return ((np.stack(waves, -1) + 2) * 63).astype(np.uint8)


@pytest.mark.parametrize("size, part", [((100, 200), 4), ((99, 1000), 4), ((200, 330), 2), ((202, 1000), 1),
                                        ((1000, 160), 4), ((50, 50), 8), ((900, 900), 1)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(tmp_path, size, part, orientation):
    path, exif = tmp_path / "x.jpg", Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(smooth(400, 664)).save(path, quality=95, exif=exif)
    whole, pixels = data.read_image(path), data.read_image(path, [size, (5, 5)])
    assert pixels.shape == (*(-(-edge // part) for edge in whole.shape[:2]), 3)
    scale = data.resize_scale(*whole.shape[:2], *size)
    new = [round(edge * scale) for edge in whole.shape[:2]]
    assert part == 1 or all(edge >= wanted for edge, wanted in zip(pixels.shape, new))
    difference = np.abs(resize_image(pixels, *new).astype(int) - resize_image(whole, *new))
    assert difference.mean() < 2 and difference.max() < 20


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_other_formats_are_decoded_whole(tmp_path, suffix):
    Image.fromarray(smooth(400, 664)).save(tmp_path / ("x" + suffix))
    assert data.read_image(tmp_path / ("x" + suffix), [(50, 50)]).shape == (400, 664, 3)
