"""Finds the image in the body of a request, and gives it to readers of files.

This runs in workers: bodies come from strangers, and what a decoder does with one must not reach the server.
"""
import contextlib
import os
import threading
from typing import Dict, Iterator, List, Optional, Tuple

# Pillow's decoders of other formats are older and less tried; none of them is needed for photographs.
_SIGNS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
FORMATS = "JPEG, PNG, GIF, BMP, TIFF and WebP"
FIELD = "image"
# A form has one image; clients may add a few fields, which are passed over.
_MOST_PARTS, _MOST_HEADERS, _MOST_HEADER_BYTES = 16, 16, 4096


class BadBody(Exception):
    """A body without an image that is read here; `args` are the status of the answer and its text."""


def find_image(body: bytes, content_type: str) -> bytes:
    """Returns the bytes of the image in a body.

    Args:
        body: an image, or a form.
        content_type: of the body.

    Raises:
        BadBody: there is none, or it is of another format than `FORMATS`.
    """
    image = _image_field(body, content_type) if content_type.lower().startswith("multipart/form-data") else body
    if not image:
        raise BadBody(400, "the image is empty: send the bytes of an image file")
    is_webp = image[:4] == b"RIFF" and image[8:12] == b"WEBP"
    if not is_webp and not image.startswith(_SIGNS):
        raise BadBody(400, f"this is no image of a format that is read here, which are {FORMATS}")
    return image


@contextlib.contextmanager
def as_file(image: bytes, folder: str) -> Iterator[str]:
    """Context manager that gives the path of a file with an image; the file is removed when the block ends.

    Args:
        image: the content.
        folder: takes the file; threads may share it. Readers resolve links, so that a file in memory without a name
            would not do.
    """
    path = os.path.join(folder, str(threading.get_ident()))
    try:
        with open(path, "wb", buffering=0) as file:
            view = memoryview(image)
            while view:
                view = view[file.write(view):]
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _image_field(body: bytes, content_type: str) -> bytes:
    """The content of the field `image` of a form."""
    from python_multipart.multipart import MultipartParser, parse_options_header
    from python_multipart.exceptions import FormParserError
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise BadBody(400, "the form has no boundary, or a longer one than 70 characters, in its Content-Type")
    form = _Form()
    parser = MultipartParser(boundary, form.callbacks())
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise BadBody(400, "the form is broken: it does not keep to multipart/form-data") from None
    if not form.is_whole:
        raise BadBody(400, "the form is cut off")
    if form.image is None:
        raise BadBody(400, f"the form has no field {FIELD} with an image")
    return form.image


class _Form:
    """Collects the field `image` while a form is parsed."""

    def __init__(self):
        self.image: Optional[bytes] = None
        self.is_whole = False
        self._parts = 0
        self._headers: List[Tuple[bytes, bytes]] = []
        self._name, self._value = b"", b""
        self._content: Optional[List[bytes]] = None

    def callbacks(self) -> Dict:
        return {"on_part_begin": self._begin, "on_header_field": self._header_field,
                "on_header_value": self._header_value, "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished, "on_part_data": self._data, "on_part_end": self._end,
                "on_end": self._finish}

    def _begin(self) -> None:
        self._parts += 1
        self._headers, self._content = [], None
        if self._parts > _MOST_PARTS:
            raise BadBody(400, f"the form has more than {_MOST_PARTS} fields")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name = self._bounded(self._name + data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = self._bounded(self._value + data[start:end])

    @staticmethod
    def _bounded(text: bytes) -> bytes:
        if len(text) > _MOST_HEADER_BYTES:
            raise BadBody(400, "a field of the form has a longer header than "
                               f"{_MOST_HEADER_BYTES} bytes")
        return text

    def _header_end(self) -> None:
        self._headers.append((self._name.lower(), self._value))
        self._name = self._value = b""
        if len(self._headers) > _MOST_HEADERS:
            raise BadBody(400, f"a field of the form has more than {_MOST_HEADERS} headers")

    def _headers_finished(self) -> None:
        from python_multipart.multipart import parse_options_header
        headers = dict(self._headers)
        options = parse_options_header(headers.get(b"content-disposition", b""))[1]
        if options.get(b"name") == FIELD.encode():
            if self.image is not None:
                raise BadBody(400, f"the form has several fields {FIELD}: send one image a request")
            self._content = []

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._content is not None:
            self._content.append(data[start:end])

    def _end(self) -> None:
        if self._content is not None:
            self.image, self._content = b"".join(self._content), None

    def _finish(self) -> None:
        self.is_whole = True
