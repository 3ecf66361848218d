"""Each view of an image has its own size."""
import numpy as np

from light_head_rcnn.engine.inference.input_preparation import InputPreparation


def test_sizes_means_and_padding_of_each_view():
    preparation = InputPreparation(((40, 100), (80, 100)), (10, 20, 30), (1, 2, 4), 32)
    pixels = np.full((50, 100, 3), 50, np.uint8)
    for view, (height, width, scale) in enumerate([(40, 80, 0.8), (50, 100, 1.0)]):
        x, im_info = preparation.network_input(pixels, view)
        np.testing.assert_allclose(im_info, [[height, width, scale]], rtol=1e-6)
        assert x.shape == (1, 3, 64, 96 if view == 0 else 128) and x.dtype == np.float32
        np.testing.assert_array_equal(x[0, :, 0, 0], [40, 15, 5])
        assert not x[0, :, height:].any() and not x[0, :, :, width:].any()
