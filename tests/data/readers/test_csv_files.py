import pytest

from light_head_rcnn.data.readers.csv_files import read_csv_file
from light_head_rcnn.errors import DataError


def test_reads_a_box_a_row_and_images_without(tmp_path):
    (tmp_path / "boxes.csv").write_text("filename,width,height,class,xmin,ymin,xmax,ymax\n"
                                        "a.jpg,80,60,cat,1,2,30,40\nb.jpg,80,60,,,,,\na.jpg,80,60,dog,5,6,7,8\n")
    raw = read_csv_file(str(tmp_path / "boxes.csv"), ["images"])
    a, b = raw.images
    assert raw.box_format == "corners" and raw.image_folders == ("images",)
    assert (a.image_id, a.name, a.width, a.height) == ("a", "a.jpg", "80", "60")
    assert [(o.position, o.label, o.box) for o in a.objects] == [(2, "cat", ["1", "2", "30", "40"]),
                                                                 (4, "dog", ["5", "6", "7", "8"])]
    assert b.objects == []
    image, *_ = read_csv_file(str(tmp_path / "boxes.csv"), [], with_labels=False).images
    assert image.objects == []


def test_another_table_is_an_error(tmp_path):
    (tmp_path / "boxes.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="no column filename"):
        read_csv_file(str(tmp_path / "boxes.csv"), [])
