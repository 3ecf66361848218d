"""Images in shards: what their paths say, reading by place alone, and what is said of damage."""
import os
import threading

import numpy as np
import pytest

from light_head_rcnn.data.files.image_bytes import image_file_size, open_image_file
from light_head_rcnn.data.files.packed_images import (
    name_in_shard, pack_content, packed_path, packed_place, read_packed)
from light_head_rcnn.errors import DataError

LABELS = np.array([4, 5, 1, 1], np.float32)
CONTENT = bytes(range(256)) * 5


@pytest.fixture
def shard(tmp_path):
    """A shard with three images, and their paths."""
    stored = [pack_content(CONTENT[number:], LABELS, number) for number in range(3)]
    file = tmp_path / "train-00000.rec"
    file.write_bytes(b"".join(stored))
    starts = np.cumsum([0, *map(len, stored)])
    return file, [packed_path(str(file), start, len(one), f"folder/{number}.jpg")
                  for number, (start, one) in enumerate(zip(starts, stored))]


def read(path):
    return read_packed(path, packed_place(path))


def test_images_are_read_by_their_paths(shard):
    _, paths = shard
    assert [read(path) for path in paths] == [CONTENT[number:] for number in range(3)]
    assert name_in_shard(paths[1]) == "folder/1.jpg" and os.path.basename(paths[1]) == "1.jpg"
    assert image_file_size(paths[2]) == len(CONTENT) - 2
    with open_image_file(paths[0]) as file:
        assert file.read() == CONTENT


def test_other_paths_are_those_of_files(tmp_path):
    folder = tmp_path / "x.rec" / "12+34"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a file")
    path = str(folder / "a.jpg")
    assert packed_place(path) is None and name_in_shard(path) is None
    with open_image_file(path) as file:
        assert file.read() == b"a file"
    assert packed_place("a.rec/1+2") is None and packed_place("a.rec/-1+2/b") is None
    assert packed_place("photos/a.jpg") is None


def test_threads_read_at_once(shard):
    _, paths = shard
    wrong = []

    def look(seed):
        rng = np.random.RandomState(seed)
        for number in rng.randint(0, 3, 200):
            if read(paths[number]) != CONTENT[number:]:
                wrong.append(number)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_changed_bit_is_noticed(shard):
    file, paths = shard
    stored = bytearray(file.read_bytes())
    place = packed_place(paths[1])
    # The number of the image and its labels, from byte 16 and 32 on, are for other programs.
    for position in [0, 5, 8, 24, 48, 700, place.length - 8]:
        changed = bytearray(stored)
        changed[place.offset + position] ^= 4
        file.write_bytes(changed)
        with pytest.raises(DataError, match="1.jpg: not a readable image .its record is damaged") as caught:
            read(paths[1])
        assert caught.value.kind == "image_unreadable"
        assert read(paths[2]) == CONTENT[2:]


@pytest.mark.parametrize("place", ["0+8", "4+1300", f"{10 ** 17}+40", f"0+{10 ** 17}", "9999+50"])
def test_places_that_are_none(shard, place):
    file, _ = shard
    with pytest.raises(DataError, match="not a readable image"):
        read(f"{file}/{place}/a.jpg")


def test_a_shard_that_is_cut_off_or_gone(shard):
    file, paths = shard
    os.truncate(file, os.path.getsize(file) - 4)
    with pytest.raises(DataError, match="and no record of"):
        read(paths[2])
    assert read(paths[0]) == CONTENT
    file.unlink()
    with pytest.raises(DataError, match="there is no file of records") as caught:
        read(paths[0])
    assert caught.value.kind == "image_missing"


def test_a_shard_that_was_replaced_is_opened_anew(shard, tmp_path):
    file, paths = shard
    assert read(paths[0]) == CONTENT
    other = tmp_path / "new"
    other.write_bytes(pack_content(CONTENT[::-1], LABELS, 0) + bytes(3000))
    os.replace(other, file)
    assert read(paths[0]) == CONTENT[::-1]


def test_places_beyond_four_gigabytes(tmp_path):
    file = tmp_path / "large-00000.rec"
    offset = 5 * 2 ** 30
    stored = pack_content(CONTENT, LABELS, 0)
    with open(file, "wb") as sparse:  # takes no room for what is not written
        sparse.seek(offset)
        sparse.write(stored)
    assert read(packed_path(str(file), offset, len(stored), "a.jpg")) == CONTENT
