"""The squares that a classifier reads: where they lie, how they change, and that they are what torchvision's are."""
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data.classification import TestView, TrainView
from light_head_rcnn.data.classification.views import random_box

TestView.__test__ = False


def test_boxes_have_the_areas_and_ratios_that_are_asked_for():
    rng = np.random.RandomState(0)
    boxes = np.array([random_box(300, 400, 0.08, rng) for _ in range(2000)])
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    assert boxes.min() >= 0 and boxes[:, 2].max() <= 400 and boxes[:, 3].max() <= 300
    shares, ratios = widths * heights / 120000, widths / heights
    assert 0.079 < shares.min() < 0.1 and shares.max() > 0.9
    assert 0.74 < ratios.min() < 0.78 and 1.28 < ratios.max() < 1.35
    assert abs(np.log(ratios).mean()) < 0.05
    assert len(set(boxes[:, 0])) > 100 and len(set(boxes[:, 1])) > 100


@pytest.mark.parametrize("height, width, box", [(10, 1000, (493, 0, 506, 10)), (1000, 10, (0, 493, 10, 506))])
def test_long_images_show_their_centre(height, width, box):
    assert random_box(height, width, 0.9, np.random.RandomState(0)) == box


def test_a_view_depends_on_the_seed_alone(noise):
    pixels, view = noise(50, 70), TrainView(32)
    views = [view(pixels, seed) for seed in (1, 2, 1)]
    assert all(one.shape == (32, 32, 3) and one.dtype == np.uint8 for one in views)
    assert (views[0] == views[2]).all() and (views[0] != views[1]).any()


def test_mirroring(noise):
    pixels = noise(20, 20)
    found = {TrainView(20, least_area=1, color_jitter=0)(pixels, seed).tobytes() for seed in range(60)}
    assert {pixels.tobytes(), pixels[:, ::-1].tobytes()} <= found
    unflipped = {TrainView(20, 1, flip=False, color_jitter=0)(pixels, seed).tobytes() for seed in range(60)}
    assert pixels.tobytes() in unflipped and pixels[:, ::-1].tobytes() not in unflipped


def test_colours_change_within_their_bounds():
    gray = np.full((20, 20, 3), 100, np.uint8)  # neither contrast nor saturation changes it
    values = [TrainView(8, color_jitter=0.4)(gray, seed)[0, 0, 0] for seed in range(300)]
    assert 59 <= min(values) < 65 and 135 < max(values) <= 140
    assert set(TrainView(8, color_jitter=0)(gray, 0).ravel()) == {100}


@pytest.mark.parametrize("height, width", [(256, 341), (300, 256), (512, 512)])
def test_the_centre_is_that_of_a_resized_image(height, width):
    """Resizing the shorter edge to 256 and cutting 224x224 out of the centre gives the same, up to the rounding."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([255 * y / height, 255 * x / width, 128 + 100 * np.sin(x / 40)], axis=-1).astype(np.uint8)
    scale = 256 / min(height, width)
    resized = Image.fromarray(pixels).resize((round(width * scale), round(height * scale)), Image.BILINEAR)
    left, top = (resized.width - 224) / 2, (resized.height - 224) / 2
    expected = np.asarray(resized.crop((round(left), round(top), round(left) + 224, round(top) + 224)))
    found = TestView(224)(pixels)
    assert np.abs(found.astype(int) - expected).mean() < 1.5
