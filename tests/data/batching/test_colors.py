"""Random changes of colours."""
import colorsys

import numpy as np
import pytest

from light_head_rcnn.data.batching.colors import change_colors, color_change, draw_color_change

PIXELS = np.random.RandomState(0).randint(0, 256, (20, 30, 3)).astype(np.uint8)
LUMA = np.array([0.299, 0.587, 0.114])


def clipped(values):
    return np.clip(np.round(values), 0, 255)


def near(image, values):
    assert image.dtype == np.uint8 and np.abs(image - clipped(values)).max() <= 1


def test_each_change_by_its_definition():
    near(change_colors(PIXELS, color_change()), PIXELS)
    near(change_colors(PIXELS, color_change(brightness=-20)), PIXELS - 20.0)
    near(change_colors(PIXELS, color_change(contrast=1.5)), PIXELS * 1.5)
    gray = PIXELS @ LUMA[:, None]
    near(change_colors(PIXELS, color_change(saturation=0.5)), 0.5 * PIXELS + 0.5 * gray)
    near(change_colors(PIXELS, color_change(saturation=1.5)), 1.5 * PIXELS - 0.5 * gray)
    near(change_colors(PIXELS, color_change(brightness=10, contrast=0.5, saturation=0.5)),
         0.5 * (0.5 * PIXELS + 0.5 * gray + 10))


@pytest.mark.parametrize("angle", [-36, 20])
def test_the_hue_turns_and_the_brightness_stays(angle):
    colors = np.uint8([[(150, 100, 100), (100, 150, 100), (100, 100, 150), (120, 120, 120)]])
    turned = change_colors(colors, color_change(hue=angle))[0]
    assert np.abs(turned @ LUMA - colors[0] @ LUMA).max() <= 1 and turned[3].tolist() == [120, 120, 120]
    # In YIQ, hues are not the angles of HSV, but go the same way round and about as far.
    for before, after in zip(colors[0, :3], turned[:3]):
        first, second = (colorsys.rgb_to_hsv(*(color / 255))[0] * 360 for color in (before, after))
        change = (second - first + 180) % 360 - 180
        assert abs(change) == pytest.approx(abs(angle), rel=0.7)
    three = {np.sign((colorsys.rgb_to_hsv(*(a / 255))[0] - colorsys.rgb_to_hsv(*(b / 255))[0] + 0.5) % 1 - 0.5)
             for a, b in zip(turned[:3], colors[0, :3])}
    assert len(three) == 1


def test_what_is_drawn():
    changes = [draw_color_change(np.random.RandomState(seed)) for seed in range(2000)]
    gains = np.array([change[:, :3].sum(axis=1) for change in changes])  # what gray is multiplied by: the contrast
    assert np.abs(gains - gains[:, :1]).max() < 1e-9
    assert 0.5 <= gains.min() < 0.52 and 1.48 < gains.max() <= 1.5 and 0.45 < (np.abs(gains - 1) < 1e-9).mean() < 0.55
    offsets = np.array([change[0, 3] for change in changes]) / gains[:, 0]
    assert -32 <= offsets.min() < -31 and 31 < offsets.max() <= 32 and 0.45 < (offsets == 0).mean() < 0.55
    same = [np.allclose(change, np.eye(3, 4), atol=1e-9) for change in changes]
    assert 0.04 < np.mean(same) < 0.09  # one of sixteen: none of the four is changed
    assert np.array_equal(changes[3], draw_color_change(np.random.RandomState(3)))
