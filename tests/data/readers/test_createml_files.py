import json

import pytest
from light_head_rcnn.data.readers.createml_files import read_createml_file
from light_head_rcnn.errors import DataError


def box(label, x, y, width, height):
    return {"label": label, "coordinates": {"x": x, "y": y, "width": width, "height": height}}


@pytest.fixture
def read(tmp_path):
    """Returns a function that writes entries as Create ML takes them, and reads them."""
    def read_entries(*entries, **options):
        (tmp_path / "_annotations.createml.json").write_text(json.dumps(entries))
        return read_createml_file(str(tmp_path / "_annotations.createml.json"), ["photos"], counted_folder="x",
                                  **options)
    return read_entries


def test_reads_boxes_by_their_centres(read):
    raw = read({"image": "a.jpg", "annotations": [box("cat", 30, 20.5, 40, 11), box(7, 1, 2, 3, 4)]},
               {"image": "b.jpg", "annotations": []},
               {"imagefilename": "c.jpg", "annotation": [box("dog", 5, 5, 4, 4)]})
    assert (raw.box_format, raw.image_folders, raw.counted_folder, raw.notes) == ("centre", ("photos",), "x", ())
    a, b, c = raw.images
    assert (a.image_id, a.name, a.fault) == ("a", "a.jpg", None) and "image 1 (a.jpg)" in a.where
    assert [(o.position, o.label, o.box) for o in a.objects] == [(1, "cat", [30, 20.5, 40, 11]), (2, "7", [1, 2, 3, 4])]
    assert b.objects == [] and c.name == "c.jpg" and c.objects[0].label == "dog"


def test_fractions_are_told_by_all_boxes(read):
    raw = read({"image": "a.jpg", "annotations": [box("cat", 0.5, 0.5, 0.25, 1)]})
    assert raw.box_format == "centre_fractions" and "fractions" in raw.notes[0]
    assert read({"image": "a.jpg", "annotations": [box("cat", 0.5, 0.5, 0.25, 1), box("cat", 2, 2, 1, 1)]},
                ).box_format == "centre"


def test_broken_entries_are_faults(read):
    nameless, listless, broken = read({"annotations": []}, {"image": "a.jpg", "annotations": 3}, {
        "image": "b.jpg", "annotations": [{"label": "cat", "coordinates": {"x": 1}}, 5]}).images
    assert nameless.fault[0] == listless.fault[0] == "image_entry_broken"
    assert [o.box for o in broken.objects] == [{"x": 1}, None] and broken.objects[1].label is None


def test_without_labels_no_boxes_are_read(read):
    image, = read({"image": "a.jpg", "annotations": [box("cat", 3, 2, 4, 1)]}, with_labels=False).images
    assert image.objects == []


@pytest.mark.parametrize("text, message", [("{}", "not a file of Create ML, it is no list"), ("[", "not valid JSON")])
def test_another_file_is_an_error(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=f"a.json: {message}"):
        read_createml_file(str(tmp_path / "a.json"), [])
