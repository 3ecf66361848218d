"""Detections drawn on images."""
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.reporting import drawing

CLASSES = ("circle", "square")


def draw(tmp_path, ids, scores, boxes, size=(120, 160), name="out.png"):
    image = np.full(size + (3,), 128, np.uint8)
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    drawing.draw_detections(image, np.array(ids, int), None if scores is None else np.array(scores, np.float32), boxes,
                          CLASSES, tmp_path / name)
    return np.array(Image.open(tmp_path / name))


def test_boxes_are_drawn_in_their_colours_and_the_size_is_kept(tmp_path):
    picture = draw(tmp_path, [0, 1], [0.9, 0.8], [[20, 40, 79, 99], [100, 50, 150, 110]])
    assert picture.shape == (120, 160, 3)
    # The lower edge and the sides of the first box, away from labels; nothing inside it, nothing just outside.
    assert (picture[99, 25:75] == drawing._color(0)).all() and (picture[70, 20] == drawing._color(0)).all()
    assert (picture[70, 79] == drawing._color(0)).all() and (picture[70, 150] == drawing._color(1)).all()
    assert (picture[60:95, 25:75] == 128).all() and (picture[70, 81:99] == 128).all()


@pytest.mark.parametrize("box", [[0, 0, 159, 119], [-5, -5, 10, 10], [150, 110, 158, 118], [60, 60, 59.5, 59.4]])
def test_labels_stay_in_the_picture(tmp_path, box):
    picture = draw(tmp_path, [1], [0.5], [box])
    # A label is a filled patch of the class's colour with its text.
    assert (picture == drawing._color(1)).all(2).sum() > 200


def test_labels_do_not_cover_each_other(tmp_path):
    alone = draw(tmp_path, [0], [0.9], [[40, 50, 110, 90]])
    both = draw(tmp_path, [0, 1], [0.9, 0.8], [[40, 50, 110, 90], [41, 51, 111, 91]])
    label = (alone == drawing._color(0)).all(2)
    label[50:] = False
    assert label.any() and (both[label] == drawing._color(0)).all()


def test_nothing_found_is_the_image_itself(tmp_path):
    assert (draw(tmp_path, [], [], []) == 128).all()


def test_truth_has_no_score_and_jpeg_works(tmp_path):
    assert draw(tmp_path, [0], None, [[20, 40, 79, 99]], name="out.jpg").shape == (120, 160, 3)


def test_colours_of_many_classes_differ():
    assert len({drawing._color(index) for index in range(81)}) == 81
