"""Headers of image files: against Pillow, and files that lie, that are damaged or cut off, or too large."""
import os
import struct
import zlib

import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data.pictures.header_parsing import parse_header
from PIL import Image

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")


def exif_segment(content, name=b"Exif\0\0"):
    return b"\xff\xe1" + struct.pack(">H", len(name + content) + 2) + name + content


def orientation_exif(value, order="<", kind=3, count=1, entries=1):
    """EXIF data of one entry, which may claim to have more."""
    number = struct.pack(order + {1: "B3x", 3: "H2x", 4: "I", 5: "I"}[kind], value)
    return ((b"II" if order == "<" else b"MM") + struct.pack(order + "HIHHHI", 42, 8, entries, 0x0112, kind, count)
            + number)


def with_segments(path, *segments):
    """Puts segments behind the first two bytes of a JPEG."""
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"".join(segments) + content[2:])
    return path


@pytest.fixture
def jpeg(tmp_path, make_image):
    make_image(tmp_path / "x.jpg", 60, 40)
    return tmp_path / "x.jpg"


@pytest.mark.parametrize("suffix", [*data.IMAGE_EXTENSIONS, ".ppm"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_size_and_format_are_those_of_pillow(tmp_path, suffix, mode):
    path = tmp_path / ("x" + suffix)
    Image.new("RGB", (61, 43), (9, 99, 199)).convert(mode).save(path)
    with Image.open(path) as image:
        assert data.read_header(path) == (61, 43, 1, image.format, False)


@pytest.mark.parametrize("options", [{"progressive": True}, {"optimize": True, "quality": 30}, {"subsampling": 0},
                                     {"icc_profile": bytes(200000)}, {"exif": b"Exif\0\0" + bytes(60000)}])
def test_jpegs_of_all_kinds_need_no_decoder(tmp_path, options):
    path = tmp_path / "x.jpg"
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (43, 61, 3)).astype(np.uint8)).save(path, **options)
    with open(path, "rb", buffering=0) as file:
        assert parse_header(file, path.stat().st_size) == (61, 43, 1, "JPEG", True)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_orientation(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (60, 40)).save(tmp_path / ("x" + suffix), exif=exif)
    header = data.read_header(tmp_path / ("x" + suffix))
    assert header[:3] == (60, 40, orientation)
    assert header.upright_size == ((60, 40) if orientation < 5 else (40, 60))


@pytest.mark.parametrize("segments, orientation", [
    ([exif_segment(orientation_exif(6))], 6),
    ([exif_segment(orientation_exif(6, ">"))], 6),
    ([exif_segment(orientation_exif(6, kind=1))], 6),
    ([exif_segment(orientation_exif(6, ">", kind=4))], 6),
    # The directory says that it has forty entries, and ends after the first.
    ([exif_segment(orientation_exif(6, entries=40))], 6),
    ([exif_segment(orientation_exif(6)[:-6])], 1),
    ([exif_segment(orientation_exif(6)[:9])], 1),
    ([exif_segment(b"")], 1),
    ([exif_segment(b"II*\0\xff\xff\xff\x7f" + bytes(20))], 1),
    ([exif_segment(orientation_exif(9))], 1),
    ([exif_segment(orientation_exif(0))], 1),
    ([exif_segment(orientation_exif(6, kind=5))], 1),
    ([exif_segment(orientation_exif(6, count=2))], 1),
    ([exif_segment(orientation_exif(8)), exif_segment(orientation_exif(3))], 8),
    ([exif_segment(b"<x/>", b"http://ns.adobe.com/xap/1.0/\0"), exif_segment(orientation_exif(8))], 8),
    ([b"\xff\xff\xff", exif_segment(orientation_exif(8))], 8),
])
def test_exif_that_is_odd_damaged_or_doubled(jpeg, segments, orientation):
    pixels = data.read_image(jpeg)
    with_segments(jpeg, *segments)
    assert data.read_header(jpeg) == (60, 40, orientation, "JPEG", False)
    turned = {1: pixels, 3: pixels[::-1, ::-1], 6: np.rot90(pixels, -1), 8: np.rot90(pixels)}[orientation]
    assert np.array_equal(data.read_image(jpeg), turned)


@pytest.mark.parametrize("content, name", [("JPEG", "x.png"), ("PNG", "x.jpg"), ("WEBP", "x.jpg"), ("BMP", "x.jpeg"),
                                           ("GIF", "x.png"), ("JPEG", "x"), ("TIFF", "x.txt")])
