"""Videos with detections: every frame at its time, with what was found in it; complete, or not there at all."""
import json
import logging
import threading

import numpy as np
import pytest

from light_head_rcnn.engine.inference.video import clips, reading
from light_head_rcnn.engine.inference.video.clips import write_clip, write_clips
from light_head_rcnn.engine.inference.video.targets import ClipTarget
from light_head_rcnn.errors import DataError

from .conftest import RATE, turn

LOGGER = logging.getLogger("test")


def lines_of(target):
    return [json.loads(line) for line in target.lines.read_text().splitlines()]


def write(detector, source, target, every=1):
    target = ClipTarget(source, target)
    write_clip(detector, target, 0.5, LOGGER, every)
    return lines_of(target)


@pytest.mark.parametrize("name, codec", [("a.mp4", "h264"), ("a.mkv", "h264"), ("a.webm", "vp9")])
def test_every_frame_has_its_detections_and_its_time(detector, make_clip, read_clip, tmp_path, name, codec):
    source = make_clip(name)
    lines = write(detector, source, tmp_path / "out" / name)
    was, now = read_clip(source), read_clip(tmp_path / "out" / name)
    assert (now["codec"], now["format"], now["rate"]) == (codec, "yuv420p", RATE)
    assert now["pts"] == was["pts"] and len(lines) == len(was["pts"]) == 20
    for number, line in enumerate(lines):
        assert line["frame"] == number and line["time"] == pytest.approx(float(was["pts"][number]), abs=1e-6)
        (found,) = line["detections"]
        assert found["class"] == "square" and found["score"] == 0.75
        np.testing.assert_allclose(found["box"], [2 * number, 10, 2 * number + 9, 19], atol=2)
    # The picture is that of the clip, with a coloured line around the square.
    drawn = now["frames"][8].astype(int)
    assert abs(drawn[40:, :] - 40).max() < 12 and abs(drawn[12:18, 19:23] - [250, 200, 30]).max() < 60
    assert {path.name for path in (tmp_path / "out").iterdir()} == {name, "a.jsonl"}


def test_times_that_vary_and_sound_are_kept(detector, make_clip, read_clip, tmp_path):
    times = (np.cumsum(np.tile([2700, 4500], 10)) - 2700).tolist()
    source = make_clip(times=times, sound="aac")
    write(detector, source, tmp_path / "out.mp4")
    was, now = read_clip(source), read_clip(tmp_path / "out.mp4")
    assert now["pts"] == was["pts"] and [float(time) for time in now["pts"]] == pytest.approx(np.array(times) / 90000)
    assert now["sounds"] == ["aac"] and now["sound_seconds"] == pytest.approx(was["sound_seconds"], abs=0.05)


def test_a_clock_that_does_not_start_at_zero(detector, make_clip, read_clip, tmp_path):
    source = make_clip("a.ts", sound="aac", options={"output_ts_offset": "5"})
    lines = write(detector, source, tmp_path / "out.mp4")
    was, now = read_clip(source), read_clip(tmp_path / "out.mp4")
    assert float(was["pts"][0]) >= 5 and float(now["pts"][0]) < 0.1
    assert lines[0]["time"] == pytest.approx(float(now["pts"][0]), abs=1e-3)  # MP4 has milliseconds for its start
    shift = was["pts"][0] - now["pts"][0]
    assert [time + shift for time in now["pts"]] == was["pts"] and len(lines) == 20
    assert now["sound_start"] + float(shift) == pytest.approx(was["sound_start"], abs=2e-3)


def test_sound_that_the_file_does_not_take_is_named(detector, make_clip, read_clip, tmp_path, caplog):
    source = make_clip("a.mkv", sound="pcm_s16le")
    write(detector, source, tmp_path / "out.mp4")
    assert read_clip(tmp_path / "out.mp4")["sounds"] == [] and "its sound (pcm_s16le) is left out" in caplog.text
    write(detector, source, tmp_path / "out.mkv")
    assert read_clip(tmp_path / "out.mkv")["sounds"] == ["pcm_s16le"]


@pytest.mark.parametrize("matrix, back", [
    ((0, 1, -1, 0), lambda pixels: np.rot90(pixels)), ((0, -1, 1, 0), lambda pixels: np.rot90(pixels, -1)),
    ((-1, 0, 0, -1), lambda pixels: pixels[::-1, ::-1]), ((-1, 0, 0, 1), lambda pixels: pixels[:, ::-1])])
def test_a_clip_is_turned_upright(detector, make_clip, read_clip, tmp_path, monkeypatch, matrix, back):
    monkeypatch.setattr(clips, "draw", lambda pixels, *_: pixels)
    source = make_clip()
    turn(source, matrix)
    lines = write(detector, source, tmp_path / "out.mp4")
    pixels = back(read_clip(tmp_path / "out.mp4")["frames"][15])  # as the sensor saw it
    assert pixels.shape == (48, 64, 3)
    bright = np.argwhere(pixels.max(axis=2) > 150)
    assert abs(bright.mean(axis=0) - [14.5, 34.5]).max() < 4
    x1, y1, x2, y2 = lines[15]["detections"][0]["box"]
    mask = np.zeros(read_clip(tmp_path / "out.mp4")["frames"][15].shape[:2], bool)
    mask[round(y1):round(y2) + 1, round(x1):round(x2) + 1] = True
    assert abs(np.argwhere(back(mask)).mean(axis=0) - [14.5, 34.5]).max() < 2


