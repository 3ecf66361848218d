"""Detectors in fused form: the same answers, and never those of parameters that the network no longer has."""
import logging

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from light_head_rcnn.engine.deploy.export import compare_detectors, export
from light_head_rcnn.engine.deploy.exported import load_exported
from light_head_rcnn.engine.deploy.fusing import detector as fusing
from light_head_rcnn.engine.deploy.fusing.detector import FusedDetector, FusedNetwork, fused_detector
from light_head_rcnn.engine.inference.detector import Detector


def assert_same(one, other, detections):
    assert len(one.ids) == len(other.ids) == detections
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)
    np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-2)


@pytest.mark.parametrize("backbone, norm", [("xception", "frozen"), ("xception", "batch"), ("vovnet27_slim", "batch"),
                                            ("efficientnet_lite0", "batch")])
def test_the_same_answers_for_images_of_several_sizes(make_detector, photo, backbone, norm):
    plain = make_detector(backbone, norm)
    fused = fused_detector(plain)
    for image in (photo, photo[:, :96], photo[:64], photo):
        assert_same(fused(image), plain(image), 15)
    assert isinstance(fused, FusedDetector) and fused.is_fused


def test_several_views(make_detector, photo):
    plain = make_detector(flip=True, scales=((64, 96), (96, 128)))
    fused = fused_detector(plain)
    assert_same(fused(photo), plain(photo), 15)
    assert fused.is_fused and fused.flip


def test_a_batch(make_detector, photo):
    plain = make_detector()
    fused = fused_detector(plain)
    inputs, _ = plain.inputs(photo)
    (x, im_info), = inputs
    batch = [(np.concatenate([x, x[..., ::-1]]), np.concatenate([im_info, im_info]))]
    for one, other in zip(plain.views(batch, mx.cpu()), fused.views(batch, mx.cpu())):
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), atol=1e-2)


def test_whoever_takes_the_network_can_train_it(make_detector, photo):
    fused = fused_detector(make_detector())
    before = fused(photo)
    assert fused.is_fused
    net = fused.net
    assert not fused.is_fused
    assert_same(fused(photo), before, 15)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    with autograd.record():
        loss = net.candidates(mx.nd, *fused.prepare(photo))[0].slice_axis(axis=2, begin=1, end=2).sum()
    loss.backward()
    trainer.step(1)
    after = fused(photo)
    assert abs(after.scores - before.scores).max() > 1e-3
    assert_same(after, Detector(net, net.classes, fused.preparation)(photo), len(after.ids))


def test_changes_of_the_fused_form_do_not_reach_the_network(make_detector):
    detector = make_detector()
    before = {name: parameter.data().asnumpy() for name, parameter in detector.net.collect_params().items()}
    network = FusedNetwork(detector.net, [mx.cpu()])
    for parameter in network.collect_params().values():
        assert parameter.grad_req == "null"
        parameter.set_data(parameter.data() * 0)
    mx.nd.waitall()
    assert set(before) == set(detector.net.collect_params())
    for name, parameter in detector.net.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), before[name])


@pytest.mark.parametrize("fault, message", [
    (lambda symbol: symbol[0] * 1.5, "answers otherwise"), (lambda symbol: symbol[0] * float("nan"), "answers other"),
    (lambda symbol: symbol[0].slice_axis(axis=1, begin=0, end=5), "answers otherwise"),
    (lambda symbol: mx.sym.broadcast_add(symbol[0], mx.sym.ones((1, 1, 7))), "not in fused form: ")])
def test_a_fault_of_the_passes_is_noticed(make_detector, photo, monkeypatch, caplog, fault, message):
    detector = make_detector()
    monkeypatch.setattr(fusing, "with_onednn", lambda symbol: mx.sym.Group([fault(symbol), symbol[1], symbol[2]]))
    with caplog.at_level(logging.WARNING):
        assert fused_detector(detector) is detector
    assert message in caplog.text and caplog.text.count("\n") == 1


def test_a_gpu_gets_no_passes(make_detector, monkeypatch):
    monkeypatch.setattr(fusing, "on_cpus", lambda contexts: False)
    monkeypatch.setattr(fusing, "with_onednn", lambda symbol: pytest.fail("the passes are for CPUs"))
    FusedNetwork(make_detector().net, [mx.cpu()])


def test_calls_that_are_in_flight_at_a_time(make_detector, photo):
    fused = fused_detector(make_detector())
    images = [photo, photo[:, :96], photo[::-1], photo[:64], photo[:, ::-1]]
    expected = [fused(image) for image in images]
    inputs = [fused.inputs(image) for image in images]
    answers = [fused.views(views, mx.cpu()) for views, _ in inputs]
    for answer, one in zip(answers, expected):
        scores = answer[1].asnumpy()[0, :, 0]
        np.testing.assert_array_equal(scores[scores >= 0], one.scores)


def test_an_export_leaves_the_detector_in_fused_form(make_detector, photo, tmp_path):
    fused = fused_detector(make_detector())
    export(fused, tmp_path / "one")
    compare_detectors(fused, load_exported(tmp_path / "one"), [photo])
    assert fused.is_fused
