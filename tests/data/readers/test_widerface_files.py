import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.widerface_files import is_widerface_text, read_widerface_file

FACE = "449 330 122 149 0 0 0 0 0 0 "
NONE = "0 0 0 0 0 0 0 0 0 0 "


def read(tmp_path, *lines, **options):
    (tmp_path / "list.txt").write_text("\n".join(lines))
    raw = read_widerface_file(str(tmp_path / "list.txt"), ["images"], **options)
    assert (raw.box_format, raw.image_folders) == ("xywh", ("images",))
    return list(raw.images)


def test_reads_images_and_faces(tmp_path):
    lines = ("0--Parade/a.jpg", "2", FACE, "1 2 3 4 0 0 0 1 0 0", "0--Parade/b.jpg", "0", NONE, "c.jpg", "0")
    a, b, c = read(tmp_path, *lines)
    assert [(image.image_id, image.name, image.fault) for image in (a, b, c)] == [
        ("a", "0--Parade/a.jpg", None), ("b", "0--Parade/b.jpg", None), ("c", "c.jpg", None)]
    assert [(o.position, o.label, o.box, o.difficult) for o in a.objects] == [
        (3, "face", ["449", "330", "122", "149"], "0"), (4, "face", ["1", "2", "3", "4"], "1")]
    assert b.objects == c.objects == []
    assert [image.objects for image in read(tmp_path, *lines, with_labels=False)] == [[], [], []]


def test_a_face_without_extent_is_no_box(tmp_path):
    image, = read(tmp_path, "a.jpg", "1", "7 8 0 5 0 0 0 0 0 0")
    assert image.objects[0].box == NoBox("the face of 0 x 5 pixels has no extent", (7., 8., 0., 5.))


@pytest.mark.parametrize("lines, text", [(("2", FACE), "states 2 faces, and has 1 lines"),
                                         (("0", FACE), "states 0 faces, and has 1 lines"), ((), "no number of faces")])
def test_an_image_of_another_number_of_faces_is_a_fault(tmp_path, lines, text):
    image, last = read(tmp_path, "a.jpg", *lines, "b.jpg", "1", FACE)
    assert image.fault[0] == "image_entry_broken" and "image a.jpg" in image.fault[1] and text in image.fault[1]
    assert last.fault is None and len(last.objects) == 1


@pytest.mark.parametrize("text, expected", [
    ("a/b.jpg\n1\n" + FACE, True), ("a/b.JPG\n0\n" + NONE, True), ("a.jpg\n0\nb.jpg\n0\nc.jpg\n1\n" + FACE, True),
    ("a.jpg\nb.jpg\nc.jpg\n", False),
    ("a.jpg\n1\n", False), ("a\n1\n" + FACE, False), ("a.jpg\n1\n1 2 x 4\n", False), ("", False)])
def test_tells_its_files(text, expected):
    assert is_widerface_text(text) is expected
