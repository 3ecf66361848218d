"""Detectors in other engines: what the model is given, and how its answer is handed on; the model is a function."""
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.engines.engine_detector import EngineDetector
from light_head_rcnn.engine.inference.dataset_detections import detect_dataset
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import CheckpointError

MEANS = (123.0, 117.0, 104.0)


@pytest.fixture
def given():
    """The arguments of each call of the model."""
    return []


@pytest.fixture
def detector(given):
    def model(images, im_info):
        given.append((images, im_info))
        count = len(images)
        boxes = np.full((count, 3, 4), -1, np.float32)
        boxes[:, 0], boxes[:, 1] = (1, 2, 30, 40), (-5, 0, 900, 10)
        return [boxes, np.tile(np.float32([0.75, 0.5, -1]), (count, 1)), np.tile(np.int32([1, 0, -1]), (count, 1)),
                np.full(count, 2, np.int32)]

    return EngineDetector(model, ("a", "b"), InputPreparation(((64, 96),), MEANS, None, 32), "fake", "folder")


def test_pixels_reach_the_model_as_they_are(detector, given):
    image = np.random.RandomState(0).randint(0, 256, (64, 80, 3)).astype(np.uint8)
    ids, scores, boxes = detector(image)
    (images, im_info), = given
    assert images.dtype == np.float32 and images.shape == (1, 3, 64, 96)
    np.testing.assert_array_equal(images[0, :, :, :80], image.transpose(2, 0, 1))
    np.testing.assert_array_equal(im_info, [[64, 80, 1]])
    assert ids.tolist() == [1, 0] and scores.tolist() == [0.75, 0.5]
    np.testing.assert_array_equal(boxes, [[1, 2, 30, 40], [0, 0, 79, 10]])
    assert detector.classes == ("a", "b") and detector.engine == "fake" and detector.source == "folder"


def test_boxes_are_in_the_frame_of_the_photograph(detector):
    boxes = detector(np.zeros((128, 160, 3), np.uint8)).boxes
    np.testing.assert_array_equal(boxes, [[2, 4, 60, 80], [0, 0, 159, 20]])


def test_a_strip_is_padded_with_what_becomes_zero(detector, given):
    detector(np.full((9, 96, 3), 7, np.uint8))
    (images, im_info), = given
    np.testing.assert_array_equal(im_info, [[16, 96, 1]])
    assert (images[0, :, :9, :96] == 7).all()
    for band, mean in zip(images[0], MEANS):
        assert (band[9:16, :96] == mean).all()


@pytest.mark.parametrize("answers, message", [
    ([np.zeros((1, 3, 4)), np.ones((1, 3)), np.full((1, 3), 2), np.ones(1, int)], "as a detector of 2 classes does"),
    ([np.zeros((1, 3, 5)), np.ones((1, 3)), np.zeros((1, 3), int), np.ones(1, int)], "does not answer as a detector"),
    ([np.zeros((2, 3, 4)), np.ones((2, 3)), np.zeros((2, 3), int), np.ones(2, int)], "does not answer as a detector"),
    (None, "the model of folder cannot be run: cannot unpack")])
def test_models_of_another_kind(answers, message, detector):
    detector.net._model = lambda images, im_info: answers
    with pytest.raises(CheckpointError, match=message):
        detector(np.zeros((64, 64, 3), np.uint8))


def test_lists_and_prepared_inputs(detector):
    image = np.zeros((64, 64, 3), np.uint8)
    assert [len(found.ids) for found in detector([image, image])] == [2, 2]
    ids, scores, boxes = detector.net(*detector.prepare(image))
    assert (ids.shape, scores.shape, boxes.shape) == ((1, 3, 1), (1, 3, 1), (1, 3, 4))


def test_data_sets_go_through_in_batches(detector, given, shapes):
    from light_head_rcnn import data
    dataset = data.load_dataset("shapes", shapes, "train")
    dataset.records = dataset.records[:3]
    found, failures = detect_dataset(detector, dataset, batch_images=2)
    assert not failures and [len(entry.ids) for entry in found] == [2, 2, 2]
    assert [len(images) for images, _ in given] == [2, 1]
    assert all(images.max() > 200 and images.min() >= 0 for images, _ in given)
