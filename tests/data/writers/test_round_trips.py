"""What is written is read back as it was, and so it is after a way through several layouts."""
import os

import numpy as np
import pytest
from light_head_rcnn.data import load_dataset, read_image
from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.data.writers import write_dataset
from light_head_rcnn.errors import UsageError
from PIL import Image

CLASSES = ("cat", "dog", "no")
FIELDS = ("boxes", "classes", "areas", "coco_boxes", "crowd", "difficult", "ignored")


@pytest.fixture
def sets(tmp_path, make_image):
    """Two sets of images of several sizes with boxes at any place in them, all of it kept by every layout."""
    random = np.random.RandomState(0)
    sets = {}
    for image_set in ("train", "val"):
        sets[image_set] = []
        for index in range(6):
            width, height = random.randint(30, 900, 2)
            path = tmp_path / "source" / image_set / f"{image_set} {index}.jpg"
            make_image(path, int(width), int(height), index)
            corners = np.sort(random.uniform(0, 1, (index, 2, 2)), axis=1)
            boxes = (corners * [width - 1, height - 1]).reshape(-1, 4)
            boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
            if index == 2:
                boxes[:] = [0, 0, width - 1, height - 1], [3, 4, 5, 6]
            annotations = [Annotation(box, random.randint(3)) for box in boxes.astype(np.float32).tolist()]
            # The alphabet is the order of the classes where no file declares one.
            annotations += [Annotation((0, 0, 9, 9), class_id) for class_id in range(3)]
            sets[image_set].append(make_record(index, str(path), int(width), int(height), annotations))
    return sets


def read(folder, *names):
    return {name: load_dataset("auto", str(folder), name) for name in names}


def assert_equal(dataset, records, **tolerances):
    assert len(dataset.records) == len(records) and dataset.classes == CLASSES and not dataset.log.counts
    for mine, other in zip(sorted(dataset.records, key=lambda record: record.path), records):
        assert (mine.width, mine.height, mine.upright) == (other.width, other.height, other.upright)
        for field in FIELDS:
            # An area is a product of sides.
            atol = {"boxes": 1e-4, "coco_boxes": 1.1e-4, "areas": 0.2}.get(field, 0)
            np.testing.assert_allclose(getattr(mine, field), getattr(other, field), atol=atol, rtol=0)
        with open(mine.path, "rb") as one, open(other.path, "rb") as two:
            assert one.read() == two.read()


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_records_come_back(sets, tmp_path, layout):
    assert write_dataset(layout, str(tmp_path / "new"), sets, CLASSES) == []
    for name, dataset in read(tmp_path / "new", "train", "val").items():
        assert dataset.layout == layout
        assert_equal(dataset, sets[name])


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_sets_of_data_sets_that_lie_side_by_side(sets, tmp_path, layout):
    side_by_side = {"birds/train": sets["train"], "cats/train": sets["val"]}
    notes = write_dataset(layout, str(tmp_path / "new"), side_by_side, CLASSES)
    assert notes == ["the set birds/train is called birds_train", "the set cats/train is called cats_train"]
    if layout == "yolo":  # whose two folders of labels are parts of one set
        assert_equal(load_dataset("auto", str(tmp_path / "new"), "train"), sets["train"] + sets["val"])
        return
    for name, dataset in read(tmp_path / "new", "birds_train", "cats_train").items():
        assert_equal(dataset, side_by_side[name.replace("_", "/")])


def test_sets_whose_names_would_be_the_same(sets, tmp_path):
    with pytest.raises(UsageError, match="the sets a/b, a_b would not all have names of their own"):
        write_dataset("coco", str(tmp_path / "new"), {"a/b": sets["train"], "a_b": sets["val"]}, CLASSES)


def test_a_way_through_all_layouts(sets, tmp_path):
    records = sets
    for layout in ("voc", "yolo", "coco", "yolo", "voc", "coco"):
        folder = tmp_path / f"new-{len(list(tmp_path.iterdir()))}"
        write_dataset(layout, str(folder), records, CLASSES)
        records = {name: dataset.records for name, dataset in read(folder, "train", "val").items()}
    for name, dataset in read(folder, "train", "val").items():
        assert_equal(dataset, sets[name])


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_a_set_that_is_not_divided(sets, tmp_path, layout):
    write_dataset(layout, str(tmp_path / "new"), {"all": sets["train"]}, CLASSES)
    dataset = load_dataset("auto", str(tmp_path / "new"), "all")
    assert list(dataset.found.sets) == ["all"]
    assert_equal(dataset, sets["train"])


@pytest.mark.parametrize("layout, kept", [("coco", ("crowd", "difficult", "areas")), ("voc", ("difficult",))])
def test_marks_are_kept_where_the_layout_has_them(tmp_path, make_image, layout, kept):
    make_image(tmp_path / "source" / "a.jpg", 60, 40)
    annotations = [Annotation((1, 1, 20, 20), 0, difficult="difficult" in kept, crowd="crowd" in kept,
                              area=123.5 if "areas" in kept else None), Annotation((2, 2, 9, 9), 0)]
    record = make_record("a", str(tmp_path / "source" / "a.jpg"), 60, 40, annotations)
    assert write_dataset(layout, str(tmp_path / "new"), {"train": [record]}, ("cat",)) == []
    read_record, = load_dataset("auto", str(tmp_path / "new"), "train").records
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(read_record, field), getattr(record, field))


