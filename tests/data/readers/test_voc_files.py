"""Single XML files in Pascal VOC's format, wherever they lie: namespaces, encodings, subfolders, names."""
import pytest
from light_head_rcnn.data import VOC_CLASSES, DataError
from light_head_rcnn.data.assembling.assemble import assemble
from light_head_rcnn.data.assembling.faults import FaultLog, FaultPolicy
from light_head_rcnn.data.readers.voc_files import read_voc_files, voc_class_names
from light_head_rcnn.data.readers.voc_xml import read_voc_xml

OBJECT = ("<object><name>{}</name><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>35</ymax></bndbox>"
          "</object>")


A_DOG = OBJECT.format("dog")


def write(path, content=A_DOG, root="<annotation>", head="", encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((head + root + content + "</annotation>").encode(encoding))
    return str(path)


@pytest.mark.parametrize("root, head, encoding", [
    ("<annotation>", "", "utf-8"), ('<annotation xmlns="http://host/voc">', "", "utf-8"),
    ("<annotation>", '<?xml version="1.0" encoding="utf-8"?>', "utf-8-sig"),
    ("<annotation>", '<?xml version="1.0" encoding="utf-16"?>', "utf-16"),
    ("<annotation>", "<?xml version='1.0' encoding='gbk' ?>\n", "gbk"),
    ("<annotation>", '<?xml version="1.0" encoding="iso-8859-1"?><!-- é -->', "latin-1"),
])
def test_an_object(tmp_path, root, head, encoding):
    found = read_voc_xml(write(tmp_path / "a.xml", root=root, head=head, encoding=encoding))
    one, = found.objects
    assert (one.label, one.box, one.position) == ("dog", ["11", "6", "30", "35"], 1)
    assert found.filename is None and found.width is None and one.difficult is None


@pytest.mark.parametrize("stated, filename", [
    ("<filename>b.jpg</filename>", "b.jpg"), ("<filename> C:\\x\\b.jpg\n</filename>", "b.jpg"),
    ("<filename>x/b.jpg</filename>", "b.jpg"), ("<filename></filename>", None), ("", None)])
def test_the_name_of_the_image(tmp_path, stated, filename):
    assert read_voc_xml(write(tmp_path / "a.xml", stated)).filename == filename


@pytest.mark.parametrize("content", [b"", b"<annotation>", b"\xff\xfe", b"<annotation>\xe9</annotation>",
                                     b'<?xml version="1.0" encoding="no-such"?><annotation/>',
                                     b'<?xml version="1.0" encoding="gbk"?><annotation>\xff</annotation>'])
def test_broken_files(tmp_path, content):
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(DataError, match="a.xml: not valid XML") as caught:
        read_voc_xml(str(tmp_path / "a.xml"))
    assert caught.value.kind == "image_entry_broken"


def read(files, folders, **options):
    log = FaultLog(FaultPolicy())
    return assemble(read_voc_files([str(file) for file in files], [str(one) for one in folders], **options),
                    ("dog", "cat"), log), log


@pytest.mark.parametrize("xml_folder, image_folder", [("", ""), ("annots", "images"), ("images/xml", "images")])
def test_files_beside_their_images_and_apart(tmp_path, make_image, xml_folder, image_folder):
    for name in "ab":
        make_image(tmp_path / image_folder / f"{name}.jpg", 60, 40)
    file = write(tmp_path / xml_folder / "a.xml")
    records, log = read([file], [tmp_path / image_folder], counted_folder=str(tmp_path / image_folder))
    assert records[0].path == str(tmp_path / image_folder / "a.jpg") and records[0].image_id == "a"
    assert records[0].boxes.tolist() == [[10, 5, 29, 34]] and log.counts == {"image_without_entry": 1}
    assert not len(read([file], [tmp_path / image_folder], with_labels=False)[0][0].boxes)


def test_subfolders_with_equal_names(tmp_path, make_image):
    files = []
    for index, folder in enumerate("xy"):
        make_image(tmp_path / "images" / folder / "1.jpg", 60, 40, index)
        files.append(write(tmp_path / "xml" / folder / "1.xml", OBJECT.format(("dog", "cat")[index])))
    records, log = read(files, [tmp_path / "images"], xml_root=str(tmp_path / "xml"))
    assert [(r.path[-7:], r.classes.tolist(), r.image_id) for r in records] == [("x/1.jpg", [0], "1"),
                                                                              ("y/1.jpg", [1], "1")]
    assert not log.counts


def test_classes_of_files(tmp_path):
    files = [write(tmp_path / f"{name}.xml", OBJECT.format(name) + "<part><name>head</name></part>")
             for name in ("dog", "cat")]
    assert voc_class_names(files) == list(VOC_CLASSES) == voc_class_names([])
    files += [write(tmp_path / "none.xml", "<object/>"), write(tmp_path / "x.xml", OBJECT.format(" 9 "))]
    (tmp_path / "broken.xml").write_text("<")
    assert voc_class_names([*files, str(tmp_path / "broken.xml")]) == ["9", "cat", "dog"]


def test_a_stem_that_ends_as_an_image_does(tmp_path, make_image):
    for name in ("scan.tif.png", "scan.png", "photo.png"):
        make_image(tmp_path / name, 60, 40)
    files = [write(tmp_path / f"{name}.xml") for name in ("scan.tif", "scan", "photo.png")]
    records, log = read(files, [tmp_path])
    assert [r.path for r in records] == [str(tmp_path / name) for name in ("scan.tif.png", "scan.png", "photo.png")]
    assert [r.image_id for r in records] == ["scan.tif", "scan", "photo"] and not log.counts
