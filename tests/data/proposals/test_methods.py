"""Selective search and edge boxes on a drawn picture, where OpenCV has its contrib modules, and without them."""
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data import make_record
from light_head_rcnn.data.proposals.edges import edge_map
from light_head_rcnn.data.proposals.methods import ProposalFinder
from light_head_rcnn.data.proposals.opencv import import_opencv
from light_head_rcnn.errors import DataError, LibraryError, UsageError

try:
    import_opencv()
    MISSING = ""
except LibraryError as error:
    MISSING = str(error)
needs_opencv = pytest.mark.skipif(bool(MISSING), reason=MISSING or "OpenCV has its contrib modules")
# One tree with one question, whether the middle of a patch is bright.
FOREST = """%YAML:1.0
---
options: {stride: 2, shrinkNumber: 2, patchSize: 32, patchInnerSize: 16, numberOfGradientOrientations: 4,
  gradientSmoothingRadius: 0, regFeatureSmoothingRadius: 2, ssFeatureSmoothingRadius: 8, gradientNormalizationRadius: 4,
  selfsimilarityGridSize: 5, numberOfTrees: 1, numberOfTreesToEvaluate: 1}
childs: [[2, 0, 0]]
featureIds: [[136, 0, 0]]
thresholds: [[0.5, 0.0, 0.0]]
edgeBoundaries: [[0, 0, 0, 3]]
edgeBins: [[119, 120, 136]]
"""
BOXES = np.array([[30, 20, 129, 99], [200, 60, 259, 139]])


@pytest.fixture
def picture():
    """Two bright boxes on dark ground, with a little noise."""
    pixels = np.random.RandomState(0).randint(40, 46, (180, 320, 3)).astype(np.uint8)
    for (x1, y1, x2, y2), color in zip(BOXES, ((220, 40, 40), (40, 200, 220))):
        pixels[y1:y2 + 1, x1:x2 + 1] = color
    return pixels


def best_overlap(box, boxes):
    width = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0]) + 1
    height = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1]) + 1
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    area = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    return (shared / (area + (box[2] - box[0] + 1) * (box[3] - box[1] + 1) - shared)).max()


@needs_opencv
@pytest.mark.parametrize("method", ["selective_search", "edge_boxes"])
@pytest.mark.parametrize("width", [0, 160])
def test_the_boxes_of_a_picture_are_found(picture, method, width):
    finder = pickle.loads(pickle.dumps(ProposalFinder(method, limit=400, width=width)))
    boxes, scores = finder.find(picture)
    assert boxes.dtype == np.float32 and 0 < len(boxes) <= 400 and len(np.unique(boxes, axis=0)) == len(boxes)
    assert (boxes >= 0).all() and (boxes[:, 2] <= 319).all() and (boxes[:, 3] <= 179).all()
    assert min(best_overlap(box, boxes) for box in BOXES) > (0.85 if width == 0 else 0.75)
    if method == "edge_boxes":
        assert scores.shape == (len(boxes),) and (np.diff(scores) <= 0).all()
    else:
        assert scores is None
    np.testing.assert_array_equal(finder.find(picture).boxes, boxes)  # nothing depends on what was found before


@needs_opencv
def test_boxes_are_brought_back_to_the_original_image(picture, monkeypatch):
    finder = ProposalFinder("selective_search", width=160)
    corners = np.array([[10, 20, 30, 40], [0, 0, 160, 90]])
    monkeypatch.setattr(finder, "_selective_search", lambda image: (corners, None))
    # A box of the pixels 10 to 39 is one of the pixels 20 to 79 in an image of twice the size.
    np.testing.assert_array_equal(finder.find(picture).boxes, [[20, 40, 79, 119], [0, 0, 319, 179]])


@needs_opencv
@pytest.mark.parametrize("method", ["selective_search", "edge_boxes"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3), (40, 2000, 3), (60, 50, 3)])
def test_small_narrow_and_blank_pictures(method, shape):
    boxes, scores = ProposalFinder(method).find(np.full(shape, 90, np.uint8))
    assert boxes.ndim == 2 and boxes.shape[1] == 4 and (scores is None or len(scores) == len(boxes))
    assert (boxes[:, 2] <= shape[1] - 1).all() and (boxes[:, 3] <= shape[0] - 1).all()


