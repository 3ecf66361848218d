"""Files of arrays that do not fit the disk: MXNet notices only some of them."""
import errno
import resource

import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints.arrays import save_arrays, saved_size, write_arrays
from light_head_rcnn.errors import StorageError


@pytest.fixture
def limit():
    """Function that bounds the size of files; the bound is lifted after the test."""
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, earlier[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, earlier)


@pytest.mark.parametrize("arrays", [
    {"a": mx.nd.ones(1)}, {"arg:ä": mx.nd.ones((2, 3), dtype="float16"), "aux:b": mx.nd.ones((4, 1, 1), dtype="int8")},
    {"c" * 300: mx.nd.ones((2, 1, 3, 1), dtype="float64"), "d": mx.nd.ones(9, dtype="int32")}])
def test_the_size_is_that_of_mxnets_file(tmp_path, arrays):
    save_arrays(str(tmp_path / "a"), arrays)
    assert (tmp_path / "a").stat().st_size == saved_size(arrays)
    assert sorted(mx.nd.load(str(tmp_path / "a"))) == sorted(arrays)


@pytest.mark.parametrize("missing", [1, 300, 5000, 900000])
def test_a_file_that_is_cut_short_is_noticed(tmp_path, limit, missing):
    arrays = {"a": mx.nd.ones(250000), "b": mx.nd.ones(500)}
    write_arrays(str(tmp_path / "a"), {"a": mx.nd.zeros(1)})
    limit(saved_size(arrays) - missing)
    with pytest.raises(StorageError, match="a cannot be written .File too large.: raise the limit"):
        write_arrays(str(tmp_path / "a"), arrays)
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and mx.nd.load(str(tmp_path / "a"))["a"].size == 1


def test_a_file_that_mxnet_cut_short_and_that_fits_now_is_not_taken_for_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(mx.nd, "save", lambda path, arrays: open(path, "wb").close())
    with pytest.raises(OSError) as caught:
        save_arrays(str(tmp_path / "a"), {"a": mx.nd.ones(3)})
    assert caught.value.errno == errno.ENOSPC


def test_other_errors_of_mxnet_stay_as_they_are(tmp_path, monkeypatch):
    def fail(path, arrays):
        raise mx.MXNetError("an earlier operator failed")

    monkeypatch.setattr(mx.nd, "save", fail)
    with pytest.raises(mx.MXNetError, match="an earlier operator failed"):
        save_arrays(str(tmp_path / "a"), {"a": mx.nd.ones(3)})
    with pytest.raises(FileNotFoundError):
        save_arrays(str(tmp_path / "nowhere" / "a"), {"a": mx.nd.ones(3)})
