"""Where videos are written, and what is refused before anything is."""
import sys

import pytest

from light_head_rcnn.engine.inference.video import targets
from light_head_rcnn.engine.inference.video.targets import clip_targets, split_videos
from light_head_rcnn.errors import LibraryError, UsageError


@pytest.fixture
def videos(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "import_av", lambda: None)
    paths = [tmp_path / name for name in ("a.mp4", "b.avi", "sub/a.MOV")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    return paths


def test_extensions_tell_videos_from_images_and_folders(videos, tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    others = [tmp_path / "photo.jpg", tmp_path / "folder.mp4", tmp_path]
    assert split_videos([*map(str, videos), *map(str, others)]) == (videos, others)


def test_names_in_a_folder(videos, tmp_path):
    found = clip_targets(videos, True, tmp_path / "out-1.5")
    assert [target.video.name for target in found] == ["a.mp4", "b.mp4", "a-2.MOV"]
    assert [target.lines.name for target in found] == ["a.jsonl", "b.jsonl", "a-2.jsonl"]
    assert clip_targets(videos[:1], False, tmp_path / "new")[0].video == tmp_path / "new" / "a.mp4"
    assert clip_targets(videos[:1], False, tmp_path / "x.mkv")[0].video == tmp_path / "x.mkv"


@pytest.mark.parametrize("which, has_images, out, message", [
    (slice(0, 2), False, "x.mp4", "several inputs"),
    (slice(0, 1), True, "x.mp4", "several inputs"),
    (slice(0, 1), False, "x.xyz", ".mp4 .m4v .mov .mkv .webm"),
    (slice(0, 1), False, "folder.mp4", "is a folder"),
    (slice(0, 1), False, "a.mp4", "would be overwritten"),
    (slice(0, 2), False, "", "would be overwritten"),
    (slice(2, 3), False, "taken", "is a folder"),
    (slice(0, 0), True, "x.mp4", "no video among the inputs"),
])
def test_what_cannot_be_written(videos, tmp_path, which, has_images, out, message):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "taken" / "a.MOV").mkdir(parents=True)
    with pytest.raises(UsageError, match=message):
        clip_targets(videos[which], has_images, tmp_path / out)


def test_a_link_to_the_input_and_a_missing_input(videos, tmp_path):
    (tmp_path / "link.mp4").symlink_to(videos[0])
    with pytest.raises(UsageError, match="would be overwritten"):
        clip_targets(videos[:1], False, tmp_path / "link.mp4")
    with pytest.raises(UsageError, match="there is no video .*gone.mp4"):
        clip_targets([tmp_path / "gone.mp4"], False, tmp_path)


def test_the_package_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.mp4").write_text("")
    with pytest.raises(LibraryError, match="pip install av"):
        clip_targets([tmp_path / "a.mp4"], False, tmp_path / "out")
    assert clip_targets([], True, tmp_path / "out") == []
