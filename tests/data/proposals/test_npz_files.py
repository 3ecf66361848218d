"""Archives of arrays: the package's own, arrays by image, and what must not be loaded."""
import io
import pickle
import zipfile

import numpy as np
import pytest

from light_head_rcnn.data.proposals import describe_npz, entry, read_proposals, write_proposals
from light_head_rcnn.errors import DataError

BOXES = [np.float32([[1, 2, 30, 40], [5, 6, 7, 8]]), np.zeros((0, 4), np.float32), np.float32([[0, 0, 9, 9]])]
NAMES = ["train/a.jpg", "b.jpg", "ü c.jpg"]


def write(file, scores=None):
    write_proposals(str(file), NAMES, [(100, 80), (50, 60), (10, 10)], [2, 0, 1], BOXES, scores, "edge_boxes",
                    '{"a": 1}')
    return file


@pytest.mark.parametrize("scores", [None, [np.float32([0.5, 0.25]), np.zeros(0), np.float32([0.75])]])
def test_what_is_written_is_read(tmp_path, scores):
    file = write(tmp_path / "boxes.npz", scores)
    entries = list(read_proposals(file))
    assert [one.name for one in entries] == NAMES
    assert [one.size for one in entries] == [(100, 80), (50, 60), (10, 10)]
    for number, one in enumerate(entries):
        np.testing.assert_array_equal(one.boxes, BOXES[number])
        if scores is None:
            assert one.scores is None
        else:
            np.testing.assert_array_equal(one.scores, scores[number])
    about = describe_npz(str(file))
    assert about.images == tuple(NAMES) and (about.method, about.settings) == ("edge_boxes", '{"a": 1}')
    assert about.counts.tolist() == [2, 0, 1]
    with np.load(file, allow_pickle=False) as archive:  # any program can read it
        assert archive["boxes"].dtype == np.float32 and archive["boxes"].shape == (3, 4)
        assert archive["images"].tolist() == NAMES and ("scores" in archive) == (scores is not None)


def test_no_images(tmp_path):
    file = tmp_path / "none.npz"
    write_proposals(str(file), [], [], [], [], None, "x")
    assert list(read_proposals(file)) == []


def test_the_rows_must_be_as_many_as_were_announced(tmp_path):
    with pytest.raises(ValueError, match="3 rows of boxes were given, 4 were announced"):
        write_proposals(str(tmp_path / "a.npz"), ["a"], [(5, 5)], [4], BOXES, None, "x")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_by_image(tmp_path, save):
    arrays = {"train/a.jpg": np.array([[1, 2, 3, 4]], np.uint16), "b": np.asfortranarray(np.arange(20.0).reshape(4, 5)),
              "c": np.zeros((0, 4))}
    save(tmp_path / "boxes.npz", **arrays)
    found = {one.name: one for one in read_proposals(tmp_path / "boxes.npz")}
    assert list(found) == list(arrays) and found["c"].boxes.shape == (0, 4) and found["c"].scores is None
    np.testing.assert_array_equal(found["train/a.jpg"].boxes, [[1, 2, 3, 4]])
    np.testing.assert_array_equal(found["b"].boxes, arrays["b"][:, :4])
    np.testing.assert_array_equal(found["b"].scores, arrays["b"][:, 4])


class Evil:
    """What a pickle does when it is loaded."""

    def __reduce__(self):
        return pytest.fail, ("the pickle was loaded",)


@pytest.mark.parametrize("name", ["a.jpg", "images"])
def test_pickles_are_never_loaded(tmp_path, name):
    arrays = {"images": np.array(["a"]), "counts": np.array([1]), "boxes": np.zeros((1, 4))} if name == "images" else {}
    arrays[name] = np.array([Evil()], object)
    with zipfile.ZipFile(tmp_path / "boxes.npz", "w") as archive:
        for key, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array)
            archive.writestr(key + ".npy", stream.getvalue())
    with pytest.raises(DataError, match=f"'{name}' is an array of Python objects, which could run code"):
        list(read_proposals(tmp_path / "boxes.npz"))
    for protocol in range(5):
        (tmp_path / "boxes.pkl").write_bytes(pickle.dumps({"a": [Evil()]}, protocol))
        with pytest.raises(DataError, match="boxes.pkl"):
            list(read_proposals(tmp_path / "boxes.pkl"))


@pytest.mark.parametrize("change, message", [
    (dict(counts=np.array([3, 0, 1])), r"add up to 4 boxes, but the array boxes has the shape \(3, 4\)"),
    (dict(counts=np.array([2, -1, 2])), "add up to 3 boxes"), (dict(counts=np.array([2.0, 0, 1])), "an entry for each"),
    (dict(counts=np.array([3])), "an entry for each image"), (dict(images=np.zeros((3, 2))), "an entry for each image"),
    (dict(frame_sizes=np.zeros((2, 2), int)), "an entry for each image"),
    (dict(boxes=np.zeros((3, 5))), r"shape \(3, 5\)"), (dict(scores=np.zeros(2)), r"scores \(2,\)"),
    (dict(boxes=np.array([["x"] * 4] * 3)), "must be numbers"), (dict(boxes=np.zeros((3, 4), np.complex64)), "numbers"),
    (dict(boxes=np.asfortranarray(np.zeros((3, 4)))), "columns of 'boxes' lie one after another"),
    (dict(counts=np.array([2**62, 2**62, 2**62])), "add up to 13835058055282163712 boxes"),
])
def test_arrays_that_do_not_belong_together(tmp_path, change, message):
    arrays = {"images": np.array(NAMES), "counts": np.array([2, 0, 1]), "boxes": np.concatenate(BOXES)}
    np.savez(tmp_path / "boxes.npz", **{**arrays, **change})
    with pytest.raises(DataError, match=message):
        list(read_proposals(tmp_path / "boxes.npz"))


def test_too_many_boxes_of_an_image_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(entry, "MOST_BOXES", 3)
    np.savez(tmp_path / "a.npz", a=np.zeros((4, 4)))
    write_proposals(str(tmp_path / "b.npz"), ["a"], [(9, 9)], [4], [np.zeros((4, 4))], None, "x")
    for name in ("a.npz", "b.npz"):
        with pytest.raises(DataError, match="image 'a': 4 boxes; more than 3 for one image"):
            list(read_proposals(tmp_path / name))


def test_an_announced_size_that_no_memory_has(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 20, 1 << 40)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue() + b"\0" * 100)
    with pytest.raises(DataError, match="a.npz"):
        list(read_proposals(tmp_path / "a.npz"))


def test_damage(tmp_path):
    content = write(tmp_path / "whole.npz").read_bytes()
    rng = np.random.RandomState(0)
    for trial in range(60):
        broken = bytearray(content)
        if trial < 20:
            broken = broken[:rng.randint(4, len(content))]
        else:
            for place in rng.randint(4, len(content), 3):
                broken[place] ^= 1 << rng.randint(8)
        (tmp_path / "broken.npz").write_bytes(bytes(broken))
        for read in (lambda file: list(read_proposals(file)), lambda file: describe_npz(str(file))):
            try:
                read(tmp_path / "broken.npz")
            except DataError as error:
                assert "broken.npz" in str(error)


def test_other_archives_say_nothing_of_themselves(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros((1, 4)))
    with pytest.raises(DataError, match="a.npz: this is no file of lhrcnn proposals"):
        describe_npz(str(tmp_path / "a.npz"))
