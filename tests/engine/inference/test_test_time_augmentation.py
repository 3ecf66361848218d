"""Several scales and mirror images: their frames, and what is chosen among the boxes of all views."""
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon
from PIL import Image

import light_head_rcnn
from light_head_rcnn import data
from light_head_rcnn.data import make_record
from light_head_rcnn.engine.inference import test_time_augmentation as views
from light_head_rcnn.engine.inference.dataset_detections import detect_dataset
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.operators import boxes as box_ops
from light_head_rcnn.operators import detections

CPU, MEANS = mx.cpu(), (10, 10, 10)
ROIS, THRESHOLDS = 20, dict(score_threshold=0.1, max_per_image=15)


def network(seed=0, **options):
    net = light_head_rcnn.get_model(
        "light_head_rcnn_xception_coco", classes=("a", "b", "c"), pre_nms=100, post_nms=ROIS, rpn_nms=0.5,
        anchor_scales=(1, 2), **dict(THRESHOLDS, **options))
    net.initialize(mx.init.Normal(0.05))
    rng = np.random.RandomState(seed)
    for block, std in ((net.rpn.score, 0.3), (net.rpn.box, 0.1), (net.head.cls_score, 0.03),
                       (net.head.bbox_pred, 0.05)):
        block.weight.set_data(mx.nd.array(rng.normal(0, std, block.weight.shape)))
    net.hybridize()
    return net


def scaled(height, width, scale):
    """Two images of noise as a network reads them, the second smaller than the first, and their im_info."""
    rng = np.random.RandomState(int(height))
    x = rng.normal(0, 50, (2, 3, height, width)).astype(np.float32)
    im_info = np.array([[height, width, scale], [height * 3 / 4, width * 5 / 8, scale]], np.float32)
    x[1, :, int(im_info[1, 0]):] = 0
    x[1, :, :, int(im_info[1, 1]):] = 0
    return x, im_info


SMALL, LARGE = scaled(64, 96, 1), scaled(80, 128, 1.25)


def answers_of(multi_view, inputs):
    return [array.asnumpy() for array in multi_view(inputs, CPU)]


@pytest.mark.parametrize("options", [{}, {"class_agnostic": False}, {"soft_nms": "gaussian"}])
def test_a_scale_given_twice_changes_nothing(options):
    net = network(**options)
    once = answers_of(views.MultiView(net), [SMALL])
    assert (once[0] >= 0).sum(axis=1).max() == 15
    # The second image alone is shown otherwise.
    other = SMALL[0], SMALL[1] * np.float32([[1], [0.5]])
    for inputs, images in (([SMALL] * 2, 2), ([SMALL] * 3, 2), ([SMALL, other], 1)):
        for one, several in zip(once, answers_of(views.MultiView(net), inputs)):
            np.testing.assert_array_equal(one[:images], several[:images])
            assert images == 2 or not np.array_equal(one[1], several[1])


def test_a_mirrored_view_is_left_out_where_its_scale_was_seen():
    """Only the second image is shown otherwise at the other scale, where the mirrored view of the first is masked."""
    net = network()
    other = SMALL[0] * 1.01, SMALL[1] * np.float32([[1], [0.5]])
    mirrored = answers_of(views.MultiView(net, flip=True), [SMALL])
    several = answers_of(views.MultiView(net, flip=True), [SMALL, other])
    for one, all_views in zip(mirrored, several):
        np.testing.assert_array_equal(one[0], all_views[0])
    assert not np.array_equal(mirrored[1][1], several[1][1])
    for one, twice in zip(mirrored, answers_of(views.MultiView(net, flip=True), [SMALL, SMALL])):
        np.testing.assert_array_equal(one, twice)


@pytest.mark.parametrize("agnostic, suppression", [
    (True, {}), (False, {}), (True, {"soft_nms": "gaussian", "soft_nms_sigma": 0.6}), (False, {"soft_nms": "linear"})])
