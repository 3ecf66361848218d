"""The figures of an image set, against those counted by hand."""
import json

import numpy as np
from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.data.studies.statistics import LARGE_FROM, SMALL_UNDER, set_statistics


def records():
    return [
        make_record("a", "a.jpg", 640, 480, [Annotation((0, 0, 30, 30), 0), Annotation((0, 0, 31, 31), 2, crowd=True),
                                             Annotation((0, 0, 94, 95), 2), Annotation((10, 10, 105, 105), 0,
                                                                                       difficult=True)]),
        make_record("b", "b.jpg", 100, 200, [Annotation((0, 0, 99, 199), 2, ignored=True)], regions=[(1, 1, 5, 5)]),
        make_record("c", "c.jpg", 320, 320, [])]


def test_images_and_boxes_are_counted():
    figures = set_statistics(records(), 4)
    assert (figures.images, figures.images_without_boxes, figures.boxes) == (3, 1, 5)
    assert (figures.crowd, figures.difficult, figures.ignored, figures.regions) == (1, 1, 1, 1)
    assert figures.boxes_of_class == (2, 0, 3, 0) and figures.images_of_class == (1, 0, 2, 0)


def test_spreads_are_least_median_and_most():
    figures = set_statistics(records(), 4)
    assert figures.width == (100, 320, 640) and figures.height == (200, 320, 480)
    assert figures.aspect == (0.5, 1, 640 / 480)
    assert figures.boxes_per_image == (0, 1, 4)
    assert figures.box_width == (31, 95, 100) and figures.box_height == (31, 96, 200)


def test_sizes_of_boxes_are_those_of_coco_in_an_image_of_640_by_480():
    np.testing.assert_allclose([SMALL_UNDER ** 2 * 640 * 480, LARGE_FROM ** 2 * 640 * 480], [32 ** 2, 96 ** 2])
    figures = set_statistics(records(), 4)
    assert (figures.small, figures.medium, figures.large) == (1, 2, 2)


def test_a_set_without_images_has_zeros():
    figures = set_statistics([], 2)
    assert figures.boxes_of_class == (0, 0) and figures.width == (0, 0, 0) and figures.boxes == 0


def test_json_has_names_of_classes():
    figures = json.loads(json.dumps(set_statistics(records(), 3).as_json(("cat", "dog", "cow"))))
    assert figures["boxes_of_class"] == {"cat": 2, "dog": 0, "cow": 3}
    assert figures["width"] == {"least": 100, "median": 320, "most": 640}
