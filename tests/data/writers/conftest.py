"""Records with everything that a layout can or cannot keep."""
import pytest
from light_head_rcnn.data.record import Annotation, make_record

CLASSES = ("cat", "no", "café & bar")


@pytest.fixture
def sets(tmp_path, make_image):
    """Image sets by name: two images of one name, one in two sets, one without boxes; whole and broken boxes."""
    paths = {name: tmp_path / "source" / name for name in ("a/1.jpg", "b/1.jpg", "b/two words.png", "b/3.jpg")}
    for index, path in enumerate(paths.values()):
        make_image(path, 60, 40, index)

    def record(image_id, name, annotations, **options):
        return make_record(image_id, str(paths[name]), 60, 40, annotations, **options)

    shared = [Annotation((0, 0, 59, 39), 0), Annotation((1.5, 2.25, 9.875, 11.123456), 2, area=50.5)]
    return {
        "train": [record(7, "a/1.jpg", shared),
                  record(9, "b/1.jpg", [Annotation((5, 6, 7, 8), 1, difficult=True), Annotation((3, 3, 3, 3), 1),
                                        Annotation((10, 10, 30, 30), 0, crowd=True),
                                        Annotation((10, 10, 20, 20), 0, ignored=True)], regions=[(1, 1, 4, 4)]),
                  record(3, "b/two words.png", [])],
        "val": [record(7, "a/1.jpg", shared), record(8, "b/3.jpg", [Annotation((2, 2, 12, 12), 2)])]}


@pytest.fixture
def classes():
    """Names of the classes of `sets`."""
    return CLASSES
