"""Writes a video by means of PyAV: frames that are drawn on, at the times of those that were read, and their sound."""
import contextlib
import logging
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Tuple

import numpy as np

from ....runtime import available_threads
from .reading import Clip, Frame, colorspace, import_av, open_to_read


class Format(NamedTuple):
    """How a kind of video file is written.

    Attributes:
        codec, options: FFmpeg's encoder, and its options.
        container: options of the file.
        sounds: codecs of sound that the file takes; none named means all.
    """

    codec: str
    options: Dict[str, str]
    container: Dict[str, str]
    sounds: Tuple[str, ...] = ()


# H.264 in 8 bits with 4:2:0 plays everywhere; the fast preset leaves the processor to the detector.
_H264 = "libx264", {"preset": "veryfast", "crf": "20"}
_MP4 = Format(*_H264, {"movflags": "faststart"}, ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"))
FORMATS = {
    ".mp4": _MP4, ".m4v": _MP4, ".mov": _MP4, ".mkv": Format(*_H264, {}),
    ".webm": Format("libvpx-vp9", {"deadline": "realtime", "cpu-used": "6", "crf": "30"}, {}, ("opus", "vorbis")),
}
_BT709, _BT601 = 1, 6  # FFmpeg's numbers of colour spaces, primaries and transfers


class ClipWriter:
    """Writes a video; a context manager that completes the file.

    Args:
        path: the file; its extension is among `FORMATS`.
        clip: gives times, colours, the shape of pixels and the sound, which is copied as it is.
        height, width: of the frames in pixels. Sides are made even by repeating the last row or column.
        logger: is told what cannot be kept.
    """

    def __init__(self, path: str, clip: Clip, height: int, width: int, logger: logging.Logger):
        self._av = import_av()
        how = FORMATS[Path(path).suffix.lower()]
        self._clip, self._padding = clip, ((0, height % 2), (0, width % 2), (0, 0))
        self._container = self._av.open(path, "w", options=how.container)
        self._stream = self._container.add_stream(how.codec, rate=clip.rate, options=how.options)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = clip.time_base
        context = self._stream.codec_context
        context.time_base, context.thread_count = clip.time_base, available_threads().count
        if how.codec != _MP4.codec:
            context.bit_rate = 0  # quality alone decides
        context.colorspace = context.color_primaries = context.color_trc = _BT709 if clip.is_bt709 else _BT601
        if clip.aspect:
            context.sample_aspect_ratio = clip.aspect
        self._sound = _Sound(clip, self._container, how.sounds, logger)

    def write(self, frame: Frame) -> None:
        """Writes a frame; each is later than the one before."""
        picture = self._av.VideoFrame.from_ndarray(np.pad(frame.pixels, self._padding, "edge"), format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=colorspace(self._clip.is_bt709))
        picture.pts, picture.time_base = frame.pts, self._clip.time_base
        self._container.mux(self._stream.encode(picture))
        self._sound.copy_until(float(frame.pts * self._clip.time_base))

    def __enter__(self) -> "ClipWriter":
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        with contextlib.ExitStack() as stack:
            if kind is not None:  # the file is thrown away; what failed first is what counts
                stack.enter_context(contextlib.suppress(self._av.error.FFmpegError, OSError, ValueError))
            stack.callback(self._container.close)
            stack.callback(self._sound.close)
            if kind is None:
                self._container.mux(self._stream.encode(None))
                self._sound.copy_until(float("inf"))


class _Sound:
    """Copies the sound of a clip into another file, without decoding it."""

    def __init__(self, clip: Clip, target: Any, codecs: Tuple[str, ...], logger: logging.Logger):
        self._av = import_av()
        self._source, self._target = open_to_read(clip.path), target
        self._packets, self._next, self._start = iter(()), None, clip.start
        tracks = self._source.streams.audio
        if not tracks:
            return
        name = tracks[0].codec_context.name
        if codecs and name not in codecs:
            logger.warning("%s: its sound (%s) is left out, because files of the kind that is written do not take it",
                           clip.path, name)
            return
        add = getattr(target, "add_stream_from_template", None) or (lambda track: target.add_stream(template=track))
        self._stream = add(tracks[0])
        self._packets = self._read(tracks[0])
        self._next = next(self._packets, None)

    def copy_until(self, seconds: float) -> None:
        """Copies what is to be heard up to a time."""
        while self._next is not None and float(self._next.dts * self._next.time_base) <= seconds:
            self._next.stream = self._stream
            self._target.mux(self._next)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Closes the file that the sound is read from."""
        self._source.close()

    def _read(self, track: Any) -> Iterator[Any]:
        with contextlib.suppress(self._av.error.FFmpegError):  # the file ends too early
            for packet in self._source.demux(track):
                if packet.dts is not None:
                    delay = round(self._start / packet.time_base)
                    packet.dts -= delay
                    packet.pts = packet.dts if packet.pts is None else packet.pts - delay
                    yield packet
