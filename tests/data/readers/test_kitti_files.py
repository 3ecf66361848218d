import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.kitti_files import is_kitti_text, read_kitti_files

# The first object of the image 000000 of KITTI's training set has these words.
LINE = "Pedestrian 0.00 0 -0.20 712.40 143.00 810.73 307.92 1.89 0.48 1.20 1.84 1.47 8.41 0.01"
REGION = "DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10"


def read(tmp_path, *lines, **options):
    (tmp_path / "000000.txt").write_text("\n".join(lines))
    raw = read_kitti_files([str(tmp_path / "000000.txt")], ["images"], **options)
    assert (raw.box_format, raw.image_folders) == ("corners", ("images",))
    image, = raw.images
    assert (image.image_id, image.name) == ("000000", "000000")
    return image


def test_reads_objects_and_regions(tmp_path):
    image = read(tmp_path, LINE, "", REGION, LINE + " 0.87")
    box = ["712.40", "143.00", "810.73", "307.92"]
    assert [(o.position, o.label, o.box, o.region) for o in image.objects] == [
        (1, "Pedestrian", box, False), (3, None, ["503.89", "169.71", "590.61", "190.13"], True),
        (4, "Pedestrian", box, False)]
    assert read(tmp_path).objects == read(tmp_path, LINE, with_labels=False).objects == []


def test_names_have_the_folders_below_that_around_all_files(tmp_path):
    files = [tmp_path / "a" / "1.txt", tmp_path / "b" / "1.txt"]
    for file in files:
        file.parent.mkdir()
        file.write_text(LINE)
    assert [image.name for image in read_kitti_files(list(map(str, files)), []).images] == ["a/1", "b/1"]


def test_another_line_is_no_box(tmp_path):
    one, = read(tmp_path, "Car 0 0 0 1 2 3 4").objects
    assert one.label == "Car" and type(one.box) is NoBox and "8 words" in one.box.why


def test_a_file_that_is_gone_is_a_fault_of_its_image(tmp_path):
    image, = read_kitti_files([str(tmp_path / "gone.txt")], []).images
    assert image.fault[0] == "image_entry_broken" and "gone.txt" in image.fault[1]


@pytest.mark.parametrize("text, expected", [
    (LINE, True), ("\n" + REGION + "\n", True), (LINE + " 1", True), (LINE + " 1 2", False), ("0 .5 .5 .1 .1", False),
    ("0 " + LINE.split(" ", 1)[1], False), (LINE.replace("0.48", "x"), False), ("", False),
    ("cat " + " ".join(["0.1", "0.9"] * 7), False)])  # an outline of seven points, in fractions
def test_tells_its_files(text, expected):
    assert is_kitti_text(text) is expected
