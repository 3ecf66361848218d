"""Files of equal content are found, and files that only look alike are not."""
from light_head_rcnn.data.equal_files import groups_of_equal_files


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
