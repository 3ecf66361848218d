"""Exports that are loaded into an engine answer as MXNet does."""
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.deploy.detectors import load_detector
from light_head_rcnn.engine.deploy.engines.comparison import compare_answers
from light_head_rcnn.engine.deploy.export import noise_images


@pytest.fixture(params=["onnxruntime", "openvino"])
def loaded(request, export):
    pytest.importorskip(request.param, reason=f"needs the package {request.param}")
    return load_detector(export, engine=request.param)


def check(answer, expected):
    assert len(expected.ids) and answer.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(answer.scores, expected.scores, atol=1e-4)
    np.testing.assert_allclose(answer.boxes, expected.boxes, atol=0.05)


def test_arrays_lists_and_files(loaded, small_detector, tmp_path):
    images = noise_images(4) + [noise_images(5)[0][:20]]
    for answer, image in zip(loaded(images), images):
        check(answer, small_detector(image))
    Image.fromarray(images[0]).save(tmp_path / "photo.png")
    check(loaded(tmp_path / "photo.png"), small_detector(tmp_path / "photo.png"))


def test_images_of_a_batch_keep_their_own_sizes(loaded, small_detector):
    def batch(detector):
        (one, one_info), (other, other_info) = (detector.preparation.network_input(image)
                                                for image in noise_images(6)[:2])
        height, width = np.maximum(one.shape[2:], other.shape[2:])
        x = np.zeros((2, 3, height, width), np.float32)
        x[0, :, :one.shape[2], :one.shape[3]], x[1, :, :other.shape[2], :other.shape[3]] = one[0], other[0]
        return [array.asnumpy() for array in detector.views([(x, np.concatenate([one_info, other_info]))],
                                                            detector.contexts[0])]

    for answer, expected, tolerance in zip(batch(loaded), batch(small_detector), (0, 1e-4, 0.05)):
        np.testing.assert_allclose(answer, expected, rtol=0, atol=tolerance)


def test_the_comparison_of_an_export(loaded, small_detector):
    report = compare_answers(small_detector, loaded, noise_images(0))
    assert report.found_again == report.detections > 0 and report.scores < 1e-5 and report.boxes < 0.01