def test_the_content_decides_not_the_extension(tmp_path, content, name):
    Image.new("RGB", (6, 4)).save(tmp_path / name, format=content)
    assert data.read_header(tmp_path / name) == (6, 4, 1, content, False)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("lost, behind, truncated", [
    (0, b"", False), (0, b"\0" * 40, False), (0, b"a trailer of a camera, some hundred bytes long " * 9, False),
    (0.1, b"", True), (0.5, b"", True), (0.5, b"\0" * 40, True)])
def test_files_that_are_cut_off(tmp_path, suffix, lost, behind, truncated):
    path = tmp_path / ("x" + suffix)
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (40, 60, 3)).astype(np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:len(content) - int(lost * len(content))] + behind)
    header = data.read_header(path)
    assert header[:2] == (60, 40) and header.truncated == truncated


def test_only_the_end_marker_is_missing(jpeg):
    jpeg.write_bytes(jpeg.read_bytes()[:-2])
    header = data.read_header(jpeg)  # whether the decoder minds is up to it
    assert header[:4] == (60, 40, 1, "JPEG") and data.read_image(jpeg).shape == (40, 60, 3)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50)


def spoil(path, how):
    """Makes an image file one that cannot be read."""
    content = path.read_bytes()
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how == "pipe":
        os.mkfifo(path)
    elif how != "gone":
        path.write_bytes({"empty": b"", "text": b"not an image", "page": b"<!DOCTYPE html>", "heic": HEIC,
                          "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
                          "pointer": b"version https://git-lfs.github.com/spec/v1\n",
                          "start": content[:40]}[how])


SPOILED = {"gone": "there is no such image file", "folder": r"not a readable image \(a folder\)",
           "pipe": r"not a readable image \(no regular file\)", "empty": r"not a readable image \(the file is empty\)",
           "text": "its content is of no known image format", "page": "perhaps a web page", "heic": "HEIC.*pillow-heif",
           "pointer": "git lfs pull", "eps": "EPS files are not read", "start": "(a damaged PNG|Truncated File Read)"}


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("how", sorted(SPOILED))
def test_each_file_that_is_no_image_has_its_sentence(tmp_path, make_image, suffix, how):
    path = tmp_path / f"x.{suffix}"
    make_image(path, 60, 40)
    spoil(path, how)
    record = data.make_record("a", str(path), 60, 40, [])
    for call, source in ((data.read_header, path), (data.image_size, path), (data.read_image, path),
                         (data.read_image, record)):
        with pytest.raises(data.DataError, match=rf"x\.{suffix}: (.*){SPOILED[how]}") as caught:
            call(source)
        assert caught.value.kind == ("image_missing" if how == "gone" else "image_unreadable")
        assert ("entry 'a'" in str(caught.value)) == (source is record)
    error, = data.read_headers([path])
    assert isinstance(error, data.DataError) and error.kind == caught.value.kind


def test_a_jpeg_of_twelve_bits_is_named(jpeg):
    content = bytearray(jpeg.read_bytes())
    content[content.index(b"\xff\xc0") + 4] = 12
    jpeg.write_bytes(content)
    with pytest.raises(data.DataError, match="a damaged JPEG, or of a kind that Pillow does not read"):
        data.read_header(jpeg)


def test_more_pixels_than_the_limit(tmp_path):
    for suffix in (".png", ".jpg", ".bmp"):
        path = tmp_path / ("x" + suffix)
        Image.new("L", (1400, 1300)).save(path)
        assert data.read_header(path, max_megapixels=1.82)[:2] == (1400, 1300)
        for call in (data.read_header, data.image_size, data.read_image):
            with pytest.raises(data.DataError, match="1400 x 1300 pixels .*dataset.MAX_MEGAPIXELS") as caught:
                call(path, max_megapixels=1.81)
            assert caught.value.kind == "image_too_large"
        assert data.read_headers([path], max_megapixels=1.81)[0].kind == "image_too_large"


def test_the_default_limit_is_that_of_pillow(tmp_path):
    assert round(data.MAX_MEGAPIXELS * 1e6) == 2 * Image.MAX_IMAGE_PIXELS
    Image.new("L", (1, 1)).save(tmp_path / "x.png")
    content = bytearray((tmp_path / "x.png").read_bytes())
    content[16:24] = struct.pack(">II", 14000, 13000)  # the sides, in the chunk IHDR at bytes 12 to 28
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(data.DataError, match="14000 x 13000 pixels are 182 million, and the limit is 179 million"):
        data.read_header(tmp_path / "x.png")
    assert data.read_header(tmp_path / "x.png", max_megapixels=200)[:2] == (14000, 13000)
