"""A server of a detector that was truly exported answers as the detector does, bit for bit."""
import io
import struct
import threading
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.deploy.api import export
from light_head_rcnn.engine.deploy.detectors import load_detector
from light_head_rcnn.engine.inference.detections import to_original_frame
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.engine.serving.networks import Network, open_network
from light_head_rcnn.gluon_models import get_model

TOKEN = "0123456789abcdef-token"
IMAGES = (("PNG", (64, 64)), ("JPEG", (96, 64)), ("PNG", (64, 64)), ("JPEG", (700, 500)), ("GIF", (64, 64)),
          ("WEBP", (50, 120)), ("BMP", (64, 64)), ("TIFF", (64, 64)))


def picture(number, kind, size):
    pixels = np.random.RandomState(number).randint(0, 256, (9, 9, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.BICUBIC).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of an ONNX export of a detector with random parameters, and files of images."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    np.random.seed(0)
    mx.random.seed(0)
    net = get_model("light_head_rcnn_vovnetv2_19_slim_dw_voc", classes=("cup", "spoon"), mid_channels=8, hidden=32,
                    anchor_scales=(2, 4), rpn_channels=16, pre_nms=60, post_nms=12, max_per_image=15, nms=0.5)
    net.initialize(mx.init.Xavier(factor_type="in", magnitude=3))
    net.hybridize()
    root = tmp_path_factory.mktemp("served")
    export(Detector(net, net.classes, InputPreparation(((64, 96),), (123.0, 117.0, 104.0), (58.0, 57.0, 57.5), 32)),
           root / "cups", format="onnx")
    for number, (kind, size) in enumerate(IMAGES):
        (root / f"{number}").write_bytes(picture(number, kind, size))
    return root


@pytest.fixture(scope="module")
def server(folder, run_server):
    return run_server("-c", "import sys; from light_head_rcnn.experiments.commands.main import main; "
                      "sys.exit(main(sys.argv[1:]))", "serve", str(folder / "cups"), "--engine", "onnxruntime",
                      "--port", "0", "--max-megapixels", "1", "--token-file", str(token_file(folder)))


def token_file(folder):
    (folder / "token").write_text(TOKEN + "\n")
    return folder / "token"


def ask(server, content, path="/detect?threshold=0", kind="image/png"):
    return server.ask("POST", path, content, kind, Authorization=f"Bearer {TOKEN}")


def test_answers_are_those_of_the_detector(folder, server):
    detector = load_detector(folder / "cups", engine="onnxruntime")
    expected = [detector(folder / str(number)) for number in range(len(IMAGES))]
    assert sum(len(found.ids) for found in expected) > 20
    numbers = [number for number in range(len(IMAGES)) for _ in range(6)]
    np.random.RandomState(0).shuffle(numbers)
    answers = [None] * len(numbers)

    def client(first):
        for place in range(first, len(numbers), 8):
            answers[place] = ask(server, (folder / str(numbers[place])).read_bytes())

    threads = [threading.Thread(target=client, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, (status, _, answer) in zip(numbers, answers):
        found, (width, height) = expected[number], IMAGES[number][1]
        assert status == 200 and (answer["width"], answer["height"]) == (width, height)
        assert set(answer["seconds"]) == {"queue", "read", "network"}
        given = answer["detections"]
        assert [one["class"] for one in given] == [detector.classes[place] for place in found.ids]
        assert np.array_equal(np.float32([one["score"] for one in given]), found.scores)
        assert np.array_equal(np.float32([one["box"] for one in given]).reshape(-1, 4), found.boxes)
    best = ask(server, (folder / "1").read_bytes(), f"/detect?threshold={expected[1].scores[2]!r}&max=2")[2]
    assert [one["score"] for one in best["detections"]] == expected[1].scores[:2].tolist()


def test_images_that_cannot_be_read_are_told_without_paths(folder, server):
    png = picture(0, "PNG", (64, 64))
    large = png[:16] + struct.pack(">II", 50_000, 50_000) + png[24:]
    for content, status, problem in ((b"\x89PNG\r\n\x1a\n broken", 400, "the image: not a readable image"),
                                     (png[:60], 400, "the image"), (large, 413, "which are 1 million"),
                                     (b"hello", 400, "no image of a format that is read here")):
        found, _, answer = ask(server, content)
        assert found == status and problem in answer["error"]
        assert "/" not in answer["error"] and "dataset" not in answer["error"]
    assert ask(server, png)[0] == 200
    assert not list(Path("/dev/shm").glob(f"lhrcnn-serve-{server.process.pid}-*/*/*"))
    assert server.stop() == 0


def test_batches_whose_answers_differ_go_one_by_one():
    calls = []

    def model(arrays):
        x, _ = arrays
        calls.append(len(x))
        wrong = len(x) > 1 and x.shape[3] == 32
        return np.zeros((len(x), 1, 1)), x[:, :1, :1, 0] + 0.1 * wrong, np.ones((len(x), 1, 4))

    network = Network(model, model, 2, 8)
    info = np.float32([[32, 32, 1]])
    for width, sizes in ((64, [2, 1, 1, 2, 2]), (32, [2, 1, 1, 1, 1, 1, 1])):
        calls.clear()
        for _ in range(3):
            images = [(np.full((1, 3, 32, width), number, np.float32), info) for number in range(2)]
            assert [float(scores[0, 0]) for _, scores, _ in network(images)] == [0, 1]
        assert calls == sizes
    assert network.batch_of(128, 128) == 8 and network.batch_of(600, 800) == 1
    assert Network(model, model, 2, 3).batch_of(64, 64) == 3


def test_mxnet_serves_too():
    net = get_model("light_head_rcnn_vovnetv2_19_slim_dw_voc", classes=("cup",), mid_channels=8, hidden=32,
                    anchor_scales=(2, 4), rpn_channels=16, pre_nms=60, post_nms=12, max_per_image=15, nms=0.5)
    net.initialize()
    detector = Detector(net, net.classes, InputPreparation(((64, 96), (48, 72)), (123.0, 117.0, 104.0), None, 32))
    network = open_network(detector, 8)
    views, size = detector.inputs(np.random.RandomState(0).randint(0, 256, (64, 80, 3)).astype(np.uint8))
    (ids, scores, boxes), = network([[array for view in views for array in view]])
    expected = detector.detect_prepared(views, size)
    found = to_original_frame(ids, scores, boxes, views[0][1][0, 2], size[1], size[0])
    assert all(map(np.array_equal, found, expected))
