"""Shapes, the data set that the package draws itself."""
import hashlib
import json
import os
import time

import numpy as np
import pytest
from light_head_rcnn import data
from light_head_rcnn.data import shapes
from light_head_rcnn.data.shapes import drawing, figures, writing


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "new" / "set"
    data.write_shapes(root, train=120, val=12, seed=3)
    return root


def digest(root):
    """Names and contents of all files."""
    total = hashlib.sha256()
    for folder, folders, files in os.walk(str(root)):
        folders.sort()
        for name in sorted(files):
            with open(os.path.join(folder, name), "rb") as file:
                total.update(name.encode() + file.read())
    return total.hexdigest()


def test_an_image_is_a_pure_function(written):
    for index in (5, 0, 7):  # in any order
        pixels, objects = shapes.draw_image(3, "train", index)
        record = data.load_dataset("shapes", written, "train").records[index]
        assert np.array_equal(pixels, data.read_image(record))
        assert [c for c, _, _ in objects] == record.classes.tolist()
        assert [list(box) for _, box, _ in objects] == record.boxes.tolist()


def test_seed_split_and_index_matter():
    images = [shapes.draw_image(*a)[0].tobytes() for a in ((0, "train", 0), (1, "train", 0), (0, "val", 0),
                                                           (0, "train", 1))]
    assert len(set(images)) == 4


def test_same_bytes_twice(tmp_path):
    for name in ("a", "b"):
        data.write_shapes(tmp_path / name, train=3, val=2, seed=1)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_what_the_set_holds(written):
    train, val = (data.load_dataset("shapes", written, s) for s in ("train", "val"))
    assert train.classes == data.SHAPES_CLASSES and (len(train), len(val)) == (120, 12)
    assert not {r.image_id for r in train.records} & {r.image_id for r in val.records}
    assert not any(r.crowd.any() or r.difficult.any() for r in train.records)
    assert {(r.height, r.width) for r in train.records} == set(shapes.IMAGE_SIZES)
    counts = np.bincount(np.concatenate([r.classes for r in train.records]), minlength=3)
    assert counts.min() > 0.6 * counts.mean()
    per_image = [len(r.boxes) for r in train.records]
    assert min(per_image) >= 1 and np.mean(per_image) > 3.5 and max(per_image) <= shapes.MAX_OBJECTS
    sides = np.concatenate([(r.boxes[:, 2:] - r.boxes[:, :2] + 1).max(axis=1) for r in train.records])
    assert sides.min() < 14 and sides.max() > 85 and sides.max() <= 97
    overlapping = 0
    for record in train.records:
        b = record.boxes
        low, high = np.maximum(b[:, None, :2], b[None, :, :2]), np.minimum(b[:, None, 2:], b[None, :, 2:])
        overlapping += (np.clip(high - low + 1, 0, None).prod(axis=2) > 0).sum() > len(b)
    assert overlapping > 30


@pytest.fixture
def ranked(monkeypatch):
    """Figures painted flat, figure k in the grey 20 k, on black: what is left of each can be counted."""
    rank = []

    def paint(rng, image, inside, rim, contrast):
        rank.append(20.0 * (len(rank) + 1))
        return np.where(inside[..., None] >= 0.5, rank[-1], image)

    def draw(index):
        rank.clear()
        pixels, objects = shapes.draw_image(1, "train", index)
        assert len(objects) == len(rank)
        return [pixels[..., 0] == grey for grey in rank], objects

    monkeypatch.setattr(drawing, "_draw_ground", lambda rng, height, width: np.zeros((height, width, 3)))
    monkeypatch.setattr(drawing, "paint_figure", paint)
    monkeypatch.setattr(drawing, "_draw_noise", lambda rng, shape: 0)
    return draw


def test_boxes_are_tight_and_areas_true(ranked):
    seen = set()
    for index in range(60):
        masks, objects = ranked(index)
        for mask, (_, (x1, y1, x2, y2), area) in zip(masks, objects):
            inside = np.zeros_like(mask)
            inside[y1:y2 + 1, x1:x2 + 1] = True
            assert not (mask & ~inside).any() and mask.sum() <= area
        class_id, box, area = objects[-1]  # nothing lies on the last one
        rows, columns = np.flatnonzero(masks[-1].any(axis=1)), np.flatnonzero(masks[-1].any(axis=0))
        assert (columns[0], rows[0], columns[-1], rows[-1]) == box and masks[-1].sum() == area
        seen.add(class_id)
    assert len(seen) == 3


def test_no_figure_is_hidden_by_too_much(ranked):
    shares = []
    for index in range(60):
        masks, objects = ranked(index)
        shares += [1 - mask.sum() / area for mask, (_, _, area) in zip(masks, objects)]
    assert max(shares) <= shapes.MAX_HIDDEN and (np.array(shares) > 0.1).sum() > 10


@pytest.mark.parametrize("name", shapes.HARD.classes)
def test_areas_agree_with_geometry(name):
    y, x = slice(0, 200), slice(0, 200)
    inside, rim, full = figures.figure_coverage(np.random.RandomState(1), name, (100.3, 99.6), 80.0, (y, x))
    assert abs(inside.sum() - full) < 0.005 * full  # pixels cut by the outline are covered in part
    assert 0 <= rim.min() and rim.max() <= 1
    reach = np.hypot(np.mgrid[y, x][1] + 0.5 - 100.3, np.mgrid[y, x][0] + 0.5 - 99.6)
    assert inside[reach > 81].max() == 0


