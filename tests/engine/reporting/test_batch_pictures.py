"""Pictures of training images as a network gets them."""
import numpy as np

from light_head_rcnn.data import IGNORED_REGION
from light_head_rcnn.engine.reporting.batch_pictures import draw_input
from light_head_rcnn.engine.reporting.box_drawing import class_color

MEAN, STD = (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)


def test_means_are_undone_and_boxes_are_drawn():
    pixels = np.zeros((200, 300, 3), np.uint8) + np.uint8([20, 50, 230])
    image = ((pixels - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)
    padded = np.zeros((3, 200, 320), np.float32)
    padded[:, :, :300] = image
    rows = np.float32([[30, 40, 120, 150, 2], [200, 20, 280, 90, IGNORED_REGION], [-1] * 5, [150, 100, 190, 160, 0]])
    picture = np.asarray(draw_input(padded, rows, MEAN, STD, ("cat", "dog")))
    assert picture.shape == (200, 320, 3)
    assert picture[180, 10].tolist() == [20, 50, 230] and picture[100, 310].tolist() == [100, 110, 120]
    for y, x in ((100, 30), (100, 120), (150, 100)):
        assert picture[y, x].tolist() == list(class_color(1))
    assert (picture[21:90, 201:280] != [20, 50, 230]).any(axis=2).all()  # hatched
    assert (picture[100:161, 150:191] == [20, 50, 230]).all()  # a RoI to sample from, of class 0, is no object
    small = draw_input(padded, rows, MEAN, STD, ("cat", "dog"), limit=160)
    assert small.size == (160, 100) and small.getpixel((15, 50)) == class_color(1)
