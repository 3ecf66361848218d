"""Stacking images and boxes into batches."""
import numpy as np
import pytest
from light_head_rcnn.data import pad_boxes, pad_images, padded_box_count
from light_head_rcnn.data.batching.padding import pad_strip


def test_images_are_padded_with_zeros_to_the_stride():
    images = [np.full((3, 33, 20), 1, np.float32), np.full((3, 10, 64), 2, np.float32)]
    batch = pad_images(images, 32)
    assert batch.shape == (2, 3, 64, 64) and batch.dtype == np.float32
    assert (batch[0, :, :33, :20] == 1).all() and (batch[1, :, :10, :64] == 2).all()
    assert batch.sum() == images[0].sum() + images[1].sum()
    assert pad_images(images[:1], 1).shape == (1, 3, 33, 20) and pad_images(images[:1]).shape == (1, 3, 64, 32)
    assert pad_images([images[0][:, :32]], 32).shape == (1, 3, 32, 32)  # what fits already is not enlarged


@pytest.mark.parametrize("count, rows", [
    (0, 8), (1, 8), (8, 8), (9, 16), (16, 16), (17, 32), (33, 64), (65, 128), (129, 256), (300, 512), (2000, 2048)])
def test_boxes_are_padded_to_few_counts(count, rows):
    assert padded_box_count(count) == rows
    batch = pad_boxes([np.zeros((0, 5), np.float32), np.ones((count, 5), np.float32)])
    assert batch.shape == (2, rows, 5) and batch.dtype == np.float32


@pytest.mark.parametrize("counts", [(0,), (3, 0, 20), (9, 2)])
def test_boxes_come_first_and_rows_of_minus_one_follow(counts):
    boxes = [np.random.rand(count, 5).astype(np.float32) for count in counts]
    batch = pad_boxes(boxes)
    assert len(batch) == len(counts)
    for rows, expected in zip(batch, boxes):
        assert np.array_equal(rows[:len(expected)], expected) and (rows[len(expected):] == -1).all()


@pytest.mark.parametrize("size, padded", [((3, 40), (16, 40)), ((40, 15), (40, 16)), ((1, 2), (16, 16)),
                                          ((16, 16), (16, 16)), ((17, 300), (17, 300))])
def test_strips_are_as_wide_as_a_cell(size, padded):
    image = np.ones((3, *size), np.float32)
    found = pad_strip(image)
    assert found.shape == (3, *padded) and found.dtype == np.float32
    assert (found[:, :size[0], :size[1]] == 1).all() and found.sum() == image.sum()
