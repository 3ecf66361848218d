import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.visdrone_files import is_visdrone_text, read_visdrone_files


def read(tmp_path, text, **options):
    (tmp_path / "0000002_00005_d_0000014.txt").write_text(text)
    raw = read_visdrone_files([str(tmp_path / "0000002_00005_d_0000014.txt")], ["images"], **options)
    assert (raw.box_format, raw.image_folders) == ("xywh", ("images",))
    image, = raw.images
    assert image.name == "0000002_00005_d_0000014"
    return image.objects


def test_reads_objects_and_regions(tmp_path):
    text = ("684,8,273,116,0,0,0,0\n406,119,265,70,1,4,0,1\n255,22,119,128,0,10,1,2,\n1,2,3,4,0,11,0,0\n"
            "5,6,7,8,1,12,0,0\n5,6,7,8,1," + "9" * 5000 + ",0,0\n")
    region, car, motor, others, unknown, huge = read(tmp_path, text)
    assert [(o.label, o.box, o.region) for o in (region, others)] == [
        (None, ["684", "8", "273", "116"], True), (None, ["1", "2", "3", "4"], True)]
    assert [(o.position, o.label, o.box, o.difficult, o.region) for o in (car, motor)] == [
        (2, "car", ["406", "119", "265", "70"], False, False), (3, "motor", ["255", "22", "119", "128"], True, False)]
    assert (unknown.label, unknown.stated_class, unknown.region, huge.label) == (None, "12", False, None)
    assert read(tmp_path, text, with_labels=False) == []


def test_another_line_is_no_box(tmp_path):
    one, = read(tmp_path, "1,2,3,4,1,5")
    assert type(one.box) is NoBox and "6 numbers" in one.box.why


@pytest.mark.parametrize("text, expected", [
    ("684,8,273,116,0,0,0,0\n", True), ("1,2,3,4,1,11,0,0,", True), ("1,2,3,4,1,12,0,0", False),
    ("1,2,3,4,0.9,1,0,0", False), ("1,2,3,4,1,1,0", False), ("1,2,3,x,1,1,0,0", False), ("1 2 3 4 1 1 0 0", False),
    ("0,1,2,3,4,5,1,1,0,0", False), ("", False)])
def test_tells_its_files(text, expected):
    assert is_visdrone_text(text) is expected
