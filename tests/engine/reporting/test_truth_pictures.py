"""Ground truth on pictures: what is solid, dashed and hatched, in which colours, and where."""
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.engine.reporting import truth_pictures
from light_head_rcnn.engine.reporting.box_drawing import class_color
from light_head_rcnn.engine.reporting.truth_pictures import draw_comparison, draw_truth

BOX = (40, 60, 119, 139)
CLASSES = ("cat", "dog")


@pytest.fixture
def make(tmp_path):
    """Function from annotations and regions to the record of a gray image of 200 x 160 pixels."""
    def make(*annotations, regions=(), size=(200, 160)):
        Image.new("RGB", size, (128, 128, 128)).save(tmp_path / "gray.png")
        return make_record("gray", str(tmp_path / "gray.png"), *size, annotations, regions)

    return make


def has_color(picture, color):
    return (np.array(picture) == color).all(axis=2)


def share_of_lower_edge(picture, color):
    return has_color(picture, color)[139, 40:120].mean()


def test_objects_are_drawn_in_the_colour_of_their_class(make):
    picture = draw_truth(make(Annotation(BOX, 1)), CLASSES)
    assert picture.size == (200, 160) and share_of_lower_edge(picture, class_color(1)) == 1


@pytest.mark.parametrize("mark", ["crowd", "difficult", "ignored"])
def test_objects_that_do_not_count_are_dashed(make, mark):
    picture = draw_truth(make(Annotation(BOX, 1, **{mark: True})), CLASSES)
    assert 0.4 < share_of_lower_edge(picture, class_color(1)) < 0.7
    for side in (40, 119):
        assert 0.2 < has_color(picture, class_color(1))[60:140, side].mean() < 0.8
    assert not has_color(picture, class_color(1))[140:].any()
    # The label says so: it is wider.
    plain = has_color(draw_truth(make(Annotation(BOX, 1)), CLASSES), class_color(1))[:59].any(axis=0).sum()
    assert has_color(picture, class_color(1))[:59].any(axis=0).sum() > plain + 30


def test_regions_are_hatched(make):
    picture = np.array(draw_truth(make(regions=[(20, 20, 79, 59), (190, 150, 300, 300)]), CLASSES))
    assert (picture[20:60, 20:80] != 128).any(axis=2).mean() > 0.05
    picture[20:60, 20:80] = picture[150:, 190:] = 128
    assert (picture == 128).all()


def test_a_smaller_picture_has_its_boxes_in_place(make):
    record = make(Annotation((100, 100, 299, 199), 0), size=(400, 300))
    picture = draw_truth(record, CLASSES, limit=200)
    assert picture.size == (200, 150)
    mine = has_color(picture, class_color(0))
    assert mine[99, 50:150].all() and not mine[100:].any() and mine[60:100, [50, 149]].all()
    assert draw_truth(record, CLASSES, limit=500).size == (400, 300)


def test_a_larger_picture_has_its_boxes_in_place(make):
    picture = draw_truth(make(Annotation((50, 40, 149, 119), 0)), CLASSES, least=400)
    assert picture.size == (400, 320)
    mine = has_color(picture, class_color(0))
    assert mine[239, 100:300].all() and not mine[240:].any() and mine[80:240, [100, 299]].all()


def test_labels_of_a_crowd_of_small_objects_are_left_out(make):
    def colored(size, count):
        boxes = [(10 + 20 * i, 100, 10 + 20 * i + size, 100 + size) for i in range(count)]
        picture = draw_truth(make(*[Annotation(box, 0) for box in boxes], size=(400, 160)), CLASSES)
        return has_color(picture, class_color(0))[:99].any()

    assert colored(8, 8) and not colored(8, 9) and colored(40, 9)


def test_a_comparison_has_a_colour_for_each_outcome(make):
    record = make(Annotation((10, 10, 49, 49), 0), Annotation((60, 10, 99, 49), 0), Annotation((110, 10, 149, 49), 0,
                                                                                                difficult=True))
    boxes = np.array([(12, 14, 51, 53), (10, 90, 49, 129), (112, 90, 151, 129)], float)
    picture = draw_comparison(
        record, CLASSES, np.array([True, False, False]), np.array([True, True, False]),
        (np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7]), boxes), np.array([True, False, False]),
        np.array([False, True, False]))
    colors = truth_pictures
    assert has_color(picture, colors.FOUND)[11:49, 10].all()
    assert has_color(picture, colors.MISSED)[20:49, 60].all()
    assert has_color(picture, colors.CORRECT)[20:49, 51].all()
    assert has_color(picture, colors.FALSE)[95:129, 10].all()
    assert has_color(picture, colors.NOT_COUNTED)[95:129, 112].all()
    assert 0.2 < has_color(picture, colors.NOT_COUNTED)[11:49, 149].mean() < 0.8


def test_an_image_is_drawn_in_the_frame_of_its_boxes(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 160)).save(tmp_path / "turned.jpg", exif=exif)
    for upright, size in ((True, (160, 200)), (False, (200, 160))):
        record = make_record("turned", str(tmp_path / "turned.jpg"), *size, [], upright=upright)
        assert draw_truth(record, CLASSES).size == size
