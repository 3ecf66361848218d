"""Detections in the original images' frames, from networks that answer what the tests say."""
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.errors import DataError
from light_head_rcnn.data import TestLoader, make_record
from light_head_rcnn.engine.inference import detector as detect

# Not a test class, whatever its name says.
TestLoader.__test__ = False


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


@pytest.mark.parametrize("batch, contexts", [(1, None), (2, None), (3, [mx.cpu(0), mx.cpu(1)])])
def test_detections_come_in_order_and_in_the_images_frame(folder, batch, contexts):
    loader = TestLoader(folder, batch, 80, 160, (10, 10, 10), stride=32)
    detections = detect.detect_dataset(coloured_box_net, [loader], folder, contexts)
    assert [len(ids) for ids, _, _ in detections] == [1, 0, 1]
    for record, (ids, scores, boxes) in zip(folder, detections):
        assert boxes.shape == (len(ids), 4) and boxes.dtype == scores.dtype == np.float32
        if len(ids):
            assert (ids[0], scores[0]) == (1, 0.5)
            # Within a pixel of the resized image, half of one here.
            np.testing.assert_allclose(boxes[0], record.boxes[0], atol=1.01)


def test_boxes_are_scaled_and_clipped():
    ids, scores, boxes = detect.to_original(
        np.array([[0.0], [2.0], [-1.0]]), np.array([[0.9], [0.8], [-1.0]]),
        np.array([[20, 40, 60, 80], [-10, 0, 500, 500], [-1, -1, -1, -1]], np.float32), 2.0, 100, 50)
    assert ids.tolist() == [0, 2] and ids.dtype.kind == "i"
    np.testing.assert_array_equal(boxes, [[10, 20, 30, 40], [0, 0, 99, 49]])


def test_detector_takes_files_and_arrays(folder, tmp_path):
    detector = detect.Detector(coloured_box_net, ("a", "b"), 80, 160, (10, 10, 10), (1, 1, 1), 32, mx.cpu())
    x, im_info = detector.prepare(folder[0].path)
    assert x.shape == (1, 3, 96, 128) and im_info.asnumpy().tolist() == [[80, 128, 2]]
    by_path, by_array = detector(folder[0].path), detector(np.array(Image.open(folder[0].path)))
    for one, other in zip(by_path, by_array):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(by_path[2][0], folder[0].boxes[0], atol=1.01)
    (tmp_path / "no.jpg").write_text("not an image")
    with pytest.raises(DataError, match=r"no\.jpg"):
        detector(tmp_path / "no.jpg")


def test_which_checkpoint(tmp_path):
    def choose(checkpoint=None, epoch=None, test_epoch=0):
        return detect._choose(SimpleNamespace(
            output_path=str(tmp_path), TRAIN=SimpleNamespace(model_prefix="net"),
            TEST=SimpleNamespace(test_epoch=test_epoch)), checkpoint, epoch)

    assert choose("a/b-0003") == choose("a/b-0003.params") == "a/b-0003"
    assert choose(epoch=7, test_epoch=3) == str(tmp_path / "net-0007")
    assert choose(test_epoch=3) == str(tmp_path / "net-0003")
    with pytest.raises(detect.CheckpointError, match="train first"):
        choose()
