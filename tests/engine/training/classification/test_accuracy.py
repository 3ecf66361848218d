"""The accuracy of a classifier, against a count by sorting."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.data.classification import ClassifiedImage, ClassifierTestLoader
from light_head_rcnn.data.classification.loaders import MadeBatch
from light_head_rcnn.engine.training.classification import accuracy
from light_head_rcnn.engine.training.classification.accuracy import ranks_of
from light_head_rcnn.engine.training.classification.objective import network_input


def test_ranks():
    rng = np.random.RandomState(0)
    logits, labels = rng.randn(50, 9), rng.randint(0, 9, 50)
    expected = [list(np.argsort(-row)).index(label) for row, label in zip(logits, labels)]
    assert ranks_of(logits, labels.astype(np.float32)).tolist() == expected


def test_answers_without_meaning_are_not_right():
    for value in (0.0, np.nan):
        assert (ranks_of(np.full((4, 3), value), np.array([0, 1, 2, 0])) == 2).all()


def test_a_set(monkeypatch):
    """Images whose first pixel says what the network answers; no image is of class 2, and one cannot be read."""
    answers, labels = [0, 1, 1, 1, 3], [0, 0, 1, 1, 3]
    batches = [MadeBatch(np.array(answers[:3], np.uint8).reshape(3, 1, 1, 1), np.array(labels[:3], np.float32), {}),
               MadeBatch(np.zeros((0, 0, 0, 3), np.uint8), np.zeros(0, np.float32), {"x.jpg": "broken"}),
               MadeBatch(np.array(answers[3:], np.uint8).reshape(2, 1, 1, 1), np.array(labels[3:], np.float32), {})]
    monkeypatch.setattr(accuracy, "network_input", lambda images: images)

    def net(images):
        return mx.nd.one_hot(images.reshape(-1), 4)

    found = accuracy.test_classifier(net, "abcd", batches, [mx.cpu(0), mx.cpu(1)])
    assert found.top1 == pytest.approx(4 / 5) and found.top5 == 1.0 and found.images == 5
    assert found.classes == {"a": 0.5, "b": 1.0, "c": None, "d": 1.0} and found.mean_class == pytest.approx(2.5 / 3)
    assert found.unread == {"x.jpg": "broken"}
    assert found.metrics() == {"top1": found.top1, "top5": 1.0, "mean_class": found.mean_class}


def test_no_image_can_be_read(tmp_path):
    images = [ClassifiedImage(str(tmp_path / "no.jpg"), -1, 0)]
    found = accuracy.test_classifier(None, "a", ClassifierTestLoader(images, 2, lambda pixels, seed: pixels),
                                     [mx.cpu()])
    assert found.images == 0 and np.isnan(found.top1) and found.classes == {"a": None} and len(found.unread) == 1


def test_pixels_become_what_torchvision_gives_its_networks():
    pixels = np.random.RandomState(0).randint(0, 256, (2, 4, 5, 3)).astype(np.float32)
    expected = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(network_input(mx.nd.array(pixels)).asnumpy(), expected.transpose(0, 3, 1, 2), atol=1e-4)
