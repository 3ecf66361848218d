import json

import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.labelstudio_files import read_labelstudio_file
from light_head_rcnn.errors import DataError

UPLOAD = "/data/upload/1/0a1b2c3d-a.jpg"


def value(*labels, **changes):
    return {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0, "rectanglelabels": list(labels),
            **changes}


def result(shape, kind="rectanglelabels", number="x1", **changes):
    """A region as the JSON export states it."""
    return {"id": number, "type": kind, "value": shape, "origin": "manual", "to_name": "image", "from_name": "label",
            "image_rotation": 0, "original_width": 200, "original_height": 100, **changes}


def task(*results, image=UPLOAD, **annotation):
    return {"id": 1, "annotations": [{"id": 1, "completed_by": 1, "result": list(results), "was_cancelled": False,
                                      "ground_truth": False, "lead_time": 3.5, **annotation}],
            "file_upload": "0a1b2c3d-a.jpg", "drafts": [], "predictions": [], "data": {"image": image}, "meta": {},
            "created_at": "2024-01-01T00:00:00.000000Z", "project": 1}


@pytest.fixture
def read(tmp_path):
    """Returns a function that writes tasks as an export has them, reads them and returns the raw set."""
    def read_tasks(*tasks, **options):
        (tmp_path / "project-1.json").write_text(json.dumps(tasks))
        raw = read_labelstudio_file(str(tmp_path / "project-1.json"), ["images"], counted_folder="x", **options)
        assert (raw.box_format, raw.image_folders, raw.counted_folder) == ("centre_fractions", ("images",), "x")
        return raw
    return read_tasks


def read_box(read, *results):
    image, = read(task(*results)).images
    return image.objects[0].box


def test_reads_the_json_export(read):
    image, empty = read(task(result(value("cat")), result(value("dog"), number="x2")), task()).images
    assert (image.image_id, image.name, image.other_name, image.width, image.height) == (
        "0a1b2c3d-a", "0a1b2c3d-a.jpg", "a.jpg", 200, 100)
    assert [(o.position, o.label) for o in image.objects] == [(1, "cat"), (2, "dog")]
    assert image.objects[0].box == pytest.approx((0.25, 0.4, 0.3, 0.4))
    assert empty.objects == [] and empty.fault is None
    assert [one.objects for one in read(task(result(value("cat"))), with_labels=False).images] == [[]]


def test_reads_the_json_min_export(read):
    entry = {"image": UPLOAD, "id": 5, "label": [value("cat", original_width=200, original_height=100)],
             "annotator": 1, "annotation_id": 3, "created_at": "2024-01-01T00:00:00Z", "lead_time": 2.0}
    image, empty = read(entry, {**entry, "label": []}).images
    assert (image.name, image.width, image.height) == ("0a1b2c3d-a.jpg", 200, 100)
    assert [(o.label, o.box) for o in image.objects] == [("cat", pytest.approx((0.25, 0.4, 0.3, 0.4)))]
    assert empty.objects == [] and empty.fault is None


@pytest.mark.parametrize("stated, name, other", [
    (UPLOAD, "0a1b2c3d-a.jpg", "a.jpg"), ("/data/upload/a.jpg", "a.jpg", None),
    ("/data/local-files/?d=photos/day%201/a.jpg", "photos/day 1/a.jpg", "a.jpg"),
    ("/data/local-files/?d=C%3A%5Cphotos%5Ca.jpg", "C:/photos/a.jpg", "a.jpg"),
    ("https://example.org/photos/a.jpg?key=1", "photos/a.jpg", "a.jpg"), ("s3://bucket/a.jpg", "a.jpg", None),
    ("photos\\a.jpg", "photos/a.jpg", "a.jpg"), ("images/0a1b2c3d-a.jpg", "0a1b2c3d-a.jpg", "a.jpg")])
def test_the_file_that_is_meant(read, stated, name, other):
    image, = read(task(image=stated)).images
    assert (image.name, image.other_name) == (name, other)


def test_the_image_has_any_key(read):
    tasks = [{**task(), "data": data} for data in ({"text": "a", "scan": "/data/upload/1/b.png"}, {})]
    first, second = read(*tasks).images
    assert first.name == "b.png"
    assert second.fault[0] == "image_entry_broken" and "names no image" in second.fault[1]


@pytest.mark.parametrize("shape, box", [
    ({"points": [[10, 20], [40, 30], [20, 60]], "closed": True, "polygonlabels": ["cat"]}, (0.25, 0.4, 0.3, 0.4)),
    ({"x": 25, "y": 40, "radiusX": 15, "radiusY": 20, "rotation": 0, "ellipselabels": ["cat"]}, (0.25, 0.4, 0.3, 0.4)),
    # The image has 200 x 100 pixels: a box of 60 x 40 that is turned by a quarter about (20, 20).
    (value("cat", rotation=90), (0, 0.5, 0.2, 0.6))])
def test_the_box_around_a_shape(read, shape, box):
    assert read_box(read, result(shape)) == pytest.approx(box)


@pytest.mark.parametrize("shape, changes", [
    ({"format": "rle", "rle": [1, 2], "brushlabels": ["cat"]}, {}), (value("cat"), {"image_rotation": 90}),
    ({"x": 3, "y": 4, "width": 0.5, "keypointlabels": ["eye"]}, {})])
def test_what_is_no_box(read, shape, changes):
    assert isinstance(read_box(read, result(shape, **changes)), NoBox)


@pytest.mark.parametrize("shape", [{"x": 3, "rectanglelabels": ["cat"]}, {"points": [], "polygonlabels": ["cat"]},
                                   value("cat", width=None)])
def test_a_broken_shape_is_told_as_it_stands(read, shape):
    assert isinstance(read_box(read, result(shape)), dict)


def test_a_shape_and_its_label_may_be_apart(read):
    plain = value()
    del plain["rectanglelabels"]
    image, = read(task(result(plain, "rectangle"), result({**plain, "labels": ["cat"]}, "labels"),
                       result({"choices": ["night"]}, "choices", "x9"))).images
    assert [o.label for o in image.objects] == ["cat"]
    image, = read(task(result(plain, "rectangle"))).images
    assert [o.label for o in image.objects] == [None]


def test_an_image_that_nobody_labelled_has_no_entry(read):
    skipped = task(was_cancelled=True)
    images = read(skipped, {**task(), "annotations": []}).images
    assert [image.fault[0] for image in images] == ["image_without_entry"] * 2


def test_the_ground_truth_among_several_annotations_is_read(read):
    several = task(result(value("cat")))
    several["annotations"] += task(result(value("dog")), ground_truth=True)["annotations"]
    raw = read(several)
    assert [o.label for image in raw.images for o in image.objects] == ["dog"]
    assert "several people labelled 1 images" in raw.notes[0]
    several["annotations"][1]["ground_truth"] = False
    assert [o.label for image in read(several).images for o in image.objects] == ["cat"]


def test_another_file_is_an_error(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match="a.json: not a file of Label Studio"):
        read_labelstudio_file(str(tmp_path / "a.json"), [])
