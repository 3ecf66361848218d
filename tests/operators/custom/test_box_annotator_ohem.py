"""Operator `BoxAnnotatorOHEM`: a slow reference, hand-made cases, several images."""
import mxnet as mx
import numpy as np
import pytest


def example(seed=0, rois=30, classes=5, columns=8):
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, classes, rois).astype(np.float32)
    weights = np.repeat(labels[:, None] > 0, columns, axis=1).astype(np.float32)
    arrays = [rng.normal(0, 2, (rois, classes)), rng.normal(0, 1.5, (rois, columns)), labels,
              rng.normal(0, 1, (rois, columns)), weights]
    return [array.astype(np.float32) for array in arrays]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("keep", [1, 10, 29, 30, 100])
def test_equals_the_slow_reference(seed, keep, run, reference):
    arrays = example(seed)
    found = run("BoxAnnotatorOHEM", *arrays, num_classes=5, num_reg_classes=2, roi_per_img=keep)
    for a, b in zip(found, reference.mining(*arrays, keep)):
        np.testing.assert_array_equal(a, b)
    assert (found[0] >= 0).sum() == min(keep, 30)


@pytest.mark.parametrize("seed", range(20))
def test_nearly_equal_losses_are_ordered_as_in_the_mxnet_original(seed, run):
    """The order of nearly equal losses depends on their last bits, so they must be computed by operators of MXNet.

    Such losses are common: probabilities of certain background round to one, and RoIs are repeated where few proposals
    survive suppression.
    """
    rng = np.random.RandomState(seed)
    arrays = example(seed, rois=120, classes=81)
    arrays[2][:100], arrays[4][:100] = 0, 0
    arrays[0][:100, 0] += rng.uniform(0, 60, 100)
    repeated = rng.randint(0, 120, 300)
    arrays = [array[repeated] for array in arrays]
    logits, pred, labels, targets, weights = map(mx.nd.array, arrays)
    losses = -np.log((mx.nd.SoftmaxActivation(logits) + 1e-14).pick(labels).asnumpy())
    losses += mx.nd.sum(weights * mx.nd.smooth_l1(pred - targets, scalar=1.0), axis=1).asnumpy()
    expected = arrays[2].copy()
    expected[np.argsort(losses)[::-1][128:]] = -1
    found = run("BoxAnnotatorOHEM", *arrays, num_classes=81, num_reg_classes=2, roi_per_img=128)
    np.testing.assert_array_equal(found[0], expected)


def test_by_hand(run):
    """Box losses of 2 - 0.5 and 0.5 ** 2 / 2, each with a log loss of log 2."""
    logits = np.zeros((4, 2))
    pred = np.array([[0, 2], [0, 0.5], [0, 9], [0, 0.4]])
    weights = np.array([[1, 1], [1, 1], [0, 0], [1, 1]])
    labels, out = run("BoxAnnotatorOHEM", logits, pred, [1, 1, 0, 1], np.zeros((4, 2)), weights, num_classes=2,
                      num_reg_classes=1, roi_per_img=2)
    np.testing.assert_array_equal(labels, [1, 1, -1, -1])
    np.testing.assert_array_equal(out, [[1, 1], [1, 1], [0, 0], [0, 0]])


def test_probability_of_zero_is_a_large_loss_not_an_infinite_one(run):
    logits = np.array([[0, 1000], [0, 1000], [0, 5]])
    labels, _ = run("BoxAnnotatorOHEM", logits, np.array([[7], [0], [0]]), [0, 0, 0], np.zeros((3, 1)), np.ones((3, 1)),
                    num_classes=2, num_reg_classes=1, roi_per_img=1)
    np.testing.assert_array_equal(labels, [0, -1, -1])


def test_images_of_a_batch_each_keep_their_own(run):
    parts = [example(seed) for seed in range(3)]
    parts[1][0] *= 20  # the largest losses of all
    options = dict(num_classes=5, num_reg_classes=2, roi_per_img=4)
    found = run("BoxAnnotatorOHEM", *map(np.concatenate, zip(*parts)), batch_images=3, **options)
    for a, b in zip(found, map(np.concatenate, zip(*(run("BoxAnnotatorOHEM", *part, **options) for part in parts)))):
        np.testing.assert_array_equal(a, b)


def test_ignored_rois_are_not_kept(run):
    arrays = example()
    arrays[2][5:] = -1
    arrays[4][5:] = 0
    labels, weights = run("BoxAnnotatorOHEM", *arrays, num_classes=5, num_reg_classes=2, roi_per_img=8)
    np.testing.assert_array_equal(labels, arrays[2])
    np.testing.assert_array_equal(weights, arrays[4])
