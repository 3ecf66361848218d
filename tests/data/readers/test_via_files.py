import csv
import json
import math

import pytest
from light_head_rcnn.data.readers.via_files import read_via_file
from light_head_rcnn.errors import DataError

RECT = {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 40}


def region(shape=RECT, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def entry(*regions, filename="a.jpg"):
    return {"filename": filename, "size": 12345, "regions": list(regions), "file_attributes": {}}


@pytest.fixture
def read(tmp_path):
    """Returns a function that writes entries as the annotator exports them, reads them and returns the images."""
    def read_json(*entries, project=False):
        content = {f"{one['filename']}12345": one for one in entries}
        if project:
            content = {"_via_settings": {}, "_via_img_metadata": content, "_via_attributes": {}}
        (tmp_path / "via.json").write_text(json.dumps(content))
        raw = read_via_file(str(tmp_path / "via.json"), [str(tmp_path)], counted_folder="x")
        assert (raw.box_format, raw.image_folders, raw.counted_folder) == ("edges", (str(tmp_path),), "x")
        return list(raw.images)
    return read_json


@pytest.mark.parametrize("project", [False, True])
def test_reads_exports_and_projects(read, project):
    first, second = read(entry(region(kind="cat"), region(kind="dog")), entry(filename="b.jpg"), project=project)
    assert (first.image_id, first.name, first.width, first.fault) == ("a", "a.jpg", None, None)
    assert "via.json: image 1 (a.jpg)" in first.where
    assert [(o.position, o.label, o.box) for o in first.objects] == [(1, "cat", (10, 20, 40, 60)),
                                                                     (2, "dog", (10, 20, 40, 60))]
    assert second.objects == []


def test_regions_of_the_first_version_are_a_table(read, tmp_path):
    old = {**entry(), "regions": {"0": region(kind="cat")}}
    image, = read(old)
    assert [o.label for o in image.objects] == ["cat"]


@pytest.mark.parametrize("shape, box", [
    ({"name": "polygon", "all_points_x": [1, 5, 4], "all_points_y": [2, 3, 9]}, (1, 2, 5, 9)),
    ({"name": "polyline", "all_points_x": [1, 5, 4, 1], "all_points_y": [2, 3, 9, 2]}, (1, 2, 5, 9)),
    ({"name": "circle", "cx": 20, "cy": 30, "r": 5}, (15, 25, 25, 35)),
    ({"name": "ellipse", "cx": 20, "cy": 30, "rx": 5, "ry": 2}, (15, 28, 25, 32)),
    ({"name": "ellipse", "cx": 20, "cy": 30, "rx": 5, "ry": 2, "theta": math.pi / 2}, (18, 25, 22, 35)),
])
def test_the_box_around_a_shape(read, shape, box):
    image, = read(entry(region(shape, kind="cat")))
    assert image.objects[0].box == pytest.approx(box)


@pytest.mark.parametrize("shape, place", [
    ({"name": "point", "cx": 1, "cy": 2}, (1, 2, 1, 2)),
    ({"name": "polyline", "all_points_x": [1, 5, 4], "all_points_y": [2, 3, 9]}, (1, 2, 5, 9))])
def test_what_is_no_box(read, shape, place):
    image, = read(entry(region(shape, kind="cat")))
    assert image.objects[0].box.place == place


@pytest.mark.parametrize("shape", [{"name": "point", "cx": 1}, {"name": "rect", "x": 1}, {}, None, 3,
                                   {"name": "polygon", "all_points_x": [], "all_points_y": []}])
def test_a_broken_shape_stays_what_it_is(read, shape):
    image, = read(entry(region(shape, kind="cat")))
    assert isinstance(image.objects[0].box, dict)


@pytest.mark.parametrize("attributes", [{"colour": "red"}, {"class": "", "colour": "red"}, {"name": "Rex"}, {}])
def test_where_an_attribute_names_the_class_no_other_does(read, attributes):
    image, = read(entry(region(**attributes), region(**{" Class": "cat", "name": "Tom"})))
    assert [one.label for one in image.objects] == [None, "cat"]


@pytest.mark.parametrize("attributes, label", [
    ({"anything": "cat"}, "cat"), ({"Class": "cat", "colour": "red"}, "cat"), ({"colour": "red", "type": 3}, "3"),
    ({"colour": "red", "age": "2"}, None), ({"kind": {"cat": True, "dog": False}}, "cat"),
    ({"kind": "cat", "note": ""}, "cat"), ({"kind": "cat", "class": ""}, "cat"), ({}, None),
])
def test_the_class_is_the_attribute_that_names_it(read, attributes, label):
    image, = read(entry(region(**attributes), region(kind="other")))
    assert image.objects[0].label == label


def test_regions_are_of_one_class_where_no_region_has_an_attribute(read):
    images = read(entry(region()), entry(region(), filename="b.jpg"))
    assert [o.label for image in images for o in image.objects] == ["object", "object"]


def test_broken_entries_are_faults_of_their_images(read):
    good, nameless, wrong = read(entry(region(kind="cat")), {**entry(), "filename": 3},
                                 {**entry(filename="b.jpg"), "regions": 3})
    assert good.fault is None and len(good.objects) == 1
    assert nameless.fault[0] == wrong.fault[0] == "image_entry_broken"


def test_reads_tables(tmp_path):
    with open(tmp_path / "via.csv", "w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["filename", "file_size", "file_attributes", "region_count", "region_id",
                       "region_shape_attributes", "region_attributes"])
        for number, name in enumerate(("cat", "dog")):
            rows.writerow(["a.jpg", 5, "{}", 2, number, json.dumps(RECT), json.dumps({"kind": name})])
        rows.writerow(["b.jpg", 5, "{}", 0, 0, "{}", "{}"])
        rows.writerow(["c.jpg", 5, "{}", 1, 0, "{broken", "{}"])
    a, b, c = read_via_file(str(tmp_path / "via.csv"), []).images
    assert [(o.label, o.box) for o in a.objects] == [("cat", (10, 20, 40, 60)), ("dog", (10, 20, 40, 60))]
    assert b.objects == [] and c.objects[0].box == {"name": "{broken"}


@pytest.mark.parametrize("name, text", [("a.json", "{"), ("a.json", "[]"), ("a.csv", "filename,x\n1,2\n")])
def test_another_file_is_an_error(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=name):
        read_via_file(str(tmp_path / name), [])


def test_without_labels_no_boxes_are_read(tmp_path):
    (tmp_path / "via.json").write_text(json.dumps({"a": entry(region())}))
    image, = read_via_file(str(tmp_path / "via.json"), [], with_labels=False).images
    assert image.objects == []