@pytest.mark.parametrize("images, checksum", [
    ([(0, "train", 0), (0, "train", 17), (0, "val", 5)],
     "ad25b62fe92b7db3436fe61f0243f3ce01198a672bb27ca552c5ae0ed2c98eda"),
    ([(0, "val", index, style) for style in (shapes.EASY, shapes.HARD) for index in range(40)],
     "561ee30965bc138887864cc257db0b46ec634e9b20944815dfc8b6dba1c85043"),
])
def test_images_stay_what_they_were(images, checksum):
    """Results of trainings on Shapes can be compared only if its images never change."""
    total = hashlib.sha256()
    for arguments in images:
        pixels, objects = shapes.draw_image(*arguments)
        total.update(pixels.tobytes() + repr([(int(c), box, area) for c, box, area in objects]).encode())
    assert total.hexdigest() == checksum


def test_the_hard_set_has_many_small_dull_figures(tmp_path):
    data.write_shapes(tmp_path / "set", train=40, val=1, style=shapes.HARD)
    dataset = data.load_dataset("shapes_hard", tmp_path / "set", "train")
    assert dataset.classes == shapes.HARD.classes and len(dataset.classes) == 10
    assert set(np.concatenate([r.classes for r in dataset.records])) == set(range(10))
    sides = np.concatenate([(r.boxes[:, 2:] - r.boxes[:, :2] + 1).max(axis=1) for r in dataset.records])
    assert sides.max() <= 50

    def outstanding(style):
        """How far the colour in the middle of a figure is from that of its box's corners, on average."""
        found = []
        for index in range(40):
            pixels, objects = shapes.draw_image(0, "train", index, style)
            for class_id, (x1, y1, x2, y2), _ in objects:
                if style.classes[class_id] == "circle":
                    middle = pixels[(y1 + y2) // 2, (x1 + x2) // 2].astype(float)
                    found.append(np.abs(middle - pixels[[y1, y1, y2, y2], [x1, x2, x1, x2]].mean(axis=0)).mean())
        return np.mean(found)

    assert outstanding(shapes.HARD) < 0.75 * outstanding(shapes.EASY)


def test_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def fail(*arguments):
        if fail.countdown == 0:
            raise KeyboardInterrupt
        fail.countdown -= 1
        return draw(*arguments)

    draw, fail.countdown = writing.draw_image, 3
    monkeypatch.setattr(writing, "draw_image", fail)
    with pytest.raises(KeyboardInterrupt):
        data.write_shapes(tmp_path / "set", train=10, val=1)
    assert os.listdir(str(tmp_path)) == []


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "set").mkdir()
    data.write_shapes(tmp_path / "set", train=1, val=1)  # an empty folder is no loss
    before = digest(tmp_path)
    with pytest.raises(data.DataError, match="set exists already"):
        data.write_shapes(tmp_path / "set", train=2, val=1)
    data.ensure_shapes(tmp_path / "set")
    assert digest(tmp_path) == before
    (tmp_path / "file").write_text("")
    with pytest.raises(data.DataError, match="file exists already"):
        data.write_shapes(tmp_path / "file")


@pytest.mark.parametrize("seed", [0, 1])
def test_another_process_is_quicker(tmp_path, monkeypatch, seed):
    def write_before(*words):
        monkeypatch.setattr(writing, "_write_split", write_split)
        data.write_shapes(tmp_path / "set", train=2, val=1, seed=seed)
        return write_split(*words)

    write_split = writing._write_split
    monkeypatch.setattr(writing, "_write_split", write_before)
    if seed == 0:
        data.write_shapes(tmp_path / "set", train=2, val=1)  # its images are the same
    else:
        with pytest.raises(data.DataError, match="set exists already"):
            data.write_shapes(tmp_path / "set", train=2, val=1)
    assert os.listdir(tmp_path) == ["set"] and len(data.load_dataset("shapes", tmp_path / "set", "train")) == 2
    with open(tmp_path / "set" / "annotations" / "instances_val.json") as file:
        assert json.load(file)["info"]["seed"] == seed


@pytest.mark.parametrize("kind", ["link", "mount"])
def test_an_empty_folder_that_stays_what_it_is(tmp_path, monkeypatch, kind):
    (tmp_path / "big").mkdir()
    if kind == "link":
        (tmp_path / "set").symlink_to("big")
    else:
        (tmp_path / "big").rename(tmp_path / "set")
        monkeypatch.setattr(os.path, "ismount", lambda path: path == str(tmp_path / "set"))
    inode = os.stat(tmp_path / "set").st_ino
    data.write_shapes(tmp_path / "set", train=2, val=1)
    assert len(data.load_dataset("shapes", tmp_path / "set", "train+val")) == 3
    assert kind == "link" or os.stat(tmp_path / "set").st_ino == inode
    assert sorted(os.listdir(tmp_path)) == (["big", "set"] if kind == "link" else ["set"])


def test_first_use_writes_the_set(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes.write_shapes, "__defaults__", (2, 1, 0, shapes.EASY))
    dataset = data.load_dataset("shapes", tmp_path / "set", "train+val")
    assert len(dataset) == 3 and os.stat(str(tmp_path / "set")).st_mode & 0o777 == 0o755
    assert dataset.classes == data.SHAPES_CLASSES
    assert data.load_dataset("shapes_hard", tmp_path / "hard", "train").classes == shapes.HARD.classes
    with open(str(tmp_path / "set" / "annotations" / "instances_val.json")) as file:
        assert {"id", "image_id", "category_id", "bbox", "area", "iscrowd"} == set(json.load(file)["annotations"][0])
    stamp = os.stat(str(tmp_path / "set")).st_mtime_ns
    time.sleep(0.01)
    data.load_dataset("shapes", tmp_path / "set", "val")
    assert os.stat(str(tmp_path / "set")).st_mtime_ns == stamp