@pytest.mark.parametrize("layout", ["coco", "voc"])
def test_an_image_that_was_labelled_unturned_stays_so(tmp_path, layout):
    from PIL import Image
    exif = Image.Exif()
    exif[0x0112] = 6
    path = str(tmp_path / "a.jpg")
    Image.new("RGB", (60, 40)).save(path, exif=exif)
    for upright, size in ((False, (60, 40)), (True, (40, 60))):
        record = make_record("a", path, *size, [Annotation((1, 2, 13, 24), 0)], upright=upright)
        folder = tmp_path / f"new-{upright}"
        write_dataset(layout, str(folder), {"train": [record]}, ("cat",))
        read_record, = load_dataset("auto", str(folder), "train").records
        assert read_record.upright == upright and read_record.boxes.tolist() == [[1, 2, 13, 24]]


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
@pytest.mark.parametrize("images", ["link", "copy"])
def test_images_by_whose_extension_none_are_looked_for(tmp_path, layout, images):
    names = ("a.ppm", "b.pgm", "c.jpg")
    for name in names:
        Image.new("L", (60, 40), 100).save(tmp_path / name, "JPEG" if name.endswith("jpg") else "PPM")
    records = [make_record(name, str(tmp_path / name), 60, 40, [Annotation((1, 1, 9 + index, 9), 0)])
               for index, name in enumerate(names)]
    note, = write_dataset(layout, str(tmp_path / "new"), {"train": records}, ("cat",), images)
    assert note.startswith("2 images are written anew as PNG")
    dataset = load_dataset("auto", str(tmp_path / "new"), "train", on_error="raise")
    assert [os.path.basename(record.path) for record in dataset.records] == ["a.png", "b.png", "c.jpg"]
    for mine, other in zip(dataset.records, records):
        np.testing.assert_allclose(mine.boxes, other.boxes, atol=1e-4)
        np.testing.assert_array_equal(read_image(mine), read_image(other))


@pytest.mark.parametrize("layout", ["coco", "voc"])
def test_images_of_any_name_that_stay_where_they_are(tmp_path, layout):
    names = ("a.ppm", "v1.photo", "caf\udce9.jpg")
    (tmp_path / "images").mkdir()
    for name in names:
        Image.new("RGB", (60, 40)).save(tmp_path / "images" / name, "JPEG" if name.endswith("jpg") else "PPM")
    records = [make_record(name, str(tmp_path / "images" / name), 60, 40, [Annotation((1, 1, 9, 9), 0)])
               for name in names]
    assert write_dataset(layout, str(tmp_path / "new"), {"train": records}, ("cat",), "none") == []
    dataset = load_dataset("auto", str(tmp_path / "new"), "train", image_root=str(tmp_path / "images"),
                           on_error="raise")
    assert sorted(os.path.basename(record.path) for record in dataset.records) == sorted(names)


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_names_that_are_not_utf8(tmp_path, make_image, layout):
    names = ("caf\udce9.jpg", "café.jpg", "\udc83\\.jpg")
    for index, name in enumerate(names):
        make_image(tmp_path / "source" / name, 60, 40, index)
    records = [make_record(name, str(tmp_path / "source" / name), 60, 40, [Annotation((1, 1, 9 + index, 9), 0)])
               for index, name in enumerate(names)]
    write_dataset(layout, str(tmp_path / "new"), {"train": records}, ("cat",))
    dataset = load_dataset("auto", str(tmp_path / "new"), "train", on_error="raise")
    boxes = {os.path.basename(record.path): record.boxes[0, 2] for record in dataset.records}
    assert {name: round(float(side)) for name, side in boxes.items()} == {"café.jpg": 9, "café-2.jpg": 10, "ƒ_.jpg": 11}


@pytest.mark.parametrize("name, layouts", [("tiny_coco", ("voc", "coco")), ("bccd", ("coco", "yolo", "voc"))])
@pytest.mark.realdata
def test_photographs(shared_data, tmp_path, name, layouts):
    found = load_dataset("auto", str(shared_data(name)), "val")
    for layout in layouts:
        folder = tmp_path / layout
        write_dataset(layout, str(folder), {"val": found.records}, found.classes, "copy", found.category_ids)
        back = load_dataset("auto", str(folder), "val", classes=found.classes)
        assert sum(len(record.boxes) for record in back.records) == sum(len(record.boxes) for record in found.records)
        for mine, other in zip(back.records, found.records):
            np.testing.assert_allclose(mine.boxes, other.boxes, atol=1.1e-4)
            np.testing.assert_array_equal(mine.classes, other.classes)
