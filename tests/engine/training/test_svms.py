"""Support vector machines on features: labels of RoIs, mining, and the class layer that answers their margins."""
import numpy as np
import pytest

from light_head_rcnn.engine.training import svms

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'light_head_rcnn[svm]'")
UNITS, CLASSES = 12, 2


def images(rng, count=30, proposals=120):
    """Features in three clusters: two classes and background, which reach into each other."""
    centres = 3 * rng.randn(CLASSES + 1, UNITS)
    found = []
    for _ in range(count):
        truths = np.concatenate([[0, 1], np.full(proposals, -1)])
        group = np.where(truths >= 0, truths, CLASSES)
        features = (centres[group] + 2 * rng.randn(len(truths), UNITS)).astype(np.float32)
        overlaps = np.zeros((len(truths), CLASSES), np.float32)
        overlaps[[0, 1], [0, 1]] = 1
        found.append(svms.ImageFeatures(features, overlaps, truths))
    return found


def test_mining_ends_where_training_on_all_negatives_does(monkeypatch):
    from sklearn.svm import LinearSVC
    monkeypatch.setattr(svms, "_RETRAIN_AFTER", 50)
    monkeypatch.setattr(svms, "_SAMPLED_NEGATIVES", 2)
    of_images = images(np.random.RandomState(0))
    found = svms.train_machines(lambda: iter(of_images), CLASSES)
    features, overlaps, truths = (np.concatenate(parts) for parts in zip(*of_images))
    scale = 20 / np.linalg.norm(features[truths == -1], axis=1).mean()
    for number in range(CLASSES):
        chosen = (truths == number) | (overlaps[:, number] < 0.3)
        machine = LinearSVC(loss="hinge", dual=True, C=1e-3, class_weight={1: 2.0}, intercept_scaling=10.0,
                            max_iter=200000, random_state=0)
        machine.fit(scale * features[chosen], np.where(truths[chosen] == number, 1, -1))
        expected = scale * features @ machine.coef_[0] + machine.intercept_[0]
        margins = features @ found.weights[number] + found.biases[number]
        # With the sampled negatives alone the margins are wrong by 0.4 of their largest.
        assert np.abs(expected - margins).max() < 0.03 * np.abs(expected).max()
        assert found.negatives[number] < chosen.sum() / 2 and found.positives[number] == len(of_images)


def test_other_classes_and_regions_of_which_nothing_is_known():
    rng = np.random.RandomState(1)
    of_images = images(rng)
    # Where the second class is not an example of anything, it is no negative of the first.
    hidden = [image._replace(truths=np.where(image.truths == 1, -2, image.truths)) for image in of_images]
    hidden[0] = of_images[0]
    first, second = (svms.train_machines(one.__iter__, CLASSES) for one in (of_images, hidden))
    others = np.concatenate([image.features[1:2] for image in of_images])
    means = [float((others @ one.weights[0] + one.biases[0]).mean()) for one in (first, second)]
    assert means[0] < means[1]


def test_class_without_ground_truth():
    of_images = [image._replace(truths=np.where(image.truths == 1, -1, image.truths)) for image in
                 images(np.random.RandomState(2), 3)]
    with pytest.raises(ValueError, match="class 1 has no ground truth"):
        svms.train_machines(lambda: iter(of_images), CLASSES)


def test_labels():
    boxes = np.float32([[0, 0, 9, 9], [20, 0, 29, 9]])
    rois = np.concatenate([boxes, np.float32([[0, 0, 9, 4], [20, 0, 29, 9], [50, 50, 59, 59]])])
    overlaps, truths = svms.label_rois(rois, boxes, np.array([1, 0]), np.float32([[50, 50, 80, 80]]), 3)
    np.testing.assert_allclose(overlaps, [[0, 1, 0], [1, 0, 0], [0, 0.5, 0], [1, 0, 0], [0, 0, 0]])
    assert truths.tolist() == [1, 0, -1, -1, -2]


def test_class_layer_answers_the_margins():
    machines = svms.Machines(np.float32([[1, 2], [3, 4]]), np.float32([5, 6]), (1, 1), (2, 2))
    weights, biases = svms.class_layer(machines)
    np.testing.assert_array_equal(np.float32([[1, -1]]) @ weights.T + biases, [[0, 4, 5]])
