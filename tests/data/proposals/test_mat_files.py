"""The .mat files of the authors' Fast R-CNN, written by SciPy as MATLAB writes them."""
import numpy as np
import pytest

from light_head_rcnn.data.proposals import load_proposals, read_proposals
from light_head_rcnn.errors import DataError

io = pytest.importorskip("scipy.io", reason="SciPy writes the files of these tests")


def cells(*values):
    """A cell array of one column, as MATLAB has them."""
    array = np.empty((len(values), 1), object)
    array[:, 0] = values
    return array


def write(tmp_path, **content):
    io.savemat(tmp_path / "boxes.mat", content)
    return tmp_path / "boxes.mat"


@pytest.mark.parametrize("dtype", [np.float64, np.uint16, np.int32])
@pytest.mark.parametrize("turn", [False, True])
def test_the_layout_of_the_original(tmp_path, dtype, turn):
    boxes = cells(np.array([[2, 11, 32, 51], [1, 1, 80, 100]], dtype), np.zeros((0, 4), dtype))
    images = cells("dog", "cat.v2")
    file = write(tmp_path, boxes=boxes.T if turn else boxes, images=images.T if turn else images)
    dog, cat = read_proposals(file)
    assert (dog.name, cat.name) == ("dog", "cat.v2") and dog.scores is None
    np.testing.assert_array_equal(dog.boxes, [[10, 1, 50, 31], [0, 0, 99, 79]])  # x1, y1, x2, y2 from 0
    assert cat.boxes.shape == (0, 4)


def test_they_are_found_by_their_stems(tmp_path, records):
    file = write(tmp_path, boxes=cells([[2, 11, 32, 51]], [[1, 1, 80, 100]]), images=cells("dog", "cat.v2"))
    found = load_proposals(file, records)
    np.testing.assert_array_equal(found.of(records[2]), [[10, 1, 50, 31]])
    np.testing.assert_array_equal(found.of(records[3]), [[0, 0, 99, 79]])


def test_scores_put_the_best_first(tmp_path, records):
    file = write(tmp_path, boxes=cells([[1, 1, 5, 5], [2, 2, 6, 6]]), images=cells("dog"), scores=cells([[0.1], [0.9]]))
    np.testing.assert_array_equal(load_proposals(file, records).of(records[2])[0], [1, 1, 5, 5])


@pytest.mark.parametrize("content, message", [
    (dict(boxes=np.zeros((3, 4)), images=cells("a")), "`boxes` is no cell array"),
    (dict(boxes=cells([[1, 2, 3, 4]])), "there is no `images` in it"), (dict(images=cells("a")), "there is no `boxes`"),
    (dict(boxes=cells([[1, 2, 3, 4]], [[1, 2, 3, 4]]), images=cells("a")), "2 cells of boxes and 1 of images"),
    (dict(boxes=cells([[1, 2, 3]]), images=cells("a")), r"shape \(1, 3\)"),
    (dict(boxes=cells("abcd"), images=cells("a")), "must be numbers"),
    (dict(boxes=cells([[1, 2, 3, 4]]), images=cells(5.0)), "cells of `images` must be names"),
    (dict(boxes=cells([[1, 2, 3, 4]]), images=np.array(["a", "b"])), "`images` is no cell array"),
])
def test_other_layouts(tmp_path, content, message):
    with pytest.raises(DataError, match=f"boxes.mat.*{message}"):
        list(read_proposals(write(tmp_path, **content)))


def test_damage(tmp_path):
    content = write(tmp_path, boxes=cells([[1, 2, 3, 4]]), images=cells("a")).read_bytes()
    rng = np.random.RandomState(0)
    for end in [*rng.randint(20, len(content), 20), 128, 130]:
        (tmp_path / "broken.mat").write_bytes(content[:end])
        with pytest.raises(DataError, match="broken.mat"):
            list(read_proposals(tmp_path / "broken.mat"))


def test_compressed_files_and_those_of_other_machines_are_the_same(tmp_path):
    content = dict(boxes=cells([[2, 11, 32, 51]], np.zeros((0, 4))), images=cells("a", "b\u00e9"))
    io.savemat(tmp_path / "plain.mat", content)
    io.savemat(tmp_path / "packed.mat", content, do_compression=True)
    plain, packed = (list(read_proposals(tmp_path / name)) for name in ("plain.mat", "packed.mat"))
    assert [one.name for one in plain] == [one.name for one in packed] == ["a", "b\u00e9"]
    for one, other in zip(plain, packed):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_complex_numbers_and_tables_are_refused(tmp_path):
    for boxes in (cells([[1j, 2, 3, 4]]), cells({"a": 1})):
        with pytest.raises(DataError, match="boxes.mat"):
            list(read_proposals(write(tmp_path, boxes=boxes, images=cells("a"))))


def test_a_damaged_cell_of_which_scipys_reader_dies(tmp_path):
    """Each byte of a file set to several values: an error or boxes, and the process lives."""
    content = write(tmp_path, boxes=cells([[1, 2, 3, 4]]), images=cells("a")).read_bytes()
    for place in range(124, len(content)):
        for value in (0, 1, 15, 255):
            (tmp_path / "broken.mat").write_bytes(content[:place] + bytes([value]) + content[place + 1:])
            try:
                list(read_proposals(tmp_path / "broken.mat"))
            except DataError as error:
                assert "broken.mat" in str(error)
