"""The cache of data sets: what comes back is what was read, or nothing; never what was read of other files."""
import multiprocessing
import os
import stat

import pytest
from light_head_rcnn import data
from light_head_rcnn.data.cache import cache_folder, set_cache
from light_head_rcnn.data.cache.cache_folder import VARIABLE
from light_head_rcnn.data.cache.set_cache import CacheEntry, ReadSet
from light_head_rcnn.data.record import Annotation, make_record

REST = {"classes": ["cat", "dog"], "counts": {"box_outside": 3}, "examples": {"box_outside": ["bär", "\udcff"]}}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder of a data set that was written a while ago, and a cache that keeps sets however fast they are read."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(set_cache, "LEAST_SECONDS", 0)
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("a.jpg", "labels.json"):
        (folder / name).write_bytes(b"1234")
        os.utime(folder / name, (1000, 1000))
    return folder


def read_set(root, count=1):
    return ReadSet([make_record(number, str(root / "a.jpg"), 60, 40, [Annotation((1, 2, 30, 39), 1)])
                    for number in range(count)], REST)


def entry_of(root, **question):
    return CacheEntry([str(root)], {"image_set": "train", **question})


def store(root, **question):
    entry_of(root, **question).store(read_set(root))


def entries(tmp_path):
    return sorted((tmp_path / "cache").rglob("*.npz"))


def test_a_set_comes_back(root):
    assert entry_of(root).load() is None
    store(root)
    found = entry_of(root).load()
    assert found.rest == REST
    assert [(r.image_id, r.path, r.width, r.boxes.tolist()) for r in found.records] == [
        (0, str(root / "a.jpg"), 60, [[1, 2, 30, 39]])]


def test_another_question_has_another_answer(root):
    store(root)
    assert entry_of(root, classes=["cat"]).load() is None
    store(root, classes=["cat"])
    assert entry_of(root).load() and entry_of(root, classes=["cat"]).load()


def test_changed_files_are_read_anew_and_replace_the_entry(root, tmp_path):
    store(root)
    os.utime(root / "labels.json", (1000, 2000))
    assert entry_of(root).load() is None
    store(root)
    assert entry_of(root).load() and len(entries(tmp_path)) == 1


def test_another_version_of_the_package_reads_anew(root, monkeypatch):
    store(root)
    monkeypatch.setattr(set_cache, "_program", lambda: [set_cache._FORMAT + 1, "", ""])
    assert entry_of(root).load() is None


def test_all_modules_that_read_data_sets_are_watched(monkeypatch):
    watched = []
    monkeypatch.setattr(set_cache, "folder_state", lambda roots: watched.extend(roots))
    set_cache._program()
    assert watched == [os.path.dirname(data.__file__)]


def test_relative_paths_belong_to_a_working_folder(root, tmp_path, monkeypatch):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "set").symlink_to(root)
    monkeypatch.chdir(tmp_path / "here")
    CacheEntry(["set"], {}).store(ReadSet([make_record(0, "set/a.jpg", 60, 40, [])], {}))
    assert CacheEntry(["set"], {}).load().records[0].path == "set/a.jpg"
    monkeypatch.chdir(tmp_path / "there")
    assert CacheEntry(["set"], {}).load() is None


def test_images_outside_the_folders_that_are_watched_are_not_kept(root, tmp_path):
    (tmp_path / "set2").mkdir()
    (tmp_path / "set2/a.jpg").write_bytes(b"1")
    CacheEntry([str(root)], {}).store(read_set(tmp_path / "set2"))
    assert not entries(tmp_path)
    CacheEntry([str(root / "labels.json"), str(tmp_path / "set2")], {})
    os.utime(tmp_path / "set2/a.jpg", (1000, 1000))
    CacheEntry([str(root / "labels.json"), str(tmp_path / "set2")], {}).store(read_set(tmp_path / "set2"))
    assert len(entries(tmp_path)) == 1


