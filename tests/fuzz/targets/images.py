"""Images of the formats that are read, and files of records that hold images."""
import io
from pathlib import Path
from typing import Dict, List

from PIL import Image, PngImagePlugin
from target import Target


def _picture(mode: str) -> Image.Image:
    return Image.linear_gradient("L").resize((40, 30)).convert(mode)


def _encode(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def _jpegs() -> List[bytes]:
    return [_encode(_picture("RGB"), "JPEG", exif=_exif()), _encode(_picture("L"), "JPEG", progressive=True),
            _encode(_picture("CMYK"), "JPEG")]


def _pngs() -> List[bytes]:
    text = PngImagePlugin.PngInfo()
    text.add_text("a", "b" * 1000, zip=True)
    return [_encode(_picture("RGB"), "PNG", pnginfo=text, exif=_exif()), _encode(_picture("P"), "PNG", transparency=0),
            _encode(_picture("RGBA"), "PNG", icc_profile=b"x" * 500), _encode(_picture("I;16"), "PNG"),
            _encode(_picture("1"), "PNG")]


def _others() -> List[bytes]:
    rgb = _picture("RGB")
    frames = {"save_all": True, "append_images": [_picture("L").convert("P")] * 3}
    return [_encode(rgb, "GIF", **frames), _encode(rgb, "BMP"), _encode(_picture("P"), "BMP"), _encode(rgb, "WEBP"),
            _encode(_picture("RGBA"), "WEBP", lossless=True), _encode(rgb, "PPM"), _encode(rgb, "TGA"),
            _encode(rgb, "JPEG2000"), _encode(rgb, "ICO"), _encode(rgb, "PCX"), _encode(rgb, "DDS"),
            _encode(rgb, "ICNS"), _encode(rgb, "SGI"), _encode(rgb, "IM")]


def _tiffs() -> List[bytes]:
    rgb = _picture("RGB")
    return [_encode(rgb, "TIFF"), _encode(rgb, "TIFF", compression="tiff_lzw"), _encode(_picture("F"), "TIFF"),
            _encode(rgb, "TIFF", compression="tiff_adobe_deflate", exif=_exif()), _encode(_picture("I;16"), "TIFF"),
            _encode(rgb, "TIFF", compression="jpeg")]


def _read(folder: Path) -> object:
    from light_head_rcnn import data
    from light_head_rcnn.data.pictures.headers import read_header
    path = next(folder.glob("image.*"))
    read_header(path, max_megapixels=20)
    pixels = data.read_image(path, max_megapixels=20)
    assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == "uint8", pixels.shape
    return data.preprocess(pixels, 64, 128, (0, 0, 0), (1, 1, 1))


TARGETS: Dict[str, Target] = {
    "jpeg": Target("image.jpg", _jpegs, _read), "png": Target("image.png", _pngs, _read),
    "tiff": Target("image.tif", _tiffs, _read), "other_images": Target("image.img", _others, _read)}
