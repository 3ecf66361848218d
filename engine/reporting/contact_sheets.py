"""Contact sheets: many small pictures with captions on one page."""
import math
from pathlib import Path
from typing import Iterable, List, Tuple

from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

_FONT_FILE = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
_BACKGROUND, _INK = (255, 255, 255), (30, 30, 30)
_MARGIN, _TEXT_SIZE = 8, 13

PER_SHEET, COLUMNS = 12, 4
THUMBNAIL = 380  # pixels, the longer side


def make_sheets(pictures: Iterable[Tuple[str, Image.Image]]) -> Iterable[Image.Image]:
    """Yields contact sheets of `PER_SHEET` pictures each.

    Args:
        pictures: (caption, picture) of each, not larger than `THUMBNAIL`.
    """
    page: List[Tuple[str, Image.Image]] = []
    for one in pictures:
        page.append(one)
        if len(page) == PER_SHEET:
            yield _make_sheet(page)
            page = []
    if page:
        yield _make_sheet(page)


def add_caption(picture: Image.Image, text: str) -> Image.Image:
    """Returns a picture with a line of text above it, in letters that grow with the picture."""
    font = ImageFont.truetype(_FONT_FILE, max(round(math.sqrt(picture.width * picture.height) / 50), 10))
    margin = font.size // 2
    lines = _wrap(text, font, picture.width - 2 * margin)
    height = sum(font.getmetrics())
    result = Image.new("RGB", (picture.width, picture.height + len(lines) * height + margin), _BACKGROUND)
    canvas = ImageDraw.Draw(result)
    for number, line in enumerate(lines):
        canvas.text((margin, margin // 2 + number * height), line, font=font, fill=_INK)
    result.paste(picture, (0, result.height - picture.height))
    return result


def _make_sheet(page: List[Tuple[str, Image.Image]]) -> Image.Image:
    font = ImageFont.truetype(_FONT_FILE, _TEXT_SIZE)
    line = sum(font.getmetrics())
    columns = min(COLUMNS, len(page))
    rows = [page[start:start + columns] for start in range(0, len(page), columns)]
    width = max(picture.width for _, picture in page)
    width = max(width, THUMBNAIL // 2)
    heights = [max(picture.height for _, picture in row) for row in rows]
    sheet = Image.new("RGB", (columns * (width + _MARGIN) + _MARGIN,
                              sum(heights) + len(rows) * (line + 2 * _MARGIN) + _MARGIN), _BACKGROUND)
    canvas = ImageDraw.Draw(sheet)
    y = _MARGIN
    for row, height in zip(rows, heights):
        for column, (caption, picture) in enumerate(row):
            x = _MARGIN + column * (width + _MARGIN)
            sheet.paste(picture, (x + (width - picture.width) // 2, y + height - picture.height))
            canvas.text((x, y + height + 2), _shorten(caption, font, width), font=font, fill=_INK)
        y += height + line + 2 * _MARGIN
    return sheet


def _shorten(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Returns the text, or its start and its end where all of it is too wide."""
    short, kept = text, len(text)
    while font.getlength(short) > width and kept:
        kept -= 1
        short = f"{text[:(kept + 1) // 2]}…{text[len(text) - kept // 2:]}"
    return short


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> List[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [_shorten(line, font, width) for line in lines]
