"""What lies in a folder, and folders that cannot be listed."""
import os

import pytest
from light_head_rcnn.data.files.file_names import ImageIndex, files_under
from light_head_rcnn.data.files.listing import is_file, is_folder, list_folder
from light_head_rcnn.errors import DataError


def test_entries_are_sorted_and_hidden_ones_passed_over(tmp_path):
    for name in ("b", "a", ".c"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path)
    listing = list_folder(str(tmp_path))
    assert [entry.name for entry in listing.entries] == ["a", "b", "link"]
    assert list_folder(str(tmp_path / "link")).identity == listing.identity


def test_what_is_no_folder_has_no_listing(tmp_path):
    (tmp_path / "file").touch()
    assert list_folder(str(tmp_path / "file")) is None and list_folder(str(tmp_path / "nowhere")) is None


def test_links_that_lead_nowhere_are_neither_files_nor_folders(tmp_path):
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "nothing").symlink_to(tmp_path / "nowhere")
    for entry in list_folder(str(tmp_path)).entries:
        assert not is_folder(entry) and not is_file(entry)


def test_a_link_to_what_cannot_be_looked_at_is_named():
    class Entry:
        path = "data/link"

        def is_dir(self):
            raise PermissionError(13, "Permission denied")
        is_file = is_dir

    with pytest.raises(DataError, match="data/link: .*Permission denied"):
        is_folder(Entry())
    assert is_file(Entry())  # reading it tells why


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, forbid):
    (tmp_path / "a" / "b").mkdir(parents=True)
    forbid(tmp_path / "a" / "b")
    for look in (list_folder, lambda folder: list(files_under(os.path.dirname(folder))),
                 ImageIndex([str(tmp_path)]).find):
        with pytest.raises(DataError, match=r"a.b: the folder cannot be listed \(Permission denied\)"):
            look(str(tmp_path / "a" / "b"))
