"""A file that is called a video and is a playlist opens no other file, and no address in the network."""
import numpy as np
import pytest

from light_head_rcnn.engine.inference.video.reading import Clip
from light_head_rcnn.errors import DataError

av = pytest.importorskip("av", reason="videos need PyAV")


@pytest.fixture
def clip(tmp_path):
    """A small video, which a playlist could name."""
    path = tmp_path / "real.ts"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        random = np.random.RandomState(0)
        for _ in range(5):
            pixels = random.randint(0, 256, (48, 64, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("text", [
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile {}\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "v=0\no=- 0 0 IN IP4 1\n"])
def test_playlists_are_no_videos(tmp_path, clip, text):
    assert sum(1 for _ in Clip(clip)) > 0
    (tmp_path / "a.mp4").write_text(text.format(clip.name))
    with pytest.raises(DataError, match="a.mp4: not a readable video"):
        list(Clip(tmp_path / "a.mp4"))


@pytest.mark.parametrize("name", ["http:a.mp4", "concat:real.ts|real.ts", "-i.mp4"])
def test_a_name_is_no_address(tmp_path, clip, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(clip.read_bytes())
    assert sum(1 for _ in Clip(name)) > 0
