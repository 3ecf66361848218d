"""Pascal VOC's layout, as an XML parser reads it."""
import dataclasses
from xml.etree import ElementTree

from light_head_rcnn.data.writers import write_dataset


def read(file):
    root = ElementTree.parse(file).getroot()
    objects = [(o.findtext("name"), o.findtext("difficult"), [o.findtext(f"bndbox/{key}") for key in (
        "xmin", "ymin", "xmax", "ymax")]) for o in root.findall("object")]
    return root.findtext("filename"), [root.findtext(f"size/{key}") for key in ("width", "height", "depth")], objects


def test_an_xml_parser_reads_what_was_written(sets, classes, tmp_path):
    notes = write_dataset("voc", str(tmp_path / "new"), sets, classes)
    assert [note.split(":")[0] for note in notes] == [
        "1 x crowd", "1 x ignored object", "1 x area other than that of the box",
        "1 x place without known labels"]
    root = tmp_path / "new"
    assert (root / "ImageSets/Main/train.txt").read_text() == "1\n1-2\ntwo words\n"
    assert (root / "ImageSets/Main/val.txt").read_text() == "1\n3\n"  # an image of two sets is there once
    assert sorted(path.name for path in (root / "JPEGImages").iterdir()) == ["1-2.jpg", "1.jpg", "3.jpg",
                                                                             "two words.png"]
    assert read(root / "Annotations/1.xml") == ("1.jpg", ["60", "40", "3"], [
        ("cat", "0", ["1", "1", "60", "40"]), ("café & bar", "0", ["2.5", "3.25", "10.875", "12.1235"])])
    assert read(root / "Annotations/1-2.xml")[2] == [
        ("no", "1", ["6", "7", "8", "9"]), ("no", "0", ["4", "4", "4", "4"]), ("cat", "1", ["11", "11", "31", "31"]),
        ("cat", "1", ["11", "11", "21", "21"])]
    assert read(root / "Annotations/two words.xml") == ("two words.png", ["60", "40", "3"], [])


def test_an_image_with_other_boxes_in_another_set_is_another_one(sets, classes, tmp_path):
    first = sets["train"][0]
    both = {"train": [first], "val": [dataclasses.replace(first, boxes=first.boxes + 1)]}
    write_dataset("voc", str(tmp_path / "new"), both, classes)
    assert (tmp_path / "new/ImageSets/Main/val.txt").read_text() == "1-2\n"
