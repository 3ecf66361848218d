"""Headers of many image files, and what is kept of them from one run to the next."""
import os

import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data.pictures import headers
from PIL import Image


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LHRCNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(headers, "_CACHED_FROM", 1)
    return tmp_path / "cache"


@pytest.fixture
def paths(tmp_path):
    paths = [tmp_path / "images" / f"{number}.png" for number in range(5)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        Image.new("L", (10 + number, 7)).save(path)
    (tmp_path / "images" / "2.png").write_bytes(b"no image")
    return paths


def widths(found):
    return [one.width if isinstance(one, data.Header) else one.kind for one in found]


EXPECTED = [10, 11, "image_unreadable", 13, 14]


def test_many_files_come_in_order(paths, monkeypatch):
    monkeypatch.setattr(headers, "_CHUNK", 2)
    assert widths(data.read_headers(paths, progress=True)) == EXPECTED
    assert data.read_headers([]) == []


def forbid_reading(monkeypatch):
    def read(path, *_):
        raise AssertionError(path)
    monkeypatch.setattr(headers, "_read", read)


def test_a_second_look_reads_no_file(paths, cache, monkeypatch):
    first = data.read_headers(paths)
    assert widths(first) == EXPECTED
    monkeypatch.chdir(paths[0].parent.parent)  # a path that is written otherwise is the same file
    del paths[2]
    forbid_reading(monkeypatch)
    assert data.read_headers([os.path.relpath(path) for path in paths]) == first[:2] + first[3:]
    assert [file.suffix for file in cache.rglob("*") if file.is_file()] == [".npz"]


def test_a_file_that_changed_is_read_again(paths, cache):
    data.read_headers(paths)
    Image.new("L", (99, 7)).save(paths[0])
    os.utime(paths[1], ns=(1, 1))
    Image.new("L", (98, 7)).save(paths[2])
    assert widths(data.read_headers(paths)) == [99, 11, 98, 13, 14]


def test_the_limit_holds_for_what_is_cached(paths, cache):
    data.read_headers(paths)
    assert widths(data.read_headers(paths, max_megapixels=80e-6)) == [
        10, 11, "image_unreadable", "image_too_large", "image_too_large"]


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_broken_cache_is_made_anew(paths, cache, content):
    data.read_headers(paths)
    file, = cache.rglob("*.npz")
    good = file.read_bytes()
    file.write_bytes(good[:len(good) // 2] if content is None else content)
    assert widths(data.read_headers(paths)) == EXPECTED
    assert len(file.read_bytes()) == len(good)


def test_a_cache_that_holds_pickles_is_not_read(paths, cache):
    data.read_headers(paths)
    file, = cache.rglob("*.npz")
    with np.load(file) as content:
        arrays = dict(content)
    np.savez(file, **{**arrays, "rows": arrays["rows"].astype(object)})
    assert widths(data.read_headers(paths)) == EXPECTED


@pytest.mark.parametrize("place", ["off", "/dev/null/cache"])
def test_a_cache_that_is_off_or_cannot_be_written_to_is_no_error(paths, cache, monkeypatch, place):
    monkeypatch.setenv("LHRCNN_CACHE", place)
    assert widths(data.read_headers(paths)) == widths(data.read_headers(paths)) == EXPECTED
    assert not cache.exists()


def test_few_files_are_not_kept(paths, tmp_path, monkeypatch):
    monkeypatch.setenv("LHRCNN_CACHE", str(tmp_path / "cache"))
    data.read_headers(paths)
    assert not (tmp_path / "cache").exists()
