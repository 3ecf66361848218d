import pytest
from light_head_rcnn.data.readers.openimages_files import class_names_beside, read_openimages_file
from light_head_rcnn.errors import DataError

HEADER = ("ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,"
          "IsInside\n")
CAR = "0001eeaf4aed83f9,xclick,/m/0k4j,1,0.25,0.5,0.125,0.75,0,0,{},0,0\n"
NAMES = '/m/0k4j,Car\n/m/011k07,Tortoise\n/m/0c_jw,"Furniture, large"\n'


@pytest.fixture
def tmp_path(tmp_path):
    """A folder in an empty one, in which files may be put, too."""
    (tmp_path / "inner").mkdir()
    return tmp_path / "inner"


@pytest.fixture
def read(tmp_path):
    """Returns a function that writes a table and files of some names, and reads the table."""
    def read_table(*rows, header=HEADER, files=("0001eeaf4aed83f9.jpg", "2eeaf4aed83f9.jpg"), **options):
        for name in files:
            (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "images" / name).touch()
        file = tmp_path / "set" / "train-annotations-bbox.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(header + "".join(rows))
        raw = read_openimages_file(str(file), [str(tmp_path / "images")], **options)
        assert raw.box_format == "edge_fractions"
        return raw
    return read_table


def test_reads_boxes(read, tmp_path):
    (tmp_path / "class-descriptions-boxable.csv").write_text(NAMES)
    raw = read(CAR.format(0), CAR.format(1), CAR.format(-1).replace("/m/0k4j", "/m/x"),
               CAR.format(0).replace("0001", "2"))
    first, second = raw.images
    assert [(image.image_id, image.name) for image in raw.images] == [
        (name, str(tmp_path / "images" / f"{name}.jpg")) for name in ("0001eeaf4aed83f9", "2eeaf4aed83f9")]
    assert [(o.position, o.label, o.box, o.crowd) for o in first.objects] == [
        (2, "Car", ["0.25", "0.125", "0.5", "0.75"], False), (3, "Car", ["0.25", "0.125", "0.5", "0.75"], True),
        (4, "/m/x", ["0.25", "0.125", "0.5", "0.75"], False)]
    assert len(second.objects) == 1 and raw.notes == ()
    assert [image.objects for image in read(CAR.format(0), with_labels=False).images] == [[]]


def rows(*names):
    return [CAR.format(0).replace("0001eeaf4aed83f9", name) for name in names]


def test_rows_of_images_that_are_not_there_are_passed_over(read, tmp_path):
    raw = read(*rows("a", "here", "b", "a"), files=["here.jpg"])
    assert [image.image_id for image in raw.images] == ["here"]
    assert "not there: 3 boxes" in raw.notes[0] and "by their ids" in raw.notes[1]
    with pytest.raises(DataError, match="none of the images of its 3 boxes is in .*; if they lie .*image_root"):
        read(*rows("a", "b", "a"))


def test_names_are_taken_by_their_meaning(read, tmp_path):
    first, second = read(*rows("a.jpg", "B"), files=["A.JPG", "b.png"]).images
    assert [image.name for image in (first, second)] == [str(tmp_path / "images" / name) for name in ("A.JPG", "b.png")]


def test_copies_of_an_image_are_one(read, tmp_path):
    raw = read(*rows("a"), files=["Apple/a.jpg", "Car/a.jpg"], counted_folder="x")
    assert [image.name for image in raw.images] == [str(tmp_path / "images" / "Apple" / "a.jpg")]
    assert raw.counted_folder is None and read(*rows("b"), files=["b.jpg"], counted_folder="x").counted_folder is None
    (tmp_path / "images" / "Car" / "a.jpg").unlink()
    assert read(*rows("b"), counted_folder="x").counted_folder == "x"


@pytest.mark.parametrize("place", ["set/oidv7-class-descriptions-boxable.csv", "metadata/classes.csv",
                                   "set/metadata/classes.csv", "../challenge-2019-classes-description-500.csv"])
def test_finds_the_names_of_classes(read, tmp_path, place):
    read(CAR.format(0))
    assert class_names_beside(str(tmp_path / "set" / "train-annotations-bbox.csv")) == {}
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(NAMES)
    assert class_names_beside(str(tmp_path / "set" / "train-annotations-bbox.csv")) == {
        "/m/0k4j": "Car", "/m/011k07": "Tortoise", "/m/0c_jw": "Furniture, large"}


def test_another_table_is_an_error(read):
    with pytest.raises(DataError, match="not a table of Open Images, its first line.*ImageID, LabelName, XMax"):
        read(header="ImageID,LabelName\n")
    short, = read("2eeaf4aed83f9,xclick\n").images
    assert short.objects[0].label is None and short.objects[0].box == [""] * 4