@pytest.mark.parametrize("flip", [False, True])
def test_choosing_among_all_views_by_hand(module_at, agnostic, suppression, flip):
    reference = module_at("operators/reference_boxes.py")
    net = network(class_agnostic=agnostic, nms=0.4, **suppression)
    ids, scores, boxes = answers_of(views.MultiView(net, flip), [SMALL, LARGE])
    of_images, padded = [([], []), ([], [])], 0
    for x, im_info in (SMALL, LARGE):
        for mirror in (False, True)[:1 + flip]:
            seen = views.mirrored(x, im_info) if mirror else x
            found = [array.asnumpy() for array in net.candidates(mx.nd, mx.nd.array(seen), mx.nd.array(im_info))]
            for n, (all_scores, all_boxes) in enumerate(of_images):
                count = int(found[2][n])
                padded += ROIS - count
                moved = found[1][n, :count].reshape(count, -1, 4)
                moved = moved / im_info[n, 2]
                if mirror:  # in the original image, as training does
                    moved = box_ops.mirror(moved, im_info[n, 1] / im_info[n, 2])
                moved = np.clip(moved, 0, SMALL[1][n, [1, 0, 1, 0]] - 1)
                all_scores.append(found[0][n, :count])
                all_boxes.append(moved.reshape(count, -1))
    assert padded > 0
    soft = {"soft": suppression.get("soft_nms", "none"), "sigma": suppression.get("soft_nms_sigma", 0.5)}
    for n, (all_scores, all_boxes) in enumerate(of_images):
        expected = reference.multiclass_nms(np.concatenate(all_scores)[None], np.concatenate(all_boxes)[None],
                                            nms_threshold=0.4, **soft, **THRESHOLDS)[0][0]
        assert (expected[:, 0] >= 0).sum() > 5
        np.testing.assert_allclose(np.concatenate([ids[n], scores[n], boxes[n]], axis=1), expected, atol=2e-3)


def test_with_mirror_images_a_mirrored_image_has_mirrored_detections():
    net = network()
    x, im_info = SMALL
    ids, scores, boxes = answers_of(views.MultiView(net, flip=True), [SMALL])
    of_mirrored = answers_of(views.MultiView(net, flip=True), [(views.mirrored(x, im_info), im_info)])
    alone = answers_of(views.MultiView(net), [SMALL])
    assert not np.array_equal(alone[2], boxes)
    found = ids[..., 0] >= 0
    assert found.sum() > 10
    np.testing.assert_array_equal(ids, of_mirrored[0])
    np.testing.assert_allclose(scores, of_mirrored[1], atol=1e-5)
    np.testing.assert_allclose(box_ops.mirror(boxes, im_info[:, 1].reshape(2, 1, 1))[found], of_mirrored[2][found],
                               atol=1e-3)


def test_images_are_mirrored_within_their_own_width():
    x = np.zeros((2, 3, 4, 6), np.float32)
    x[0, 0], x[1, 1, :3, :4] = np.arange(6), np.arange(4)
    result = views.mirrored(x, np.array([[4, 6, 1], [3, 4, 1]], np.float32))
    np.testing.assert_array_equal(result[0, 0], [[5, 4, 3, 2, 1, 0]] * 4)
    np.testing.assert_array_equal(result[1, 1], [[3, 2, 1, 0, 0, 0]] * 3 + [[0] * 6])
    assert x[0, 0, 0, 0] == 0


@pytest.mark.parametrize("mirror, expected", [(False, [5, 10, 15, 20]), (True, [34, 10, 44, 20])])
def test_boxes_are_brought_to_another_frame(mirror, expected):
    # Two boxes a row; the second lies on the last pixels.
    boxes = mx.nd.array([[[10, 20, 30, 40, 79, 99, 99, 119]]])
    twice, once = mx.nd.array([[120, 100, 2]]), mx.nd.array([[60, 50, 1]])
    found = views.to_frame(boxes, twice, once, mirror).asnumpy()
    assert found.shape == (1, 1, 8)
    np.testing.assert_array_equal(found[0, 0, :4], expected)
    np.testing.assert_array_equal(found[0, 0, 4:], [0, 49.5, 9.5, 59] if mirror else [39.5, 49.5, 49, 59])


