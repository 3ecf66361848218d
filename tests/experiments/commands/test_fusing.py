"""The forms of an export for MXNet: what is asked for, and what takes its place where a form answers otherwise."""
import argparse
import json
import logging
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from light_head_rcnn.engine.deploy import export, exported
from light_head_rcnn.engine.deploy.export import noise_images
from light_head_rcnn.engine.deploy.fusing import graph
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.commands import fusing


class OneBox(gluon.HybridBlock):
    """One detection an image: class 0, a score of the mean colour, the whole image as box."""

    def __init__(self):
        super().__init__(prefix="")
        with self.name_scope():
            self.score = gluon.nn.Conv2D(1, 1, in_channels=3, prefix="score_")

    def hybrid_forward(self, F, x, im_info):
        score = F.sigmoid(F.mean(self.score(x), axis=(2, 3)) / 300).expand_dims(1)
        height, width = (F.slice_axis(im_info, axis=1, begin=i, end=i + 1).expand_dims(1) for i in (0, 1))
        return score * 0, score, F.concat(width * 0, height * 0, width - 1, height - 1, dim=2)


def arguments(*argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--format", default="mxnet")
    fusing.add_fusing_arguments(parser)
    args = parser.parse_args(argv)
    fusing.check_fusing_arguments(args)
    return args


@pytest.fixture
def write(tmp_path, caplog):
    """Function from words of the command line to the exit status, the description and the log."""
    net = OneBox()
    net.initialize(mx.init.One())
    detector = Detector(net, ("thing",), InputPreparation(((32, 64),), (1.0, 2.0, 3.0), (1.0, 1.0, 2.0), 16))

    def run(*argv):
        with caplog.at_level(logging.INFO):
            status = fusing.write_checked(detector, tmp_path / "one", {}, arguments(*argv), noise_images(0),
                                          logging.getLogger("test"))
        return status, json.loads((tmp_path / "one-meta.json").read_text()), caplog.text

    return run


@pytest.mark.parametrize("argv, fused", [((), True), (("--fuse",), True), (("--no-fuse",), None)])
def test_forms_that_are_asked_for(write, argv, fused):
    status, meta, log = write(*argv)
    assert status == 0 and meta.get("fused", {}).get("onednn") is fused and "static_shape" not in meta
    assert "plainer" not in log and "3 of 3 detections" in log or not fused


def test_one_size(write):
    status, meta, _ = write("--static-shape", "64x96")
    assert status == 0 and meta["static_shape"] == [64, 96]


def test_a_gpu_gets_no_passes(write, monkeypatch):
    monkeypatch.setattr(graph, "on_cpus", lambda contexts: False)
    status, meta, _ = write()
    assert status == 0 and meta["fused"]["onednn"] is False


def shifted(symbol):
    ids, scores, boxes = symbol
    return mx.sym.Group([ids, scores + 0.25, boxes])


def test_a_fault_of_onednns_passes_gives_the_plainer_form(write, monkeypatch):
    monkeypatch.setattr(exported, "with_onednn", shifted)
    status, meta, log = write()
    assert status == 0 and meta["fused"]["onednn"] is False
    assert log.count("takes the place of the export in fused form with") == 1 and "0 of 3 detections" in log


def test_crashing_passes_give_the_plainer_form(write, monkeypatch):
    def fail(symbol):
        raise mx.MXNetError("primitive")

    monkeypatch.setattr(exported, "with_onednn", fail)
    status, meta, log = write()
    assert status == 0 and meta["fused"]["onednn"] is False and log.count("plainer form") == 1 and "primitive" in log


def test_where_every_form_answers_otherwise(write, monkeypatch):
    load = exported.load_exported

    def load_shifted(*args):
        detector = load(*args)
        return SimpleNamespace(rois=None,
                               net=lambda *x: [a + np.float32(i == 1) for i, a in enumerate(detector.net(*x))],
                               prepare=detector.prepare)

    monkeypatch.setattr(exported, "load_exported", load_shifted)
    status, meta, log = write()
    assert status == 1 and "fused" not in meta and "error: the exported detector does not give the same" in log


def test_a_network_that_cannot_be_fused(write, monkeypatch):
    def fail(*_):
        raise mx.MXNetError("no such attribute")

    monkeypatch.setattr(export, "fuse_graph", fail)
    status, meta, log = write()
    assert status == 0 and "fused" not in meta and log.count("no such attribute") == 2


@pytest.mark.parametrize("argv, message", [(("--fuse",), "--fuse belongs"), (("--no-fuse",), "--no-fuse belongs"),
                                           (("--static-shape", "64x64"), "--static-shape belongs")])
def test_options_of_the_other_format(argv, message):
    with pytest.raises(UsageError, match=message):
        arguments("--format", "onnx", *argv)
    assert arguments("--format", "onnx").fuse is None


@pytest.mark.parametrize("text", ["64", "64x", "ax3", "64x64x3", "-64x64"])
def test_what_is_no_size(text, capsys):
    with pytest.raises(SystemExit):
        arguments(f"--static-shape={text}")
    assert "is not a height and a width, such as 800x1216" in capsys.readouterr().err
