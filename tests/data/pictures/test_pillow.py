"""Pillow's settings for the process: what others set comes back, and threads do not disturb one another."""
import contextlib
import os
import threading
import warnings

import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data.pictures.pillow import pillow_settings
from PIL import Image, ImageFile


@pytest.fixture
def cut_image(tmp_path):
    path = tmp_path / "cut.jpg"
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (40, 60, 3)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-700])
    return path


@pytest.mark.parametrize("before", [(False, 1000), (True, None), (True, 1)])
def test_what_others_set_neither_counts_nor_is_changed(cut_image, monkeypatch, before):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", before[0])  # GluonCV switches it on when it is imported
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", before[1])
    assert data.read_image(cut_image).shape == (40, 60, 3)
    assert (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS) == before
    with pillow_settings(False):
        Image._decompression_bomb_check((10 ** 9, 10 ** 9))
        # Another thread may have looked before, and look again: a number does not become None, nor None a number.
        assert (Image.MAX_IMAGE_PIXELS is None) == (before[1] is None)
    with pytest.raises(data.DataError, match="cut.jpg: not a readable image"):
        data.read_image(cut_image, allow_truncated=False)
    assert data.read_header(cut_image).truncated
    (cut_image.parent / "x.jpg").write_text("no image")
    assert not isinstance(data.read_headers([cut_image.parent / "x.jpg"])[0], data.Header)
    assert (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS) == before


def test_threads_that_want_opposite_settings_get_them(cut_image):
    answers = {True: [], False: []}

    def read(allow):
        for _ in range(60):
            try:
                data.read_image(cut_image, allow_truncated=allow)
                answers[allow].append("read")
            except data.DataError:
                answers[allow].append("refused")

    threads = [threading.Thread(target=read, args=(allow,)) for allow in (True, False) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {True: ["read"] * 240, False: ["refused"] * 240}
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False and Image.MAX_IMAGE_PIXELS == 89478485


def test_threads_that_want_the_same_read_at_once():
    inside = threading.Barrier(3, timeout=10)

    def enter():
        with pillow_settings(False):
            inside.wait()

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    enter()
    for thread in threads:
        thread.join()


def test_a_process_that_is_forked_while_a_thread_reads_does_not_wait_for_it(cut_image):
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with pillow_settings(True):
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=stay)
    thread.start()
    entered.wait()
    child = os.fork()
    if not child:
        try:
            settings = ImageFile.LOAD_TRUNCATED_IMAGES is False and Image.MAX_IMAGE_PIXELS == 89478485
            os._exit(0 if settings and data.read_image(cut_image).shape == (40, 60, 3) else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    leave.set()
    thread.join()
    assert status == 0


@pytest.mark.parametrize("before", ["always", "error"])
def test_warnings_of_pillow_are_not_shown_and_those_of_others_are(tmp_path, before):
    pixels = np.random.RandomState(0).randint(0, 256, (40, 60)).astype(np.uint8)
    Image.fromarray(pixels).convert("P").save(tmp_path / "alpha.png", transparency=bytes(range(200)))
    Image.fromarray(pixels).save(tmp_path / "cut.tif", compression="tiff_lzw")
    for name, missing in (("alpha.png", 900), ("cut.tif", 200)):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-missing])
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter(before)
        filters = list(warnings.filters)
        assert data.read_image(tmp_path / "alpha.png").shape == (40, 60, 3)
        with pytest.raises(data.DataError, match="a damaged TIFF"):
            data.read_image(tmp_path / "cut.tif")
        assert not shown and warnings.filters == filters
        with pillow_settings(False):
            warnings.filterwarnings("ignore", message="what another thread adds")
            with pytest.raises(UserWarning) if before == "error" else contextlib.nullcontext():
                warnings.warn("of somebody else", stacklevel=1)
        assert len(shown) == (before == "always") and len(warnings.filters) == len(filters) + 1
