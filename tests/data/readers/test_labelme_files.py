import json

import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.labelme_files import read_labelme_files

RECTANGLE = {"label": "cat", "points": [[30, 40.5], [10, 20]], "shape_type": "rectangle", "flags": {}}


@pytest.fixture
def read(tmp_path):
    """Returns a function that writes one file as labelme does, reads it and returns the image."""
    def read_one(*shapes, name="a.json", **changes):
        content = {"version": "5.2.1", "flags": {}, "shapes": list(shapes), "imagePath": "a.jpg", "imageData": "x" * 99,
                   "imageHeight": 60, "imageWidth": 80, **changes}
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
        raw = read_labelme_files([str(tmp_path / name)], [str(tmp_path)])
        assert raw.box_format == "edges" and raw.image_folders == (str(tmp_path),)
        image, = raw.images
        return image
    return read_one


def test_reads_rectangles_polygons_and_circles(read, tmp_path):
    polygon = {"label": "dog", "points": [[1, 2], [5, 3], [4, 9]], "shape_type": "polygon"}
    circle = {"label": "sun", "points": [[20, 20], [23, 24]], "shape_type": "circle"}
    mask = {"label": "cat", "points": [[3, 4], [8, 9]], "shape_type": "mask", "mask": "..."}
    image = read(RECTANGLE, polygon, circle, mask)
    assert (image.image_id, image.width, image.height, image.fault) == ("a", 80, 60, None)
    assert image.where == str(tmp_path / "a.json")
    assert [(o.position, o.label, o.box) for o in image.objects] == [
        (1, "cat", (10, 20, 30, 40.5)), (2, "dog", (1, 2, 5, 9)), (3, "sun", (15, 15, 25, 25)),
        (4, "cat", (3, 4, 8, 9))]


@pytest.mark.parametrize("kind, points, place", [
    ("point", [[1, 2]], (1, 2, 1, 2)), ("line", [[9, 2], [5, 8]], (5, 2, 9, 8)),
    ("linestrip", [[1, 2], [5, 3], [4, 9]], (1, 2, 5, 9))])
def test_shapes_without_area_are_no_boxes_but_have_a_place(read, kind, points, place):
    object_, = read({**RECTANGLE, "shape_type": kind, "points": points}).objects
    assert object_.box == NoBox(f"it is no box, but a {kind}", place)


def test_broken_shapes_are_no_numbers(read):
    shapes = [{**RECTANGLE, **change} for change in ({"shape_type": "point", "points": []}, {"points": None},
                                                     {"points": [[1, "x"]]}, {"shape_type": "circle"})]
    shapes[3]["points"] = [[1, 2]]
    for object_ in read(*shapes, {}, None).objects:
        with pytest.raises((TypeError, ValueError)):
            left, top, right, bottom = map(float, object_.box)


def test_ignored_labels_are_left_out_and_a_missing_one_is_no_class(read):
    ignored = [{**RECTANGLE, "label": label} for label in ("_background_", "__ignore__")]
    missing, number = read(*ignored, {**RECTANGLE, "label": " "}, {**RECTANGLE, "label": 7}).objects
    assert (missing.label, missing.stated_class, missing.position) == (None, " ", 3) and number.label == "7"


def test_flags_of_a_shape(read):
    objects = read({**RECTANGLE, "flags": {"difficult": True, "crowd": False}}, RECTANGLE).objects
    assert [(o.difficult, o.crowd) for o in objects] == [(True, False), (None, None)]


@pytest.mark.parametrize("stated", ["..\\images\\a.jpg", "../images/a.jpg"])
def test_the_image_lies_where_the_file_says(read, tmp_path, stated):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").touch()
    image = read(RECTANGLE, name="labels/a.json", imagePath=stated)
    assert image.name == str(tmp_path / "images" / "a.jpg")


def test_an_image_that_lies_elsewhere_is_looked_for_by_its_name_and_then_by_that_of_the_annotation_file(read, tmp_path):
    image = read(RECTANGLE, imagePath="C:\\photos\\IMG_1.jpg")
    assert (image.name, image.other_name) == ("C:\\photos\\IMG_1.jpg", str(tmp_path / "a"))
    image = read(RECTANGLE, imagePath=None)
    assert (image.name, image.other_name) == (str(tmp_path / "a"), None)


@pytest.mark.parametrize("text", ["{", "[]", '{"shapes": 1}', ""])
def test_a_broken_file_is_a_fault_of_its_image(tmp_path, text):
    (tmp_path / "b.json").write_text(text)
    image, = read_labelme_files([str(tmp_path / "b.json")], []).images
    assert image.fault[0] == "image_entry_broken" and str(tmp_path / "b.json") in image.fault[1]


def test_without_labels_no_boxes_are_read(read, tmp_path):
    read(RECTANGLE)
    image, = read_labelme_files([str(tmp_path / "a.json")], [], with_labels=False).images
    assert image.objects == []