def test_images_in_hidden_folders_are_not_kept(root, tmp_path):
    (root / ".thumbs").mkdir()
    entry_of(root).store(read_set(root / ".thumbs"))
    assert not entries(tmp_path)
    entry = CacheEntry([str(root / ".thumbs")], {})  # the one that was asked for
    entry.store(read_set(root / ".thumbs"))
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize("newest, now, kept", [
    (1000.0, 1000.5, False), (1000.0, 1001.9, False), (1000.0, 1002.1, True),  # a clock of whole seconds
    (1000.5, 1000.51, False), (1000.5, 1000.7, True),
    (1000.0, 1.0, True), (1000.5, 1000.49, False)])  # in the future
def test_files_that_were_changed_a_moment_ago_are_not_kept(root, tmp_path, monkeypatch, newest, now, kept):
    os.utime(root / "a.jpg", (newest, newest))
    os.utime(root / "labels.json", (5, 5))
    monkeypatch.setattr(set_cache.time, "time", lambda: now)
    store(root)
    assert bool(entries(tmp_path)) == kept


def test_what_is_read_at_once_is_not_kept(root, tmp_path, monkeypatch):
    monkeypatch.setattr(set_cache, "LEAST_SECONDS", 60)
    store(root)
    assert not entries(tmp_path)


def test_no_cache(root, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "off")
    store(root)
    assert entry_of(root).load() is None and not (tmp_path / "cache").exists()


def cut_off(file):
    file.write_bytes(file.read_bytes()[:-100])


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    # The first number of the boxes: NumPy's header of an array ends in a line end and is 128 bytes long.
    at = content.index(b"boxes.npy") + len(b"boxes.npy")
    at = content.index(b"\n", at) + 1
    content[at] ^= 1
    file.write_bytes(bytes(content))


def empty(file):
    file.write_bytes(b"")


def foreign(file):
    file.write_bytes(b"\x80\x04K\x01.")  # a pickle


def replace_by_folder(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [cut_off, flip_a_bit, empty, foreign, replace_by_folder])
def test_damaged_entries_are_as_if_they_were_not_there(root, tmp_path, damage):
    store(root)
    damage(entries(tmp_path)[0])
    assert entry_of(root).load() is None
    store(root)  # replaces it, or leaves it where it cannot be replaced


def test_a_cache_that_cannot_be_written_to_is_no_fault(root, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    store(root)
    assert entry_of(root).load() is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the permissions of folders do not bind this user")
def test_a_read_only_cache_is_no_fault(root, tmp_path):
    (tmp_path / "cache").mkdir()
    os.chmod(tmp_path / "cache", stat.S_IRUSR | stat.S_IXUSR)
    store(root)
    assert entry_of(root).load() is None
    os.chmod(tmp_path / "cache", stat.S_IRWXU)


def test_what_the_format_does_not_hold_is_not_kept(root, tmp_path):
    entry_of(root).store(ReadSet([make_record(1.5, str(root / "a.jpg"), 60, 40, [])], {}))
    entry_of(root).store(ReadSet(read_set(root).records, {"of no kind": object()}))
    assert not entries(tmp_path)


def test_old_entries_make_room(root, tmp_path, monkeypatch):
    for number in range(4):
        store(root, number=number)
        os.utime(max(entries(tmp_path), key=lambda file: file.stat().st_mtime), (number, 1000 + number))
    assert entry_of(root, number=0).load()  # now it was used last
    size = entries(tmp_path)[0].stat().st_size
    foreign = tmp_path / "cache" / set_cache.FOLDER / "thesis.npz"
    foreign.write_bytes(b"old")
    os.utime(foreign, (1, 1))
    monkeypatch.setattr(cache_folder, "MAX_BYTES", 3 * size + size // 2)
    store(root, number=4)
    assert foreign.exists()
    assert [bool(entry_of(root, number=number).load()) for number in range(5)] == [True, False, False, True, True]


def _store_often(root, start):
    start.wait(30)
    for _ in range(20):
        entry = entry_of(root)
        found = entry.load()
        assert found is None or len(found.records) == 300
        entry.store(read_set(root, 300))


def test_processes_that_read_and_write_at_once(root, tmp_path):
    context = multiprocessing.get_context("fork")
    start = context.Event()
    processes = [context.Process(target=_store_often, args=(root, start)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(entry_of(root).load().records) == 300
    assert [file.suffix for file in (tmp_path / "cache" / set_cache.FOLDER).iterdir()] == [".npz"]
