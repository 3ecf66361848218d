import json

import pytest
from light_head_rcnn.data.readers.via_files import read_via_file


def project(*regions, files=None, views=None, attributes=None):
    """A project as the third version of the annotator saves it; regions are (view, xy, av)."""
    files = files or {"1": {"fid": "1", "fname": "a.jpg", "type": 2, "loc": 1, "src": ""}}
    return {
        "project": {"pid": "__VIA_PROJECT_ID__", "rev": "__VIA_PROJECT_REV_ID__", "pname": "x", "creator": "VIA",
                    "created": 1588343615019, "vid_list": list(files)},
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {}},
        "attribute": attributes or {"1": {"aname": "kind", "anchor_id": "FILE1_Z0_XY1", "type": 4, "desc": "",
                                          "options": {"0": "cat", "1": "dog"}, "default_option_id": ""}},
        "file": files,
        "metadata": {f"1_{number}": {"vid": view, "flg": 0, "z": [], "xy": xy, "av": av}
                     for number, (view, xy, av) in enumerate(regions)},
        "view": views or {key: {"fid_list": [key]} for key in files}}


@pytest.fixture
def read(tmp_path):
    """Returns a function that saves a project, reads it and returns its images."""
    def read_project(*regions, **parts):
        (tmp_path / "via_project.json").write_text(json.dumps(project(*regions, **parts)))
        raw = read_via_file(str(tmp_path / "via_project.json"), [])
        assert raw.box_format == "edges"
        return list(raw.images)
    return read_project


def test_reads_a_project(read):
    files = {"1": {"fid": "1", "fname": "a.jpg", "type": 2, "loc": 1, "src": ""},
             "2": {"fid": "2", "fname": "b.jpg", "type": 2, "loc": 3, "src": "/home/me/photos/b.jpg"},
             "3": {"fid": "3", "fname": "c.jpg", "type": 2, "loc": 2, "src": "https://example.org/1"}}
    a, b, c = read(("1", [2, 10, 20, 30, 40], {"1": "1"}), ("1", [], {"1": "0"}), ("2", [2, 1, 2, 3, 4], {"1": "0"}),
                   files=files)
    assert [(o.position, o.label, o.box) for o in a.objects] == [(1, "dog", (10, 20, 40, 60))]
    assert [(o.label, o.box) for o in b.objects] == [("cat", (1, 2, 4, 6))] and c.objects == []
    assert [(image.name, image.other_name) for image in (a, b, c)] == [
        ("a.jpg", None), ("/home/me/photos/b.jpg", "b.jpg"), ("c.jpg", None)]


@pytest.mark.parametrize("xy, box", [
    ([3, 50, 40, 10], (40, 30, 60, 50)), ([4, 50, 40, 20, 10], (30, 30, 70, 50)),
    ([7, 5, 9, 15, 2, 8, 20], (5, 2, 15, 20)),
    ([8, 5, 9, 15, 2, 8, 20, 1, 3], (1, 2, 15, 20)), ([9, 60, 40, 40, 40, 50, 50], (40, 30, 60, 50))])
def test_the_box_around_a_shape(read, xy, box):
    image, = read(("1", xy, {"1": "0"}))
    assert image.objects[0].box == pytest.approx(box)


@pytest.mark.parametrize("xy, place", [([1, 5, 9], (5, 9, 5, 9)), ([5, 1, 4, 3, 2], (1, 2, 3, 4)),
                                       ([6, 1, 2, 3, 4, 5, 6], (1, 2, 5, 6))])
def test_what_is_no_box(read, xy, place):
    image, = read(("1", xy, {"1": "0"}))
    assert image.objects[0].box.place == place and image.objects[0].box.why.startswith("it is no box, but a")


@pytest.mark.parametrize("xy", [[2, 1], [1, 5], [9, 1, 1, 2, 2, 3, 3], [77, 1], "x", [[1], 2]])
def test_a_broken_shape_stays_what_it_is(read, xy):
    image, = read(("1", xy, {"1": "0"}))
    assert isinstance(image.objects[0].box, dict) and image.objects[0].label == "cat"


def test_attributes_with_a_text_or_several_options(read):
    attributes = {"1": {"aname": "label", "type": 1, "options": {}}, "2": {"aname": "sex", "type": 2, "options": {
        "m": "male", "f": "female"}}}
    first, = read(("1", [2, 1, 2, 3, 4], {"1": "a cat", "2": "m,f"}), attributes=attributes)
    assert first.objects[0].label == "a cat"
    first, = read(("1", [2, 1, 2, 3, 4], {"2": "m,f"}), attributes=attributes)
    assert first.objects[0].label == "male, female"
    first, = read(("1", [2, 1, 2, 3, 4], {}), attributes=attributes)
    assert first.objects[0].label == "object"  # no region of the file has any
    first, = read(("1", [2, 1, 2, 3, 4], {"1": "", "2": "m"}), ("1", [2, 1, 2, 3, 4], {"1": None}),
                  attributes=attributes)
    assert [one.label for one in first.objects] == ["male", None]  # an empty field is none


def test_what_is_no_single_image_is_a_fault(read):
    files = {"1": {"fname": "a.mp4", "type": 4}, "2": {"fname": "b.jpg", "type": 2}, "3": {"fname": "c.jpg"}, "4": {}}
    views = {"1": {"fid_list": ["1"]}, "2": {"fid_list": [2, 3]}}
    images = read(("2", [2, 1, 2, 3, 4], {"1": "0"}), files=files, views=views)
    assert [image.fault[0] for image in images] == ["image_entry_broken"] * 4
    assert "video" in images[0].fault[1] and "together" in images[1].fault[1]
