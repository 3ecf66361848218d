"""Files of equal content are found, and files that only look alike are not."""
import os

from light_head_rcnn.data.files.equal_files import groups_of_equal_files, real_paths


def write(folder, **contents):
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in contents]


def test_equal_files_are_grouped(tmp_path):
    a, b, c, d, e = write(tmp_path, a=b"one", b=b"two", c=b"one", d=b"two", e=b"other")
    assert groups_of_equal_files([d, a, b, c, e, a]) == [[d, b], [a, c]]


def test_files_that_differ_only_in_their_middle_are_different(tmp_path):
    long = bytes(20000)
    paths = write(tmp_path, a=long, b=long[:10000] + b"x" + long[10001:])
    assert groups_of_equal_files(paths) == []


def test_a_file_that_cannot_be_read_is_equal_to_none(tmp_path):
    a, b = write(tmp_path, a=b"one", b=b"one")
    assert groups_of_equal_files([a, str(tmp_path / "gone"), b, str(tmp_path / "gone too")]) == [[a, b]]


def test_real_paths_are_those_of_the_operating_system(tmp_path):
    a, _ = write(tmp_path, a=b"one", b=b"two")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link to a").symlink_to("a")
    (tmp_path / "link to folder").symlink_to("folder")
    (tmp_path / "folder" / "inside").symlink_to("../link to a")
    write(tmp_path / "folder", c=b"three")
    paths = [a, *(str(tmp_path / name) for name in (
        "link to a", "link to folder/c", "link to folder/inside", "link to folder/../a", "gone", "folder/.."))]
    assert real_paths(paths) == [os.path.realpath(path) for path in paths]
