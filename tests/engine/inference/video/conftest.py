"""Clips with a moving square, made by the library that reads them, and a detector that finds the square."""
import struct
from fractions import Fraction

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation

RATE = Fraction(30000, 1001)
COLOR = 250, 200, 30


@pytest.fixture
def av():
    return pytest.importorskip("av", reason="videos need PyAV: pip install av")


@pytest.fixture
def make_clip(av, tmp_path):
    """Function that writes a clip of a bright square that moves two pixels a frame, and returns its path."""
    def make(name="clip.mp4", frames=20, width=64, height=48, times=None, sound=None, options=None, pix_fmt="yuv420p",
             codec=None, noise=0):
        path = tmp_path / name
        codec = codec or ("libvpx-vp9" if path.suffix == ".webm" else "libx264")
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream(codec, rate=RATE)
            stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 90000)
            track = container.add_stream(sound, rate=44100) if sound else None
            for number in range(frames):
                pixels = square(number, width, height)
                pixels[20:] += np.random.RandomState(number).randint(0, noise + 1, pixels[20:].shape).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                if times is not None:
                    frame.pts, frame.time_base = times[number], Fraction(1, 90000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            for number in range(29 if sound else 0):
                noise = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32 if sound == "aac" else np.int16),
                                                   format="fltp" if sound == "aac" else "s16", layout="mono")
                noise.sample_rate, noise.pts = 44100, 1024 * number
                container.mux(track.encode(noise))
            if sound:
                container.mux(track.encode(None))
        return path

    return make


def square(number, width=64, height=48):
    """A frame: uint8 (height, width, 3), gray, with a square of 10 pixels."""
    pixels = np.full((height, width, 3), 40, np.uint8)
    pixels[10:20, 2 * number:2 * number + 10] = COLOR
    return pixels


def turn(path, matrix):
    """Has a clip shown turned: changes the matrix (a, b, c, d) of the track's header."""
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 44
    a, b, c, d = (65536 * value for value in matrix)
    content[start:start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(content)


def square_net(x, im_info):
    """Finds what is bright in each image of a batch."""
    boxes = []
    for image in x.asnumpy():
        rows, columns = np.nonzero(image.sum(axis=0) > 300)
        boxes.append([[columns.min(), rows.min(), columns.max(), rows.max()]] if len(rows) else [[0, 0, 0, 0]])
    count = len(boxes)
    return [mx.nd.zeros((count, 1, 1)), mx.nd.full((count, 1, 1), 0.75), mx.nd.array(boxes)]


@pytest.fixture
def detector():
    return Detector(square_net, ("square",), InputPreparation(((48, 100),), (0, 0, 0), (1, 1, 1), 1))


@pytest.fixture
def read_clip(av):
    """Function that reads a clip with PyAV alone: its frames, RGB, their times, and the streams' properties."""
    def read(path):
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            frames = list(container.decode(video))
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            first = list(container.demux(container.streams.audio))[:1] if container.streams.audio else []
            return {"frames": [frame.to_ndarray(format="rgb24") for frame in frames],
                    "pts": [frame.pts * frame.time_base for frame in frames], "rate": Fraction(video.average_rate),
                    "codec": video.codec_context.name, "format": video.codec_context.pix_fmt,
                    "colors": frames[0].colorspace, "aspect": video.sample_aspect_ratio,
                    "sound_start": next((float(packet.pts * packet.time_base) for packet in first), None),
                    "sounds": [track.codec_context.name for track in container.streams.audio],
                    "sound_seconds": [float(track.duration * track.time_base) for track in container.streams.audio
                                      if track.duration]}

    return read
