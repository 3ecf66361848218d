"""Stages: run one after the other they are the detector."""
import time

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn import gluon_models
from light_head_rcnn.experiments.paper_tables import detectors, growth, measuring
from light_head_rcnn.experiments.paper_tables.rows import row_config
from light_head_rcnn.experiments.paper_tables.stages import STAGES, StagedGraph

OVERRIDES = ["SCALES", "96,128", "TEST.RPN_POST_NMS_TOP_N", "20"]


@pytest.mark.parametrize("name, options", [
    ("light_head_rcnn_xception_coco", {"roi_pool": "psroi_align"}),
    ("light_head_rcnn_xception_coco", {"roi_pool": "roi_pool", "hidden": 0, "neck": "pointwise"}),
    ("rfcn_xception_coco", {"class_agnostic": False}),
    ("light_head_rcnn_fpn_resnet50_v1_coco", {}),
    ("faster_rcnn_resnet50_v1_coco", {}),
])
def test_stage_by_stage_equals_the_detector(name, options):
    net = gluon_models.get_model(name, norm="batch", post_nms=15, **options)
    net.initialize(mx.init.Normal(0.05))
    graph = StagedGraph(net, 96, 128)
    values = {"data": mx.nd.random.normal(shape=(1, 3, 96, 128)), "im_info": mx.nd.array([[96, 128, 1]])}
    expected = net(values["data"], values["im_info"])
    for stage in STAGES:
        outputs = graph.block(stage)(*[values[graph.name(pair)] for pair in graph.inputs(stage)])
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        assert [output.shape for output in outputs] == [graph.shape(pair) for pair in graph.outputs(stage)]
        values.update(zip(map(graph.name, graph.outputs(stage)), outputs))
    found = [values[graph.name(pair)] for pair in graph.outputs("post")]
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one.asnumpy(), other.asnumpy())


def test_parts_stand_in_their_stages():
    graph = StagedGraph(gluon_models.get_model("rfcn_xception_coco"), 96, 128)
    stages = {node["name"]: stage for node, stage in zip(graph.nodes, graph.stage)}
    for name, stage in (("conv1_fwd", "body"), ("rpn_cls_score_fwd", "rpn"), ("conv_new_1_fwd", "neck"),
                        ("rfcn_cls_fwd", "neck")):
        assert stages[name] == stage
    assert {graph.stage[i] for i, node in enumerate(graph.nodes) if node["op"] == "ps_roi_pool"} == {"warping"}
    assert {graph.stage[i] for i, node in enumerate(graph.nodes) if node["op"] == "rpn_proposal"} == {"rpn"}
    assert {graph.stage[i] for i, node in enumerate(graph.nodes) if node["op"] == "multiclass_nms"} == {"post"}
    assert {graph.stage[i] for i, node in enumerate(graph.nodes) if node["op"] == "mean"} == {"head"}


def test_a_row_is_timed_by_stage():
    detector = detectors.StagedDetector(row_config("s_800", OVERRIDES + ["TEST.SCALES", "[]"]))
    ids, scores, boxes = detector.run()
    assert (ids.shape, scores.shape, boxes.shape) == ((1, 100, 1), (1, 100, 1), (1, 100, 4))
    assert np.isfinite(boxes.asnumpy()).all()
    times = measuring.time_detectors({"s": detector}, repeats=3)["s"]
    assert set(times) == set(STAGES) | {"total"}
    assert all(0 < time["low"] <= time["median"] <= time["high"] for time in times.values())


def test_turns_alternate_and_the_first_is_not_counted():
    order = []

    class Fake:
        def __init__(self, name):
            self.name = name

        def run(self, after_stage):
            if self.name not in order:
                time.sleep(0.1)
            order.append(self.name)
            after_stage("one")
            after_stage("two")

    times = measuring.time_detectors({name: Fake(name) for name in "ab"}, repeats=2)
    assert "".join(order) == "baabba"
    assert set(times["a"]) == {"one", "two", "total"} and times["a"]["total"]["high"] < 25


@pytest.mark.slow
def test_growth_of_what_lies_behind_the_backbone(monkeypatch):
    monkeypatch.setattr(growth, "FIXED", {"classes": 21, "rois": 30, "size": (96, 128)})
    monkeypatch.setattr(growth, "AXES", {"classes": (5, 21), "rois": (10, 30)})
    configs = {name: row_config(name) for name in ("b2", "s_800")}
    found = {(p["axis"], p["row"], p[p["axis"]]): p for p in growth.measure_growth(configs, repeats=1)}
    assert len(found) == 8 and all(point["milliseconds"]["median"] > 0 for point in found.values())
    cells = 6 * 8
    few, many = found["classes", "b2", 5], found["classes", "b2", 21]
    assert many["multiply_adds"] - few["multiply_adds"] == 1024 * 16 * 49 * cells
    few, many = found["classes", "s_800", 5], found["classes", "s_800", 21]
    assert many["multiply_adds"] - few["multiply_adds"] == 2048 * 16 * 30
    assert many["bytes_held"] == few["bytes_held"] == 4 * 490 * (cells + 30)
    assert found["rois", "s_800", 30]["multiply_adds"] - found["rois", "s_800", 10]["multiply_adds"] == 20 * (
        490 * 2048 + 2048 * (21 + 8))
