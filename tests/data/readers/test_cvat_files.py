import math

import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.cvat_files import cvat_subsets, read_cvat_file
from light_head_rcnn.errors import DataError

# As CVAT writes it, of a project with two tasks.
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <project>
      <id>7</id>
      <name>pets</name>
      <labels>
        <label>
          <name>cat</name>
          <color>#ff00cc</color>
          <type>any</type>
          <attributes>
          </attributes>
        </label>
      </labels>
      <subsets>Train
Validation</subsets>
    </project>
    <dumped>2024-02-01 10:00:00.000000+00:00</dumped>
  </meta>"""
BOX = ('<box label="cat" source="manual" occluded="0" xtl="10.00" ytl="20.50" xbr="40.00" ybr="60.00" z_order="0">{}'
       '</box>')


@pytest.fixture
def read(tmp_path):
    """Returns a function that writes images as CVAT does, reads them and returns the raw set."""
    def read_images(*images, **options):
        file = tmp_path / "annotations.xml"
        file.write_text(HEAD + "".join(images) + "</annotations>", encoding="utf-8")
        raw = read_cvat_file(str(file), ["images"], counted_folder="x", **options)
        assert (raw.box_format, raw.image_folders, raw.counted_folder) == ("edges", ("images",), "x")
        return list(raw.images)
    return read_images


def image(*shapes, name="a.jpg", subset=None):
    subset = f'subset="{subset}" task_id="9" ' if subset else ""
    return f'<image id="0" name="{name}" {subset}width="640" height="480">{"".join(shapes)}</image>'


def test_reads_a_task(read):
    first, second = read(image(BOX.format(""), '<tag label="night" source="manual"></tag>'),
                         image(name="b/c d.png"))
    assert (first.image_id, first.name, first.other_name) == ("a", "a.jpg", None)
    assert (first.width, first.height) == ("640", "480")
    assert [(o.position, o.label, o.box, o.difficult, o.crowd) for o in first.objects] == [
        (1, "cat", (10, 20.5, 40, 60), None, None)]
    assert first.where.endswith("annotations.xml: image 0 (a.jpg)")
    assert (second.name, second.objects) == ("b/c d.png", [])
    assert [one.objects for one in read(image(BOX.format("")), with_labels=False)] == [[]]


@pytest.mark.parametrize("shape, box", [
    ('<polygon label="cat" points="5.00,9.00;15.00,2.50;8.00,20.00" z_order="0"></polygon>', (5, 2.5, 15, 20)),
    ('<ellipse label="cat" cx="50.00" cy="40.00" rx="20.00" ry="10.00"></ellipse>', (30, 30, 70, 50)),
    ('<ellipse label="cat" cx="50.00" cy="40.00" rx="20.00" ry="10.00" rotation="90.00"></ellipse>', (40, 20, 60, 60)),
    ('<mask label="cat" rle="3, 4, 5" left="12" top="30" width="4" height="3"></mask>', (12, 30, 16, 33)),
    ('<box label="cat" xtl="10" ytl="20" xbr="30" ybr="28" rotation="90.00"></box>', (16, 14, 24, 34)),
    ('<cuboid label="cat" xtl1="1" ytl1="2" xbl1="1" ybl1="9" xtr1="6" ytr1="2" xbr1="6" ybr1="9" xtl2="3" ytl2="1" '
     'xbl2="3" ybl2="8" xtr2="8" ytr2="1" xbr2="8" ybr2="8"></cuboid>', (1, 1, 8, 9))])
def test_the_box_around_a_shape(read, shape, box):
    one, = read(image(shape))
    assert one.objects[0].box == pytest.approx(box)


@pytest.mark.parametrize("shape, place", [
    ('<polyline label="lane" points="5,9;15,2"></polyline>', (5, 2, 15, 9)),
    ('<points label="lane" points="5,9"></points>', (5, 9, 5, 9)),
    ('<skeleton label="lane"><points label="eye" points="5,9"></points></skeleton>', None)])
def test_what_is_no_box(read, shape, place):
    one, = read(image(shape))
    box = one.objects[0].box
    assert isinstance(box, NoBox) and box.place == place and box.why.startswith("it is no box, but")


@pytest.mark.parametrize("shape", ['<box label="cat" xtl="10"></box>', '<polygon label="cat" points=""></polygon>',
                                   '<hexagon label="cat"></hexagon>', '<box label="cat" xtl="a" ytl="1" xbr="2" '
                                   'ybr="3"></box>'])
def test_a_broken_shape_is_told_as_it_stands(read, shape):
    one, = read(image(shape))
    assert isinstance(one.objects[0].box, dict) and one.objects[0].label == "cat"


def test_attributes_say_what_is_difficult_and_a_crowd(read):
    attributes = '<attribute name="difficult">true</attribute><attribute name="is_crowd">false</attribute>'
    one, = read(image(BOX.format(attributes)))
    assert (one.objects[0].difficult, one.objects[0].crowd) == ("true", "false")


def test_subsets(read, tmp_path):
    content = (image(BOX.format(""), subset="Train"), image(name="b.jpg", subset="Validation"),
               image(name="c.jpg", subset="Train"))
    assert [(one.name, one.other_name) for one in read(*content, subset="Train")] == [
        ("Train/a.jpg", "a.jpg"), ("Train/c.jpg", "c.jpg")]
    assert len(read(*content)) == 3
    assert cvat_subsets(str(tmp_path / "annotations.xml")) == ("Train", "Validation")
    read(image(name="subset=1.jpg"), image(subset="Val &amp; more"))
    assert cvat_subsets(str(tmp_path / "annotations.xml")) == ("", "Val & more")
    read(image(), image())
    assert cvat_subsets(str(tmp_path / "annotations.xml")) == ()
    assert cvat_subsets(str(tmp_path / "nowhere.xml")) == ()


def test_an_image_without_a_name_is_a_fault(read):
    one, = read('<image id="3" width="5" height="5"></image>')
    assert one.fault[0] == "image_entry_broken" and 'image 3 (without a name) lacks a "name"' in one.fault[1]


def test_a_video_is_an_error_that_says_what_to_do(read):
    with pytest.raises(DataError, match='tracks in a video; export it as "CVAT for images 1.1"'):
        read('<track id="0" label="cat"><box frame="0" xtl="1" ytl="1" xbr="2" ybr="2" outside="0"></box></track>')


def test_another_file_is_an_error(tmp_path):
    (tmp_path / "a.xml").write_text("<annotations><image>")
    with pytest.raises(DataError, match="a.xml: not valid XML"):
        read_cvat_file(str(tmp_path / "a.xml"), [])
    with pytest.raises(DataError, match="b.xml: the annotation file cannot be read"):
        read_cvat_file(str(tmp_path / "b.xml"), [])


def test_a_turned_box_keeps_its_centre(read):
    one, = read(image('<box label="cat" xtl="10" ytl="20" xbr="30" ybr="28" rotation="30.00"></box>'))
    left, top, right, bottom = one.objects[0].box
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((20, 24))
    assert right - left == pytest.approx(20 * math.cos(math.radians(30)) + 8 * math.sin(math.radians(30)))
