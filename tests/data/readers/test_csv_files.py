import pytest
from light_head_rcnn.data.readers.csv_files import read_csv_file, table_of
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
    with pytest.raises(DataError, match="not a table of boxes, its first line"):
        read_csv_file(str(tmp_path / "boxes.csv"), [])


ROWS = [("a.jpg", "cat", ["1", "2", "30", "40"]), ("b.jpg", "dog", ["5", "6", "7", "8"])]


@pytest.mark.parametrize("text", [
    "Filename;Class;XMin;YMin;XMax;YMax\r\na.jpg;cat;1;2;30;40\r\nb.jpg;dog;5;6;7;8\r\n",
    "image,xmin,ymin,xmax,ymax,label\na.jpg,1,2,30,40,cat\nb.jpg,5,6,7,8,dog\n",
    ",image_path, x1, x2, y1, y2, class_name\n0,a.jpg, 1, 30, 2, 40, cat\n1,b.jpg, 5, 7, 6, 8, dog\n\n",
    "filename\tlabel\tx_min\ty_min\tx_max\ty_max\na.jpg\tcat\t1\t2\t30\t40\nb.jpg\tdog\t5\t6\t7\t8",
    "a.jpg,1,2,30,40,cat\nb.jpg,5,6,7,8,dog\n"])
def test_columns_in_other_ways(tmp_path, text):
    (tmp_path / "boxes.csv").write_text(text)
    images = read_csv_file(str(tmp_path / "boxes.csv"), []).images
    assert [(image.name, one.label, one.box) for image in images for one in image.objects] == ROWS


def test_retinanet_names_images_without_boxes(tmp_path):
    (tmp_path / "boxes.csv").write_text("c.jpg,,,,,\na.jpg,1,2,30,40,cat\n")
    empty, image = read_csv_file(str(tmp_path / "boxes.csv"), []).images
    assert (empty.name, empty.objects, len(image.objects)) == ("c.jpg", [], 1)


@pytest.mark.parametrize("text, box_format, boxes", [
    ("image_id,width,height,bbox,source\na,80,60,\"[1.0, 2.0, 30.5, 40.0]\",farm\na,80,60,\"[5, 6, 7, 8]\",farm\n"
     "b,80,60,,farm\n", "xywh", [["1.0", "2.0", "30.5", "40.0"], ["5", "6", "7", "8"]]),
    ("image_name,BoxesString,domain\na.png,1 2 30 40;5 6 7 8,farm\nb.png,no_box,farm\n", "corners",
     [["1", "2", "30", "40"], ["5", "6", "7", "8"]]),
    ("image,xmin,ymin,xmax,ymax\na.jpg,1,2,30,40\na.jpg,5,6,7,8\nb.jpg,,,,\n", "corners",
     [["1", "2", "30", "40"], ["5", "6", "7", "8"]])])
def test_tables_without_classes(tmp_path, text, box_format, boxes):
    (tmp_path / "boxes.csv").write_text(text)
    raw = read_csv_file(str(tmp_path / "boxes.csv"), [])
    a, b = raw.images
    assert raw.box_format == box_format and (a.image_id, b.image_id, b.objects) == ("a", "b", [])
    assert [(one.label, one.box) for one in a.objects] == [("object", box) for box in boxes]
    assert "boxes.csv has no column of classes" in raw.notes[0]


def test_whole_boxes_with_classes(tmp_path):
    (tmp_path / "boxes.csv").write_text("file_name,species,category,bbox\na.jpg,x,cat,(1 2 3 4)\na.jpg,x,dog,[1; 2]\n")
    raw = read_csv_file(str(tmp_path / "boxes.csv"), [])
    cat, *broken = raw.images[0].objects
    assert (cat.label, cat.box, raw.box_format, raw.notes) == ("cat", ["1", "2", "3", "4"], "xywh", ())
    assert [one.box.why for one in broken] == ["'[1' is not four numbers", "' 2]' is not four numbers"]


@pytest.mark.parametrize("text", ["", "a.jpg,1,2,30,40\n", "a.jpg,1,2,x,40,cat\n", "cat,0\ndog,1\n",
                                  "image,label\na.jpg,cat\n",
                                  "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n",
                                  "image_id,PredictionString\n", "image,xmin,ymin,xmax,ymax,species\n",
                                  "image_id,width,height,bbox,species\n", "bbox,class\n"])
def test_other_tables(text):
    assert table_of(text) is None