@needs_opencv
def test_records_in_worker_processes(picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "a.png")
    finder = ProposalFinder("selective_search", limit=50)
    found, error = finder(make_record(1, str(tmp_path / "a.png"), 320, 180, []))
    assert error is None and len(found.boxes) == 50
    found, error = finder(make_record(1, str(tmp_path / "b.png"), 320, 180, []))
    assert len(found.boxes) == 0 and isinstance(error, DataError)


@needs_opencv
def test_gradients_are_ridges_across_edges():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = 200
    strength, orientation = edge_map(image)
    assert strength.dtype == orientation.dtype == np.float32 and strength.max() == 1
    assert set(np.nonzero(strength.max(axis=0))[0]) <= {29, 30}  # thin, and where the edge is
    at_edge = orientation[20, 29]
    assert min(at_edge, np.pi - at_edge) < 0.01  # crossed from left to right
    strength, orientation = edge_map(np.ascontiguousarray(image.transpose(1, 0, 2)))
    assert abs(orientation[29, 20] - np.pi / 2) < 0.01
    assert not edge_map(np.zeros((20, 20, 3), np.uint8))[0].any()


@needs_opencv
def test_an_edge_model(picture, tmp_path):
    (tmp_path / "forest.yml").write_text(FOREST)
    image = np.zeros((96, 128, 3), np.uint8)
    image[:, 64:] = 255
    strength, orientation = edge_map(image, str(tmp_path / "forest.yml"))
    assert strength.shape == orientation.shape == (96, 128) and strength.dtype == np.float32
    assert not strength[:, :40].any()  # the tree finds edges where it is bright
    finder = ProposalFinder("edge_boxes", edge_model=str(tmp_path / "forest.yml"))
    assert finder.settings["edges"] == "forest.yml" and finder.find(picture).boxes.shape[1] == 4


@needs_opencv
def test_edge_models_that_cannot_be_used(tmp_path):
    with pytest.raises(DataError, match="nothing.yml: there is no such file; .* is published as https://"):
        ProposalFinder("edge_boxes", edge_model=str(tmp_path / "nothing.yml"))
    for name, content in (("a.yml", "%YAML:1.0\n---\nx: 1\n"), ("b.yml.gz", "no archive"), ("c.yml", ""),
                          ("d.yml", FOREST.replace("stride: 2", "stride: 0")), ("e.yml", "%YAML:1.0\n---\n- 1\n"),
                          ("f.yml", FOREST.replace("childs", "children")), ("g.yml", "%YAML:1.0\n---\noptions: 3\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=f"{name}: it has no structured edge detector of OpenCV; .* published as"):
            ProposalFinder("edge_boxes", edge_model=str(tmp_path / name))


@pytest.mark.parametrize("arguments, message", [
    (("magic",), "must be one of selective_search, edge_boxes"), (("selective_search", "slow"), "fast, quality"),
    (("selective_search", "fast", 0), "limit must be at least 1"),
    (("selective_search", "fast", 5, -1), "width at least"),
    (("selective_search", "fast", 5, 0, "model.yml"), "an edge model is for edge_boxes"),
])
def test_mistakes(arguments, message):
    with pytest.raises(UsageError, match=message):
        ProposalFinder(*arguments)


@pytest.mark.parametrize("module, problem", [
    (SimpleNamespace(__version__="4.11.0"), "OpenCV 4.11.0 is installed without its contrib modules"),
    (None, "OpenCV cannot be imported"),
])
def test_without_the_contrib_modules(monkeypatch, module, problem):
    monkeypatch.setitem(sys.modules, "cv2", module)
    import_opencv.cache_clear()
    with pytest.raises(LibraryError, match=f"{problem}.*pip install --force-reinstall --no-deps "
                                           "'opencv-contrib-python-headless<4.12'"):
        ProposalFinder("selective_search")
    import_opencv.cache_clear()
