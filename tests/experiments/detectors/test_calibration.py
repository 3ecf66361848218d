"""Random detectors get as many candidates as a trained one; the photograph is the same everywhere."""
import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.experiments.benchmarks.detectors import calibration, photo


def test_spread_and_outputs():
    mx.random.seed(0)
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(6, 1), mx.gluon.nn.Dense(5))
    net.initialize(mx.init.Normal(3))
    x = mx.nd.array(np.random.RandomState(0).normal(size=(7, 3, 4, 5)))
    for layer, deviation, positions in ((net[0], 2.0, 7 * 4 * 5), (net[1], 0.5, 7)):
        net(x)
        calibration.spread([layer], lambda: net(x), deviation)
        output, = calibration.outputs_of([layer], lambda: net(x))
        assert output.shape[0] == positions
        assert abs(output.mean(axis=0)).max() < 1e-4 and output.std() == pytest.approx(deviation, rel=1e-4)


@pytest.mark.parametrize("scores, more_is_more, threshold", [(calibration.softmax_scores, False, 0.001),
                                                             (calibration.softmax_scores, False, 0.05),
                                                             (calibration.sigmoid_scores, True, 0.01)])
def test_the_bias_lets_as_many_candidates_pass(scores, more_is_more, threshold):
    logits = np.random.RandomState(0).normal(0, 2, (500, 21))
    bias, passing = calibration.first_column_bias(logits, threshold, scores, more_is_more, 300)
    assert abs(passing - 300) <= 3
    logits[:, 0] += bias
    assert passing == (scores(logits) > threshold).sum()


def test_scores():
    assert calibration.softmax_scores(np.log([[1.0, 2, 1]])).tolist() == [pytest.approx([0.5, 0.25])]
    assert calibration.sigmoid_scores(np.array([[0.0, 0, 100]])).tolist() == [pytest.approx([0.25, 0.5])]


def test_the_photo_is_the_same_each_time(tmp_path):
    paths = [tmp_path / name for name in ("a.jpg", "b.jpg")]
    for path in paths:
        photo.draw_photo(str(path))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert Image.open(paths[0]).size == (1500, 1000) and 200_000 < paths[0].stat().st_size < 2_000_000