class Finder(gluon.HybridBlock):
    """Finds the one red rectangle of each image: class 1, as sure as the mean of green says; 1 RoI, classes a, b."""

    classes = ("a", "b")

    def hybrid_forward(self, F, x, im_info):
        return self.suppress(F, *self.candidates(F, x, im_info))

    def candidates(self, F, x, im_info):
        red = F.slice_axis(x, axis=1, begin=0, end=1) > 60

        def ends(axes):
            any_red = F.max(red, axis=axes)
            place = F.contrib.arange_like(any_red, axis=1)
            return 1000 - F.max(F.broadcast_mul(any_red, 1000 - place), axis=1), \
                F.max(F.broadcast_mul(any_red, place), axis=1)

        (x1, x2), (y1, y2) = ends((1, 2)), ends((1, 3))
        score = F.mean(F.slice_axis(x, axis=1, begin=1, end=2), axis=(1, 2, 3)) / 255
        boxes = F.stack(x1, y1, x2, y2, axis=1)
        counts = F.max(im_info > 0, axis=1)
        return F.expand_dims(F.stack(score * 0, score * 0, score, axis=1), axis=1), F.expand_dims(boxes, axis=1), counts

    def suppress(self, F, scores, boxes, counts=None):
        return detections.suppress(F, scores, boxes, counts, max_per_image=3)


def rectangle(width, height, box):
    """A picture, uint8 (height, width, 3), with one rectangle in red, the rest bluish green."""
    image = np.full((height, width, 3), (0, 120, 90), np.uint8)
    image[box[1]:box[3] + 1, box[0]:box[2] + 1, 0] = 255
    return image


@pytest.mark.parametrize("scale", [(60, 120), (40, 60)])
@pytest.mark.parametrize("more", [(), [(120, 240)], [(90, 400), (30, 60)]])
@pytest.mark.parametrize("flip", [False, True])
def test_all_views_find_a_thing_in_one_place(scale, more, flip):
    image, box = rectangle(100, 80, (8, 40, 35, 59)), [8, 40, 35, 59]
    preparation = InputPreparation((scale, *more), MEANS, (1, 1, 1), 32)
    ids, scores, boxes = Detector(Finder(), Finder.classes, preparation, flip=flip)(image)
    assert ids.tolist() == [1]
    # Within a pixel of the smallest view.
    np.testing.assert_allclose(boxes, [box], atol=100 / 30)


@pytest.mark.parametrize("batch, contexts", [(1, None), (2, None), (1, [mx.cpu(0), mx.cpu(1)])])
def test_of_a_data_set(tmp_path, batch, contexts):
    records = []
    for number, (width, height, box) in enumerate([(64, 40, (8, 4, 31, 19)), (40, 64, (0, 0, 20, 20)),
                                                   (80, 80, (40, 40, 79, 79))]):
        Image.fromarray(rectangle(width, height, box)).save(tmp_path / f"{number}.png")
        records.append(make_record(number, str(tmp_path / f"{number}.png"), width, height, [(box, 0, False, False)]))
    preparation = InputPreparation(((80, 160), (40, 80), (120, 200)), MEANS, (1, 1, 1), 32)
    detector = Detector(Finder(), Finder.classes, preparation, contexts, flip=True)
    answers = detect_dataset(detector, SimpleNamespace(records=records), batch).detections
    for record, (ids, _, boxes) in zip(records, answers):
        assert ids.tolist() == [1]
        np.testing.assert_allclose(boxes, record.boxes, atol=1.01)


def test_the_best_view_is_the_one_that_counts():
    """Of views that find the same thing, the surest gives score and box."""
    image = rectangle(100, 80, (8, 40, 35, 59))
    inputs = [[array[None] for array in data.preprocess(image, edge, 1000, MEANS)[:2]] for edge in (40, 80)]
    inputs[1][0][:, 1] += 20
    (score, box), (_, exact) = ([array.asnumpy()[0, 0] for array in views.MultiView(Finder())(chosen, CPU)][1:]
                                for chosen in (inputs, inputs[1:]))
    assert score == pytest.approx(130 / 255)
    np.testing.assert_array_equal(box, exact / 2)
