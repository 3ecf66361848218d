"""A folder is complete or not there."""
import errno
import os
import stat

import pytest
from light_head_rcnn.data.writers.new_folder import new_folder
from light_head_rcnn.errors import UsageError


def test_a_folder_appears_when_it_is_complete(tmp_path):
    with new_folder(str(tmp_path / "a" / "b")) as temporary:
        (tmp_path / "x").mkdir()
        assert not (tmp_path / "a" / "b").exists()
        with open(os.path.join(temporary, "file"), "w"):
            pass
    assert os.listdir(tmp_path / "a") == ["b"] and os.listdir(tmp_path / "a" / "b") == ["file"]
    # It may be read by others, as a folder that is made by hand.
    assert stat.S_IMODE(os.stat(tmp_path / "a" / "b").st_mode) == stat.S_IMODE(os.stat(tmp_path / "x").st_mode)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_stays_of_a_folder_that_was_not_completed(tmp_path, error):
    with pytest.raises(error):
        with new_folder(str(tmp_path / "b")) as temporary:
            with open(os.path.join(temporary, "file"), "w"):
                pass
            raise error
    assert os.listdir(tmp_path) == []


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "b").mkdir()
    with new_folder(str(tmp_path / "b") + "/") as temporary:
        os.mkdir(os.path.join(temporary, "inside"))
    assert os.listdir(tmp_path) == ["b"] and os.listdir(tmp_path / "b") == ["inside"]


def test_a_link_to_an_empty_folder_stays_one(tmp_path):
    (tmp_path / "big").mkdir()
    (tmp_path / "out").symlink_to("big")
    with new_folder(str(tmp_path / "out")) as temporary:
        os.mkdir(os.path.join(temporary, "inside"))
    assert (tmp_path / "out").is_symlink() and os.listdir(tmp_path / "big") == ["inside"]


def test_a_folder_that_no_other_can_replace_is_filled(tmp_path, monkeypatch):
    def replace(source, target):
        raise OSError(errno.EBUSY, "it is where a disk is mounted", source, target)

    monkeypatch.setattr(os, "replace", replace)
    (tmp_path / "b").mkdir()
    with new_folder(str(tmp_path / "b")) as temporary:
        for name in ("one", "two"):
            os.mkdir(os.path.join(temporary, name))
    assert sorted(os.listdir(tmp_path / "b")) == ["one", "two"]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_that_is_filled_meanwhile_stays_as_it_is(tmp_path, is_there):
    if is_there:
        (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match="is not empty"):
        with new_folder(str(tmp_path / "b")) as temporary:
            os.mkdir(os.path.join(temporary, "inside"))
            (tmp_path / "b" / "other").mkdir(parents=True)
    assert os.listdir(tmp_path) == ["b"] and os.listdir(tmp_path / "b") == ["other"]


def test_a_folder_with_files_and_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is not empty"):
        with new_folder(str(tmp_path)):
            pass
    with pytest.raises(UsageError, match="file is a file"):
        with new_folder(str(tmp_path / "file")):
            pass
    assert os.listdir(tmp_path) == ["file"]
