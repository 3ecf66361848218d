"""Detections in the original images' frames, from networks that answer what the tests say."""
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.errors import DataError
from light_head_rcnn.data import make_record
from light_head_rcnn.engine.inference.dataset_detections import detect_dataset
from light_head_rcnn.engine.inference.detections import to_original_frame
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation


def coloured_box_net(x, im_info):
    """Finds the one red rectangle of each image: class 1, score 0.5, one padding row, boxes in the input's frame."""
    red = x.asnumpy()[:, 0] > 60
    boxes = np.full((len(red), 2, 4), -1, np.float32)
    for slot, mask in zip(boxes, red):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows):
            slot[0] = columns[0], rows[0], columns[-1], rows[-1]
    found = (boxes[:, :, :1] >= 0).astype(np.float32)
    return [mx.nd.array(array) for array in (found * 2 - 1, found * 1.5 - 1, boxes)]


@pytest.fixture
def folder(tmp_path):
    """Three images of unlike sizes, each with one rectangle, but the second without; and their records."""
    records = []
    sizes_and_boxes = [(64, 40, (8, 4, 31, 19)), (40, 64, None), (80, 80, (40, 40, 79, 79))]
    for number, (width, height, box) in enumerate(sizes_and_boxes):
        image = np.zeros((height, width, 3), np.uint8)
        if box:
            image[box[1]:box[3] + 1, box[0]:box[2] + 1, 0] = 255
        path = tmp_path / f"{number}.png"
        Image.fromarray(image).save(path)
        records.append(make_record(number, str(path), width, height, [(box, 0, False, False)] if box else []))
    return records


def detector(contexts=None):
    return Detector(coloured_box_net, ("a", "b"), InputPreparation(((80, 160),), (10, 10, 10), (1, 1, 1), 32), contexts)


@pytest.mark.parametrize("batch, contexts", [(1, None), (2, None), (3, None), (2, [mx.cpu(0), mx.cpu(1)])])
def test_detections_of_a_data_set_come_in_order_and_in_the_images_frame(folder, batch, contexts):
    detections = detect_dataset(detector(contexts), SimpleNamespace(records=folder), batch).detections
    assert [len(ids) for ids, _, _ in detections] == [1, 0, 1]
    for record, (ids, scores, boxes) in zip(folder, detections):
        assert boxes.shape == (len(ids), 4) and boxes.dtype == scores.dtype == np.float32
        if len(ids):
            assert (ids[0], scores[0]) == (1, 0.5)
            # Within a pixel of the resized image, half of one here.
            np.testing.assert_allclose(boxes[0], record.boxes[0], atol=1.01)


def test_boxes_are_scaled_and_clipped():
    ids, scores, boxes = to_original_frame(
        np.array([[0.0], [2.0], [-1.0]]), np.array([[0.9], [0.8], [-1.0]]),
        np.array([[20, 40, 60, 80], [-10, 0, 500, 500], [-1, -1, -1, -1]], np.float32), 2.0, 100, 50)
    assert ids.tolist() == [0, 2] and ids.dtype.kind == "i"
    np.testing.assert_allclose(scores, [0.9, 0.8])
    np.testing.assert_array_equal(boxes, [[10, 20, 30, 40], [0, 0, 99, 49]])


def test_detector_takes_files_arrays_and_pictures(folder, tmp_path):
    x, im_info = detector().prepare(folder[0].path)
    assert x.shape == (1, 3, 96, 128) and im_info.asnumpy().tolist() == [[80, 128, 2]]
    by_path = detector()(folder[0].path)
    picture = Image.open(folder[0].path)
    for image in (np.array(picture), picture, picture.convert("RGBA")):
        for one, other in zip(by_path, detector()(image)):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(by_path.boxes[0], folder[0].boxes[0], atol=1.01)
    (tmp_path / "no.jpg").write_text("not an image")
    with pytest.raises(DataError, match=r"no\.jpg"):
        detector()(tmp_path / "no.jpg")


def test_a_list_of_images_gives_a_list(folder):
    answers = detector()([folder[0].path, np.array(Image.open(folder[1].path)), folder[2].path])
    assert [len(answer.ids) for answer in answers] == [1, 0, 1]
    np.testing.assert_array_equal(answers[2].boxes, detector()(folder[2].path).boxes)
    assert detector()([]) == []


def test_arrays_of_every_kind_give_the_detections_of_the_file(folder):
    by_path, pixels = detector()(folder[0].path), np.array(Image.open(folder[0].path))
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    for image in (mx.nd.array(pixels, dtype="uint8"), pixels.astype(np.float32), pixels / 255.0, pixels.astype(int),
                  pixels.astype(np.uint16) * 257, pixels > 0, opaque):
        for one, other in zip(by_path, detector()(image)):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("image, message", [
    (np.zeros((3, 40, 50), np.uint8), r"got \(3, 40, 50\), which looks like .* image.transpose\(1, 2, 0\)"),
    (np.zeros((2, 40, 50, 3), np.uint8), "give several images as a list"),
    (np.zeros((0, 5, 3), np.uint8), r"\(height, width\), or \(height, width, channels\) .* got \(0, 5, 3\)"),
    (np.full((4, 5, 3), np.nan), "no finite numbers"),
    (np.full((4, 5, 3), -1.5), "from 0 to 1 or from 0 to 255, these go from -1.5"),
    (np.full((4, 5, 3), "a"), "numbers, not of <U1"),
    (None, "a path, a PIL image, or an array of NumPy or MXNet, got a NoneType")])
def test_what_is_no_image_is_refused(image, message):
    with pytest.raises(DataError, match=message):
        detector()(image)


def test_a_large_file_gives_boxes_in_its_own_frame(tmp_path):
    box = (400, 200, 1399, 899)
    image = np.zeros((1001, 1607, 3), np.uint8)
    image[box[1]:box[3] + 1, box[0]:box[2] + 1, 0] = 255
    Image.fromarray(image).save(tmp_path / "large.jpg", quality=95, subsampling=0)
    for source in (tmp_path / "large.jpg", image):
        x, im_info = detector().prepare(source)
        assert x.shape == (1, 3, 96, 128) and im_info.asnumpy()[0].tolist() == [80, 128, np.float32(80 / 1001)]
        # Within a pixel of the network's input, 12.5 of the original here.
        np.testing.assert_allclose(detector()(source).boxes, [box], atol=13)
    record = make_record(1, str(tmp_path / "large.jpg"), 1607, 1001, [])
    found, = detect_dataset(detector(), SimpleNamespace(records=[record])).detections
    np.testing.assert_array_equal(found.boxes, detector()(tmp_path / "large.jpg").boxes)


def test_the_limit_of_pixels_is_the_detectors(folder):
    small = Detector(coloured_box_net, ("a", "b"), detector().preparation, max_megapixels=0.002)
    for read in (small, small.read, small.prepare):
        with pytest.raises(DataError, match="0.png: 64 x 40 pixels .*max_megapixels"):
            read(folder[0].path)
