"""Reads the frames of a video by means of PyAV, which brings FFmpeg along."""
import importlib
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ....errors import DataError, LibraryError

# Files with these extensions are taken for videos; PyAV reads more kinds, but other files are taken for photographs.
VIDEO_EXTENSIONS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts",
                    ".m2ts", ".3gp", ".ogv")
# FFmpeg's names of the containers that are read.
_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,ogg,mxf,dv,gif,m4v,h264,hevc,"
               "ivf,rm,wtv,nut,yuv4mpegpipe")
_BT709, _UNSPECIFIED = 1, 2  # FFmpeg's numbers of colour spaces
_LEAST_HD = 720  # players take videos of so many rows, which do not say their colour space, for BT.709
# A video is cut short where more than so many seconds, or frames, are missing at its end.
_MISSING_SECONDS, _MISSING_FRAMES = 0.1, 2


def import_av() -> ModuleType:
    """Imports PyAV; LibraryError where it is not installed."""
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise LibraryError(f"videos need PyAV ({error}). Install it with: pip install av, or with this package's extra "
                           "`video`") from None


def open_to_read(path: Path) -> Any:
    """Opens a media file with PyAV; metadata in other letters than UTF-8's are passed over."""
    av = import_av()
    # A playlist would make FFmpeg open whatever it names: other files, and addresses in the network.
    options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    source = f"file:{path}"  # the name alone may look like an address
    try:
        return av.open(source, metadata_errors="ignore", options=options)
    except TypeError:  # from version 19 on, PyAV passes over them by itself
        return av.open(source, options=options)


class Frame(NamedTuple):
    """A frame of a video."""

    pixels: np.ndarray  # uint8 (H, W, 3), RGB, upright
    pts: int  # when it is shown, in units of `Clip.time_base` from the start; rises from frame to frame


class Clip:
    """A video that is read; a context manager that closes its file.

    Args:
        path: the file.

    Attributes:
        path: as given.
        rate: frames a second, the mean where it varies.
        time_base: the unit of `Frame.pts` in seconds.
        start: seconds on the file's clock at which it starts, which is not 0 in what cameras and broadcasts write.
        frames: how many there should be, as the file says, or else by its length; None where it tells neither.
        read: how many were read so far.
        is_bt709: whether its colours are those of BT.709, as those of most large videos are, or else BT.601's.
        aspect: width of a pixel divided by its height, upright; 1 or None for square pixels.

    Raises:
        DataError: the file is missing, or is no video.
        LibraryError: PyAV is not installed.
    """

    def __init__(self, path: Path):
        self._av = import_av()
        try:
            self._container = open_to_read(path)
        except (self._av.error.FFmpegError, OSError) as error:
            raise DataError(f"{path}: not a readable video ({error.strerror})") from None
        if not self._container.streams.video:
            self._container.close()
            raise DataError(f"{path}: there is no video in this file")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.path, self.read = path, 0
        self.rate = Fraction(self._stream.average_rate or self._stream.guessed_rate or 25)
        self.time_base = Fraction(self._stream.time_base)
        self.start = Fraction(max(self._container.start_time or 0, 0), self._av.time_base)
        self.is_bt709, self.aspect = False, self._stream.sample_aspect_ratio
        self._seconds = self._length()
        self.frames = self._stream.frames or (None if self._seconds is None else round(self._seconds * self.rate))
        self._first = self._last = None  # pts

    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames as far as they can be read; what is damaged is passed over."""
        size = None
        for frame in self._decoded():
            if size is None:
                size = {"width": frame.width, "height": frame.height}
                self.is_bt709 = frame.colorspace == _BT709 or frame.colorspace == _UNSPECIFIED and (
                    frame.height >= _LEAST_HD)
            pts = None if frame.pts is None else frame.pts - round(self.start / self.time_base)
            if self._first is None:
                self._first = pts = pts or 0
            elif pts is None or pts <= self._last:  # files without times, and damaged ones
                pts = self._last + max(round(1 / (self.rate * self.time_base)), 1)
            self._last = pts
            self.read += 1
            # A video whose frames change their size is brought to that of the first. RGB has no colour space, but
            # PyAV 12 converts from BT.709 only where it is given another one.
            rgb = frame.reformat(format="rgb24", src_colorspace=colorspace(self.is_bt709),
                                 dst_colorspace=colorspace(is_bt709=False), **size)
            yield Frame(self._upright(rgb.to_ndarray(), _display_matrix(frame)), pts)

    @property
    def is_cut_short(self) -> bool:
        """Whether, after all frames were read, some are missing at the end of the video."""
        if self._seconds is None or self._first is None:
            return False
        shown = (self._last - self._first) * self.time_base + 1 / self.rate
        return shown < self._seconds - max(_MISSING_SECONDS, _MISSING_FRAMES / self.rate)

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _length(self) -> Optional[float]:
        """Seconds that the video should last: as its stream says, or else the file, which may have a longer sound."""
        if self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        with suppress(KeyError, ValueError):
            hours, minutes, seconds = map(float, self._stream.metadata["DURATION"].split(":"))  # Matroska
            return 3600 * hours + 60 * minutes + seconds
        return None if self._container.duration is None else self._container.duration / self._av.time_base

    def _decoded(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._av.error.FFmpegError:  # the file ends too early; frames that wait in the decoder come out
                packet = None
            try:
                yield from self._stream.decode(packet) if packet is not None else self._stream.decode(None)
            except (self._av.error.FFmpegError, EOFError):
                pass
            if packet is None:
                return

    def _upright(self, pixels: np.ndarray, matrix: Optional[Sequence[int]]) -> np.ndarray:
        """Turns and mirrors a frame as players show it."""
        if matrix is None:
            return pixels
        (a, b), (c, d) = matrix[:2], matrix[3:5]
        if abs(b) > abs(a):
            pixels, a, d = pixels.transpose(1, 0, 2), c, b
            if self.read == 1 and self.aspect:
                self.aspect = 1 / self.aspect
        return np.ascontiguousarray(pixels[::-1 if d < 0 else 1, ::-1 if a < 0 else 1])


def colorspace(is_bt709: bool) -> str:
    """PyAV's name of a colour space."""
    return "ITU709" if is_bt709 else "ITU601"


def _display_matrix(frame: Any) -> Optional[Tuple[int, ...]]:
    """The matrix (a, b, u, c, d, v, x, y, w) by which a camera that was held upright turns its frames.

    A pixel at (x, y) is shown at (a x + c y, b x + d y).
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else tuple(np.frombuffer(bytes(matrix), np.int32).tolist())