def test_odd_sides_are_made_even_and_boxes_stay(detector, make_clip, read_clip, tmp_path):
    source = make_clip(width=65, height=49, pix_fmt="yuv444p")
    lines = write(detector, source, tmp_path / "out.mp4")
    frame = read_clip(tmp_path / "out.mp4")["frames"][10]
    assert frame.shape == (50, 66, 3) and abs(frame[30:].astype(int) - 40).max() < 12
    np.testing.assert_allclose(lines[10]["detections"][0]["box"], [20, 10, 29, 19], atol=2)


@pytest.mark.parametrize("least, number, space", [(720, 6, "ITU601"), (40, 1, "ITU709")])
def test_colors_are_kept_in_both_color_spaces(av, detector, make_clip, tmp_path, monkeypatch, least, number, space):
    flat = np.full((48, 64, 3), (60, 190, 60), np.uint8)
    monkeypatch.setattr(clips, "draw", lambda *_: flat)
    monkeypatch.setattr(reading, "_LEAST_HD", least)
    write(detector, make_clip(), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert frame.colorspace == number
        rgb = frame.reformat(format="rgb24", src_colorspace=space, dst_colorspace="ITU601").to_ndarray()
        assert abs(rgb.astype(int) - flat).max() < 5
    with reading.Clip(tmp_path / "out.mp4") as clip:
        assert abs(next(iter(clip)).pixels.astype(int) - flat).max() < 5


def test_frames_between_show_what_was_found_before(detector, make_clip, read_clip, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(clips, "draw", lambda pixels, found, *_: shown.append(found.boxes[0].tolist()) or pixels)
    lines = write(detector, make_clip(), tmp_path / "out.mp4", every=3)
    assert [line["frame"] for line in lines] == [0, 3, 6, 9, 12, 15, 18]
    assert len(read_clip(tmp_path / "out.mp4")["frames"]) == len(shown) == 20
    for number, box in enumerate(shown):
        np.testing.assert_allclose(box, lines[number // 3]["detections"][0]["box"], atol=0.01)


def test_of_a_clip_that_is_cut_short_what_can_be_read_is_written(detector, make_clip, read_clip, tmp_path, caplog):
    source = make_clip(options={"movflags": "faststart"}, noise=60)
    content = source.read_bytes()
    source.write_bytes(content[:len(content) * 8 // 10])
    lines = write(detector, source, tmp_path / "out.mp4")
    assert 2 < len(lines) < 20 and len(read_clip(tmp_path / "out.mp4")["frames"]) == len(lines)
    assert f"cut short or damaged: {len(lines)} frames of 20 could be read" in caplog.text
    caplog.clear()
    write(detector, make_clip(), tmp_path / "out.mp4")
    assert "cut short" not in caplog.text


def test_what_is_no_video_is_one_error_and_the_others_are_done(detector, make_clip, tmp_path):
    good, text, empty, gone = make_clip(), tmp_path / "text.mp4", tmp_path / "empty.mp4", tmp_path / "gone.mp4"
    text.write_text("no video")
    empty.write_bytes(b"")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(good.read_bytes()[:-200])  # its index is at the end
    sources = [text, empty, gone, cut, good]
    out = tmp_path / "out"
    failures = write_clips(detector, [ClipTarget(source, out / source.name) for source in sources], 0.5, LOGGER)
    assert len(failures) == 4
    for failure, source in zip(failures, sources):
        assert str(source) in failure and "\n" not in failure
    assert sorted(path.name for path in out.iterdir()) == ["clip.jsonl", "clip.mp4"]


def test_sound_alone_is_no_video(av, detector, tmp_path, make_clip):
    source = make_clip("sound.mkv", sound="pcm_s16le", frames=1)
    with av.open(str(source)) as container, av.open(str(tmp_path / "alone.mkv"), "w") as alone:
        stream = alone.add_stream("pcm_s16le", rate=44100)
        for frame in container.decode(audio=0):
            alone.mux(stream.encode(frame))
    with pytest.raises(DataError, match="there is no video in this file"):
        write(detector, tmp_path / "alone.mkv", tmp_path / "out.mp4")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_is_stopped_leaves_nothing_behind(detector, make_clip, tmp_path, monkeypatch, error):
    count = iter(range(100))

    def draw(pixels, *_):
        if next(count) == 7:
            raise error
        return pixels

    monkeypatch.setattr(clips, "draw", draw)
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.mp4").write_text("what was there before")
    with pytest.raises(error):
        write(detector, make_clip(), out / "a.mp4")
    assert [path.name for path in out.iterdir()] == ["a.mp4"]
    assert (out / "a.mp4").read_text() == "what was there before"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lhrcnn")]
