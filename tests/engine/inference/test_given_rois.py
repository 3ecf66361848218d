"""From proposals to the RoIs of each view, and detectors of given proposals: one image, several, mirrored, pyramids."""
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

import light_head_rcnn
from light_head_rcnn import data
from light_head_rcnn.data.proposals import ProposalSet
from light_head_rcnn.engine.inference import given_rois
from light_head_rcnn.engine.inference.dataset_detections import detect_dataset
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.given_rois import RoIPreparation, mirrored_rois, nearest_scales, padded_rois
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.engine.inference.test_time_augmentation import MultiView
from light_head_rcnn.errors import DataError, UsageError

SCALES = ((48, 96), (64, 128), (96, 192))


def network(**options):
    net = light_head_rcnn.get_model(
        "fast_rcnn_xception_coco", classes=("a", "b", "c"), hidden=(32,), pool_levels=(3,), score_threshold=0.1,
        max_per_image=15, **options)
    net.initialize(mx.init.Normal(0.05))
    rng = np.random.RandomState(0)
    for block, std in ((net.head.cls_score, 0.2), (net.head.bbox_pred, 0.1)):
        block.weight.set_data(mx.nd.array(rng.normal(0, std, block.weight.shape)))
    net.hybridize()
    return net


def random_boxes(count, height, width, seed=0):
    rng = np.random.RandomState(seed)
    corners = rng.uniform(0, [width - 9, height - 9], (count, 2))
    ends = corners + rng.uniform(8, [width / 2, height / 2], (count, 2))
    return np.concatenate([corners, np.minimum(ends, [width - 1, height - 1])], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def net():
    return network()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Five images of one shape, and the boxes of each."""
    folder, rng, records, boxes = tmp_path_factory.mktemp("photos"), np.random.RandomState(0), [], {}
    for number in range(5):
        height, width = 64, 90
        path = str(folder / f"{number}.png")
        Image.fromarray(rng.randint(0, 255, (height, width, 3)).astype(np.uint8)).save(path)
        records.append(data.make_record(number, path, width, height, []))
        boxes[path] = random_boxes((9, 0, 30, 4, 1)[number], height, width, number)
    return records, boxes


def detector(net, scales=SCALES[:1], flip=False, contexts=None, **options):
    rois = RoIPreparation(**{"limit": 2000, "stride": 16, **options})
    how = InputPreparation(scales, (100, 100, 100), (1, 1, 1), 32)
    return Detector(net, net.classes, how, contexts, flip, rois=rois)


def found(answer):
    return np.concatenate([answer.ids[:, None], answer.scores[:, None], answer.boxes], axis=1)


def test_nearest_scales_by_a_loop():
    boxes, scales, side = random_boxes(200, 375, 500), (1.2, 1.6, 2.3, 3.2, 4.5), 224
    expected = []
    for x1, y1, x2, y2 in boxes.astype(float):
        distances = [abs((x2 - x1 + 1) * s * (y2 - y1 + 1) * s - side * side) for s in scales]
        expected.append(distances.index(min(distances)))
    assert nearest_scales(boxes, scales, side).tolist() == expected and len(set(expected)) == 5
    assert nearest_scales(boxes[:3], (1.5, 1.5, 1.5), side).tolist() == [0, 0, 0]
    assert nearest_scales(boxes[:0], scales, side).shape == (0,)


def test_rois_of_all_views_by_hand():
    boxes = np.array([[16, 16, 79, 79], [21, 11, 85, 75], [0, 0, 255, 255], [40, 40, 60, 60]], np.float32)
    infos = [np.array([[300, 400, scale], [200, 300, scale]], np.float32) for scale in (1, 2)]
    plain = RoIPreparation(limit=3, stride=16).network_inputs([boxes, boxes[:0]], infos)
    # The first two are one box at stride 16; the fourth is above the limit.
    assert [rois.shape for rois in plain] == [(2, 8, 4)] * 2
    np.testing.assert_array_equal(plain[0][0, :3], [boxes[0], boxes[2], [-1] * 4])
    np.testing.assert_array_equal(plain[1][0, :4], [2 * boxes[0], 2 * boxes[1], 2 * boxes[2], [-1] * 4])
    assert (plain[0][1] == -1).all()
    pyramid = RoIPreparation(limit=9, stride=16, pyramid_side=224).network_inputs([boxes, boxes], infos)
    np.testing.assert_array_equal(pyramid[0][0, :2], [boxes[2], [-1] * 4])
    np.testing.assert_array_equal(pyramid[1][1, :4], [*2 * boxes[[0, 1, 3]], [-1] * 4])


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (8, 3), (9, 2), (300, 5), (1999, 2000), (2049, 1)])
def test_padding(counts):
    rois = [random_boxes(count, 500, 500) for count in counts]
    batch = padded_rois(rois)
    assert batch.dtype == np.float32 and max(counts) <= batch.shape[1] < max(max(counts) * 1.25, max(counts) + 9)
    for rows, of_image in zip(batch, rois):
        np.testing.assert_array_equal(rows[:len(of_image)], of_image)
        assert (rows[len(of_image):] == -1).all()


def test_mirrored_rois_twice_are_the_same_and_padding_stays():
    info = np.array([[80, 100, 1], [60, 70, 1]], np.float32)
    rois = padded_rois([random_boxes(5, 80, 100), random_boxes(3, 60, 70)])
    once = mirrored_rois(rois, info)
    np.testing.assert_allclose(once[0, 0], [99 - rois[0, 0, 2], rois[0, 0, 1], 99 - rois[0, 0, 0], rois[0, 0, 3]])
    np.testing.assert_allclose(mirrored_rois(once, info), rois, atol=1e-4)
    assert (once[1, 3:] == -1).all()


def test_a_pyramid_of_one_level_is_the_single_scale(net, photos):
    for record in photos[0]:
        one, other = (detector(net, pyramid_side=side)(record.path, photos[1][record.path]) for side in (None, 100))
        np.testing.assert_array_equal(found(one), found(other))
    # So is a pyramid whose levels are all the same.
    same = detector(net, SCALES[:1] * 3, pyramid_side=100)
    np.testing.assert_allclose(found(same(record.path, photos[1][record.path])), found(one), atol=1e-5)


def test_a_pyramid_classifies_each_roi_at_its_scale(net, photos):
    """The candidates of the views, put together, are those of each RoI in the view that a loop finds for it."""
    record, side = photos[0][2], 25
    boxes = photos[1][record.path]
    pyramid = detector(net, SCALES, pyramid_side=side, stride=1)
    inputs, _ = pyramid.inputs(record.path, proposals=boxes)
    areas = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    views = np.array([np.argmin([abs(area * info[0, 2] ** 2 - side ** 2) for _, info, _ in inputs]) for area in areas])
    assert set(views) == {0, 1, 2}
    expected = []
    for view, (x, info, rois) in enumerate(inputs):
        mine = boxes[views == view] * info[0, 2]
        assert (rois[0, :, 2] >= 0).sum() == len(mine)
        scores, found_boxes, _ = net.candidates(mx.nd, mx.nd.array(x), mx.nd.array(info), mx.nd.array(mine[None]))
        expected.append((scores.asnumpy(), found_boxes.asnumpy() / info[0, 2] * inputs[0][1][0, 2]))
    scores, frames = (np.concatenate(arrays, axis=1) for arrays in zip(*expected))
    chosen = net.suppress(mx.nd, mx.nd.array(scores), mx.nd.array(frames))
    answer = MultiView(net)(inputs, mx.cpu())
    for one, other in zip(chosen, answer):
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), atol=1e-3)
    assert (chosen[0].asnumpy() >= 0).sum() > 3


def test_with_mirror_images_a_mirrored_image_has_mirrored_detections(net, photos):
    record = photos[0][2]
    pixels, boxes = np.asarray(Image.open(record.path)), photos[1][record.path].round()
    turned = np.stack([89 - boxes[:, 2], boxes[:, 1], 89 - boxes[:, 0], boxes[:, 3]], axis=1)
    one = detector(net, ((64, 128),), flip=True, stride=1)(pixels, boxes)
    other = detector(net, ((64, 128),), flip=True, stride=1)(pixels[:, ::-1], turned)
    assert len(one.ids) > 3
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    np.testing.assert_allclose(one.boxes[:, [0, 2]], 89 - other.boxes[:, [2, 0]], atol=1e-2)


@pytest.mark.parametrize("batch_images, devices", [(1, 1), (3, 1), (2, 2)])
def test_a_data_set_in_batches_is_detected_as_image_by_image(photos, batch_images, devices):
    contexts = [mx.cpu(number) for number in range(devices)]
    net = network()
    net.collect_params().reset_ctx(contexts)
    records, boxes = photos
    rows = np.concatenate([boxes[record.path] for record in records])
    starts = np.cumsum([0] + [len(boxes[record.path]) for record in records])
    proposals = ProposalSet(rows, {record.path: (int(start), len(boxes[record.path]))
                                   for record, start in zip(records, starts)}, ["a.npz"])
    dataset = SimpleNamespace(records=records, log=data.FaultLog(data.FaultPolicy("default")))
    how = detector(net, SCALES[:2], True, contexts)
    together = detect_dataset(how, dataset, batch_images, proposals=proposals).detections
    for record, of_image in zip(records, together):
        np.testing.assert_allclose(found(of_image), found(how(record.path, boxes[record.path])), atol=2e-3)
    assert len(together[1].ids) == 0 and len(together[2].ids) > 3
    lacking = ProposalSet(rows, dict(list(proposals.places.items())[1:]), ["a.npz"])
    with pytest.raises(DataError, match="a.npz: there is no entry of the image .*0.png"):
        detect_dataset(how, dataset, batch_images, proposals=lacking)


def test_what_is_missing_is_said(net, photos):
    record, how = photos[0][0], detector(net)
    boxes = photos[1][record.path]
    for call in (lambda: how(record.path), lambda: how.prepare(record.path)):
        with pytest.raises(UsageError, match=r"detector\(image, proposals=boxes\).*--proposals.*lhrcnn proposals"):
            call()
    with pytest.raises(UsageError, match="a stream brings no proposals along"):
        how.stream([record.path])
    dataset = SimpleNamespace(records=photos[0], log=None)
    with pytest.raises(UsageError, match="dataset.proposal_files=FILE; in Python.* lhrcnn proposals writes them"):
        detect_dataset(how, dataset)
    plain = Detector(net, net.classes, how.preparation)
    with pytest.raises(UsageError, match="finds its proposals itself"):
        plain(record.path, boxes)
    with pytest.raises(UsageError, match="finds its proposals itself"):
        detect_dataset(plain, dataset, proposals=object())
    with pytest.raises(UsageError, match=r"images \(2\), and proposals of images \(1\)"):
        how([record.path, record.path], [boxes])
    several = how([record.path, record.path], [boxes, boxes[:0]])
    assert len(several[0].ids) > 0 and len(several[1].ids) == 0
    of_one_array = how([record.path, record.path], np.stack([boxes, boxes[::-1]]))
    np.testing.assert_array_equal(of_one_array[0].boxes, several[0].boxes)


@pytest.mark.parametrize("boxes, fault", [
    (np.zeros((3, 5)), r"got one of shape \(3, 5\)"), (np.zeros(4), r"got one of shape \(4,\)"),
    (np.array([[0, 0, np.nan, 9]]), "not a finite number"), ("boxes.npz", "rows .* of numbers"),
    ([[0, 0, 9, 9], [0, 0, 9]], "rows .* of numbers"), ([[0, 0, 9, None]], "rows .* of numbers|finite")])
def test_proposals_that_are_none(net, photos, boxes, fault):
    with pytest.raises(DataError, match=fault):
        detector(net)(photos[0][0].path, boxes)


def test_boxes_outside_are_clipped_or_left_out():
    boxes = [[-5, -5, 20, 20], [80, 50, 400, 400], [200, 200, 300, 300], [30, 30, 20, 40], [0, 0, 20, 20]]
    np.testing.assert_array_equal(given_rois.checked_proposals(boxes, 64, 90), [[0, 0, 20, 20], [80, 50, 89, 63]])
    assert given_rois.checked_proposals([], 64, 90).shape == (0, 4)
