"""Images of a data set, as records without files."""
import pytest

from light_head_rcnn.data import make_record


@pytest.fixture
def records():
    """Images of 100 x 80 pixels: two with one name in two folders, two with names of their own; ids from 1."""
    return [make_record(number, f"/data/pets/{name}", 100, 80, [])
            for number, name in enumerate(("train/0001.jpg", "val/0001.jpg", "val/dog.jpg", "val/cat.v2.png"), 1)]
