"""Regular files alone are read, whatever a name leads to."""
import os
import socket

import pytest

from light_head_rcnn.data.files.opening import open_regular, read_regular


def test_a_file_is_read_as_far_as_asked(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    os.symlink(tmp_path / "a", tmp_path / "link")
    assert read_regular(tmp_path / "link") == b"12345" and read_regular(tmp_path / "a", 2) == b"12"
    with open_regular(tmp_path / "a") as file:
        assert file.read() == b"12345"


def test_pipes_devices_sockets_and_folders_are_none(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.symlink("/dev/zero", tmp_path / "zero")
    sock = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(tmp_path)  # the paths of sockets are short
    try:
        sock.bind("sock")
    finally:
        os.chdir(here)
    for name, error in (("pipe", "no regular file"), ("zero", "no regular file"), ("sock", ""), ("", "directory"),
                        ("none", "No such file"), ("nul\0", "null"), ("a" * 5000, "too long")):
        with pytest.raises(OSError, match=error):
            read_regular(f"{tmp_path}/{name}")
    sock.close()


def test_files_of_the_system_without_a_size_are_empty():
    assert read_regular("/proc/self/status") == b""
