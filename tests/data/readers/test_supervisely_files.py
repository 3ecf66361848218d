import base64
import io
import json
import zlib

import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.supervisely_files import read_supervisely_files
from PIL import Image


def figure(kind="rectangle", points=((10, 20), (39, 59)), **changes):
    """An object as the tool writes it."""
    return {"id": 1, "classId": 2, "description": "", "geometryType": kind, "labelerLogin": "me", "tags": [],
            "classTitle": "cat", "points": {"exterior": [list(point) for point in points], "interior": []}, **changes}


@pytest.fixture
def read(tmp_path):
    """Returns a function that writes the annotation of ds0/img/a.jpg, reads it and returns the image."""
    def read_objects(*objects, with_labels=True):
        file = tmp_path / "ds0" / "ann" / "a.jpg.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"description": "", "tags": [], "size": {"height": 80, "width": 60},
                                    "objects": list(objects)}))
        raw = read_supervisely_files([str(file)], ["x"], with_labels)
        assert (raw.box_format, raw.image_folders) == ("corners", ("x",))
        return list(raw.images)[0]
    return read_objects


def test_reads_an_image(read, tmp_path):
    image = read(figure(), figure("polygon", [(1, 2), (9, 4), (5, 8)]))
    assert (image.image_id, image.name, image.width, image.height) == ("a", "a.jpg", 60, 80)
    assert [(o.position, o.label, o.box) for o in image.objects] == [(1, "cat", (10, 20, 39, 59)),
                                                                     (2, "cat", (1, 2, 9, 8))]
    (tmp_path / "ds0" / "img").mkdir()
    (tmp_path / "ds0" / "img" / "a.jpg").touch()
    assert read().name == str(tmp_path / "ds0" / "img" / "a.jpg")
    assert read(figure(), with_labels=False).objects == []


def test_the_box_of_a_bitmap_is_that_of_its_png(read):
    stream = io.BytesIO()
    Image.new("1", (30, 40)).save(stream, "PNG")
    data = base64.b64encode(zlib.compress(stream.getvalue())).decode()
    image = read(figure("bitmap", bitmap={"origin": [10, 20], "data": data}))
    assert image.objects[0].box == (10, 20, 39, 59)
    assert isinstance(read(figure("bitmap", bitmap={"origin": [10, 20], "data": "?"})).objects[0].box, NoBox)


def test_what_is_no_box(read):
    image = read(figure("line", [(1, 2), (9, 4)]), {**figure("graph"), "points": None})
    assert [o.box.place for o in image.objects] == [(1, 2, 9, 4), None]
    assert read(figure(points=[])).objects[0].box == {"exterior": [], "interior": []}


@pytest.mark.parametrize("text", ["{", "[]", '{"objects": 1}'])
def test_a_broken_file_is_a_fault_of_its_image(tmp_path, text):
    (tmp_path / "b.png.json").write_text(text)
    image, = read_supervisely_files([str(tmp_path / "b.png.json")], []).images
    assert image.fault[0] == "image_entry_broken" and image.name == "b.png"
