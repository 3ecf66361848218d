"""The fingerprint of a folder: it changes with whatever a data set could be read from, and with nothing else."""
import os
import time

import pytest
from light_head_rcnn.data.files import folder_state as module
from light_head_rcnn.data.files.folder_state import folder_state


@pytest.fixture
def folder(tmp_path):
    for name in ("b.txt", "a.jpg", "sub/deep/c.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b"1234")
    return tmp_path / "set"


def change_content(folder):
    (folder / "sub/deep/c.png").write_bytes(b"12345")


def change_time(folder):
    os.utime(folder / "a.jpg", ns=(0, 1))


def rename(folder):
    (folder / "a.jpg").rename(folder / "a.JPG")


def add(folder):
    (folder / "sub/new.jpg").write_bytes(b"")


def add_empty_folder(folder):
    (folder / "sub/new").mkdir()


def remove(folder):
    (folder / "b.txt").unlink()


def move(folder):
    (folder / "a.jpg").rename(folder / "sub/a.jpg")


def change_behind_link(folder):
    os.utime(folder / "link/elsewhere.jpg", ns=(0, 1))


def break_link(folder):
    (folder / "link").resolve().rename(folder.parent / "gone")


@pytest.mark.parametrize("change", [change_content, change_time, rename, add, add_empty_folder, remove, move,
                                    change_behind_link, break_link])
def test_every_change_is_seen(folder, change):
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "elsewhere.jpg").write_bytes(b"1")
    (folder / "link").symlink_to(outside)
    before = folder_state([str(folder)])
    assert folder_state([str(folder)]) == before
    change(folder)
    assert folder_state([str(folder)]).digest != before.digest


def test_newest_time(folder):
    for file in folder.rglob("*.*"):
        os.utime(file, (50, 100))
    os.utime(folder / "sub/deep/c.png", (50, 200))
    assert folder_state([str(folder)]).newest == 200
    assert folder_state([str(folder / "b.txt")]).newest == 100


def test_roots_that_are_files_and_roots_that_are_missing(folder):
    file = str(folder / "b.txt")
    before = folder_state([file]), folder_state([str(folder), str(folder.parent / "none")])
    assert before[0] != folder_state([str(folder / "a.jpg")])
    os.utime(file, ns=(0, 1))
    (folder.parent / "none").mkdir()
    after = folder_state([file]), folder_state([str(folder), str(folder.parent / "none")])
    assert before[0] != after[0] and before[1] != after[1]


def test_links_that_lead_in_a_circle_and_names_that_are_not_unicode(folder):
    (folder / "sub/up").symlink_to(folder)
    (folder / "nowhere").symlink_to(folder / "missing")
    open(os.fsencode(folder) + b"/\xff.jpg", "wb").close()
    assert folder_state([str(folder)]) == folder_state([str(folder)])


def test_the_folder_of_the_cache_does_not_count(folder):
    cache = folder / "sub/cache"
    cache.mkdir()
    before = folder_state([str(folder)], leave_out=str(cache))
    (cache / "entry").write_bytes(b"1")
    assert folder_state([str(folder)], leave_out=str(cache)) == before
    assert folder_state([str(folder)]) != before


def test_hidden_files_do_not_count(folder):
    before = folder_state([str(folder)])
    (folder / ".DS_Store").write_bytes(b"1")
    (folder / "sub/.ipynb_checkpoints").mkdir()
    assert folder_state([str(folder)]) == before


def test_too_many_files_have_no_state(folder, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 3)
    assert folder_state([str(folder)]) is None


def test_newest_is_now_for_a_file_that_was_just_written(folder):
    assert abs(folder_state([str(folder)]).newest - time.time()) < 60
